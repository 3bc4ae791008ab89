"""Counts of what clients did to get an answer: retries, waits, and giving up."""

from collections import Counter
from collections.abc import Iterable, Sequence
from operator import attrgetter
from typing import NamedTuple

from relayload.core.model.record import Attempt, Record


class RetryCause(NamedTuple):
    """The result, as plain text, of an attempt that was retried."""

    outcome: str
    status: int | None
    kind: str | None

    @property
    def name(self) -> str:
        """The failure kind by the client, or the outcome where no client classified it."""
        return self.kind or self.outcome


class RetryCounts:
    """The retries of requests that share every tag: their causes and waits, and why they stopped."""

    __slots__ = ("backoff_s", "by_kind", "retried", "stopped_by")

    def __init__(self) -> None:
        self.retried = 0
        """Requests that were tried more than once."""
        self.by_kind: Counter[str] = Counter()
        """Retries by the name of their cause."""
        self.backoff_s = 0.0
        self.stopped_by: Counter[str] = Counter()

    def extend(self, records: Sequence[Record]) -> None:
        self.backoff_s += sum(map(attrgetter("backoff_s"), records))
        self.stopped_by.update(filter(None, map(attrgetter("stopped_by"), records)))
        retried = [record for record in records if len(record.attempts) > 1]
        self.retried += len(retried)
        self.by_kind.update(retry_cause(attempt).name for record in retried for attempt in record.attempts[:-1])

    def merge(self, other: "RetryCounts") -> None:
        self.retried += other.retried
        self.backoff_s += other.backoff_s
        self.stopped_by.update(other.stopped_by)
        self.by_kind.update(other.by_kind)


def retries_by_cause(retry_counts: Iterable[RetryCounts]) -> dict[str, int]:
    """Return the number of retries by the name of their cause, the most frequent first."""
    counts: Counter[str] = Counter()
    for one in retry_counts:
        counts.update(one.by_kind)
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def retry_cause(attempt: Attempt) -> RetryCause:
    """Return the cause of a retry after that attempt."""
    return RetryCause(attempt.outcome.value, attempt.status, attempt.kind.value if attempt.kind else None)
