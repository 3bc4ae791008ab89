"""Measures what a relay adds to the direct way: a set of runs of paired targets, and what is read of them."""
