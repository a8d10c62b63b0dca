"""From float tensors to integers: ranges (observers) and the quantiser."""
