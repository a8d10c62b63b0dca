"""Data sets, networks, their training and their checkpoints."""
