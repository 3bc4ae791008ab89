"""Finds out, before any load, whether a target can be load-tested, and if not, which line of the profile to change."""
