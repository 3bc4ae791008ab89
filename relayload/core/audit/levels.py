"""How often an audit may raise a false alarm: in 1 of 100 at most, split over its tests in advance.

The level of a part holds for all its tests together, which Holm's correction sees to. Most of what can be wrong in
reports of tokens is no matter of chance, and the intervals of usage are no tests.
"""

CONTROL = 0.001
"""That the reference differs from itself, for all models."""
DIFFERENCES = 0.004
"""That a target differs from the reference, for all targets and models."""
CHANGES = 0.004
"""That something changes with the load, for all targets, models, conditions and quantities."""
STREAMED = 0.0001
"""That streamed answers are reported otherwise than plain ones: input or output, of one target by one model."""
ALL = 0.01
"""That any of these happens, with up to ten targets and models."""
