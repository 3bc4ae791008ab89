"""Is the target fit to be load-tested, and if not, which line of the profile is to change? Asked before any load."""
