"""Networks that cimsim defines itself, one family a module."""
