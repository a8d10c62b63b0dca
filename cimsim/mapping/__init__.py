"""Matrix layers on subarrays: weight codes, cells, and the column sums they produce."""
