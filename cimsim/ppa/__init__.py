"""Power, performance and area of a chip: technology data and the native engine."""
