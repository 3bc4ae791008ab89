"""Counts of what clients did to get an answer: retries, waits, and giving up."""

from array import array
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

    __slots__ = ("backoff_s", "retried", "retries_due_at_s", "stopped_by")

    def __init__(self) -> None:
        self.retried = 0
        """Requests that were tried more than once."""
        self.retries_due_at_s: dict[RetryCause, array[float]] = {}
        """By cause, when the request of each retry was due."""
        self.backoff_s = 0.0
        self.stopped_by: Counter[str] = Counter()

    def extend(self, records: Sequence[Record]) -> None:
        self.backoff_s += sum(map(attrgetter("backoff_s"), records))
        self.stopped_by.update(filter(None, map(attrgetter("stopped_by"), records)))
        retried = [record for record in records if len(record.attempts) > 1]
        self.retried += len(retried)
        for record in retried:
            for attempt in record.attempts[:-1]:
                self.retries_due_at_s.setdefault(retry_cause(attempt), array("d")).append(record.intended_at_s)

    def merge(self, other: "RetryCounts") -> None:
        self.retried += other.retried
        self.backoff_s += other.backoff_s
        self.stopped_by.update(other.stopped_by)
        for cause, due_at_s in other.retries_due_at_s.items():
            self.retries_due_at_s.setdefault(cause, array("d")).extend(due_at_s)


def retries_by_cause(retry_counts: Iterable[RetryCounts]) -> dict[str, int]:
    """Return the number of retries by the name of their cause, the most frequent first."""
    counts: Counter[str] = Counter()
    for one in retry_counts:
        for cause, due_at_s in one.retries_due_at_s.items():
            counts[cause.name] += len(due_at_s)
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def retry_cause(attempt: Attempt) -> RetryCause:
    """Return the cause of a retry after that attempt."""
    return RetryCause(attempt.outcome.value, attempt.status, attempt.kind.value if attempt.kind else None)
