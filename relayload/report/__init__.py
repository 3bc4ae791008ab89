"""Summary and verdict as text, for people and machines."""
