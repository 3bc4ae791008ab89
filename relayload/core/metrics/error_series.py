"""Failures over time by their kind."""

from collections import Counter
from dataclasses import dataclass

from relayload.core.metrics.fold import Fold
from relayload.core.metrics.time_bins import Bins


@dataclass(frozen=True, slots=True)
class ErrorSeries:
    """The requests that ended in one way, as `summary.ErrorCount` tells them apart."""

    outcome: str
    error: str | None
    status: int | None
    ended_in: tuple[int, ...]
    """How many ended in each bin."""
    first_s: int
    """The second of the run in which the first of them ended."""
    last_s: int


def error_series(fold: Fold, bins: Bins) -> tuple[ErrorSeries, ...]:
    """Return the failures by kind, the most frequent first, in the order of the summary."""
    by_kind: dict[tuple[str, str | None, int | None], Counter[int]] = {}
    for tags, tagged in fold.by_tags.items():
        if tags.failed:
            by_kind.setdefault((tags.outcome, tags.error, tags.status), Counter()).update(tagged.ends.by_second())
    return tuple(
        ErrorSeries(*kind, tuple(bins.added_up(seconds.items())), min(seconds), max(seconds))
        for kind, seconds in sorted(by_kind.items(), key=lambda item: (-item[1].total(), str(item[0])))
    )
