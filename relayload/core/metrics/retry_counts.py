"""What clients did so that requests got an answer: tried again, waited, gave up."""

from array import array
from collections import Counter
from collections.abc import Iterable, Sequence
from operator import attrgetter
from typing import NamedTuple

from relayload.core.model.record import Attempt, Record


class RetryCause(NamedTuple):
    """Why an attempt was followed by another: how it ended, as plain text."""

    outcome: str
    status: int | None
    kind: str | None

    @property
    def name(self) -> str:
        """What the client made of it, or how it ended where no client had a say."""
        return self.kind or self.outcome


class RetryCounts:
    """Of requests that share every tag: why they were tried again, how long they waited for it, why no more."""

    __slots__ = ("backoff_s", "retried", "retries_due_at_s", "stopped_by")

    def __init__(self) -> None:
        self.retried = 0
        """Requests that were tried more than once."""
        self.retries_due_at_s: dict[RetryCause, array[float]] = {}
        """Per retry, when its request was due."""
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
    """How often attempts were followed by another, by the name of the cause, the most frequent first."""
    counts: Counter[str] = Counter()
    for one in retry_counts:
        for cause, due_at_s in one.retries_due_at_s.items():
            counts[cause.name] += len(due_at_s)
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def retry_cause(attempt: Attempt) -> RetryCause:
    """Why that attempt was followed by another."""
    return RetryCause(attempt.outcome.value, attempt.status, attempt.kind.value if attempt.kind else None)
