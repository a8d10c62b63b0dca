"""Search: design points that a sampler proposes from the results of earlier ones."""
