"""How many gaps between chunks may be on the other side of a limit than they were recorded."""

from collections.abc import Sequence

from relayload.core.model.record import GapErrors
from relayload.core.objectives.objective import Objective
from relayload.core.stats.histogram import middle_s


def gaps_off(objective: Objective, gaps: Sequence[int], errors: GapErrors) -> tuple[int, int]:
    """Return how many of the bad gaps of a stream may be good, and how many of the good ones bad."""
    shorter, longer = gaps_longer(objective.limit, gaps, errors)
    return (shorter, longer) if objective.op.ceiling else (longer, shorter)


def gaps_longer(limit_s: float, gaps: Sequence[int], errors: GapErrors) -> tuple[int, int]:
    """Return how many of the gaps beyond a limit may be within it, and how many of those within it beyond.

    `gaps` are flat pairs of bucket and count. A read of several chunks makes the gap before it too long by at most
    `most_s`, the gaps between those chunks, which are recorded as 0, too short by that in total, and if it is open, the
    gap after it too short.
    """
    most_s = errors.most_s
    shorter = min(errors.reads, _count(gaps, limit_s, limit_s + most_s))
    merged = gaps[1] if gaps[0] == 0 else 0
    longer = min(merged, errors.reads * int(most_s / limit_s)) if limit_s > 0 else merged
    longer += min(errors.open, _count(gaps, limit_s - most_s, limit_s))
    return shorter, longer


def _count(gaps: Sequence[int], above_s: float, to_s: float) -> int:
    """Return the number of recorded gaps from one duration to another, both included, except those of 0."""
    pairs = zip(gaps[::2], gaps[1::2], strict=True)
    return sum(count for bucket, count in pairs if bucket and above_s <= middle_s(bucket) <= to_s)
