"""Integer inputs of each layer, from which the hardware model takes row activity."""
