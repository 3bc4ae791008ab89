"""Sets of runs against one another: comparisons, and repeats of one profile."""
