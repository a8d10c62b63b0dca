"""Networks whose matrix layers run on arrays, seed by seed."""
