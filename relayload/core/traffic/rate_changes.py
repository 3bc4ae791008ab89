"""Changes of the rate while a load runs: from an instant on, the rates of the stages are multiplied.

What is due before that instant stays as it was, and indices go on. So every process that knows the changes has the same
schedule again, in which the arrivals that it was granted have other instants.
"""

from collections.abc import Iterable, Iterator, Sequence
from math import inf

from msgspec import Struct

from relayload.core.traffic.stages import RateSegment


class RateChange(Struct, frozen=True):
    """From `at_s` of the run on, each stage has `factor` times the rate of the plan, until the next change."""

    at_s: float
    factor: float


def changed(segments: Iterable[RateSegment], changes: Sequence[RateChange]) -> Iterator[RateSegment]:
    """Yield the segments with the rates that changes, in order of time, make of them."""
    expected = 0.0
    for segment in segments:
        for begins_at_s, ends_at_s, factor in _pieces(segment, changes):
            rate_per_s = factor * (segment.rate_per_s + segment.slope_per_s2 * (begins_at_s - segment.starts_at_s))
            slope_per_s2 = factor * segment.slope_per_s2
            piece = RateSegment(segment.stage, begins_at_s, ends_at_s - begins_at_s, rate_per_s, slope_per_s2, expected)
            yield piece
            expected = piece.expected_by_end


def _pieces(segment: RateSegment, changes: Sequence[RateChange]) -> Iterator[tuple[float, float, float]]:
    """Yield begin, end and factor of each piece of a segment."""
    begins = (0.0, *(change.at_s for change in changes))
    ends = (*begins[1:], inf)
    for from_s, until_s, factor in zip(begins, ends, (1.0, *(change.factor for change in changes)), strict=True):
        begins_at_s, ends_at_s = max(from_s, segment.starts_at_s), min(until_s, segment.ends_at_s)
        if begins_at_s < ends_at_s:
            yield begins_at_s, ends_at_s, factor
