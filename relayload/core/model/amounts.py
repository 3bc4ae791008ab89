"""Numbers of a recording, each with its valid range.

Readers of a recording get only numbers that can be added, printed and written again: a count of a thousand digits, or
an instant a million years away, is no fact of a run, and its line is not a record.
"""

from typing import Annotated

from msgspec import Meta

MOST = 1 << 40
"""The most of anything that is counted: sums over the requests of any run stay within what JSON can hold."""
_LONGEST_S = 1e9
"""Thirty years."""
_LEAST_S = -0.5
"""Clocks are read one after the other, so an instant or a duration may be slightly negative."""

MOST_STAGES = 10_000
MOST_TARGETS = 1_000
MOST_KEYS = 100
MOST_TAGS = 10
MOST_TAG_VALUES = 100
MOST_PRICES = 100_000
MOST_CHANGES = 1_000
MOST_OBJECTIVES = 1_000
"""The most in one run: each is checked for every stage, target or table."""

Count = Annotated[int, Meta(ge=0, le=MOST)]
Sum = Annotated[int, Meta(ge=0, le=1 << 62)]
"""A sum of counts."""
Index = Annotated[int, Meta(ge=0, le=1 << 48)]
Worker = Annotated[int, Meta(ge=0, le=1_000_000)]
Status = Annotated[int, Meta(ge=-1, le=1_000_000)]
Nanoseconds = Annotated[int, Meta(ge=0, le=(1 << 63) - 1)]
Second = Annotated[int, Meta(ge=-1, le=10**9)]
"""The number of a second of a run, which a clock read too late may put before its start."""
Width = Annotated[int, Meta(ge=1, le=1 << 20)]
Number = Annotated[int, Meta(ge=0, le=1 << 32)]
Total = Annotated[float, Meta(ge=-1e30, le=1e30)]
Seconds = Annotated[float, Meta(ge=_LEAST_S, le=_LONGEST_S)]
Length = Annotated[float, Meta(ge=0.0, le=_LONGEST_S)]
Window = Annotated[float, Meta(ge=0.001, le=_LONGEST_S)]
Instant = Annotated[float, Meta(ge=_LEAST_S, le=_LONGEST_S)]
Offset = Annotated[float, Meta(ge=-_LONGEST_S, le=_LONGEST_S)]
Share = Annotated[float, Meta(ge=0, le=1e6)]
