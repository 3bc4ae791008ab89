"""A sample that is known as it is, to be described."""

from collections.abc import Iterable

from relayload.core.stats.ranks import Sorted, SortedRuns, WeightedValues
from relayload.core.stats.sample import Moments


class Known:
    """These values, of which so many are independent: all, unless it is said."""

    def __init__(self, values: Iterable[float], effective_n: int | None = None) -> None:
        values = sorted(values)
        self.ordered = SortedRuns([values])
        self.moments = Moments.of(values)
        self.effective_n = len(values) if effective_n is None else effective_n

    def effective_above(self, threshold: float) -> int:
        return self.effective_n


def plain(values: Sorted) -> list[float]:
    """Return values that are not counted."""
    assert not isinstance(values, WeightedValues)
    return list(values)
