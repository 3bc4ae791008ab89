"""The offered load: when requests start, and what they contain."""
