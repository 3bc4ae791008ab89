"""The history of circuit breakers, from their transitions. Every worker has one per scope."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest

from relayload.core.model.record import BreakerState, Transition


@dataclass(frozen=True, slots=True)
class Recovery:
    """A breaker that opened after it had been closed, and how long it took until it was closed again."""

    trip: Transition
    after_s: float
    """Seconds from the trip until it was closed again; infinite if it never was."""


@dataclass(frozen=True, slots=True)
class BreakerHistory:
    """One worker's breaker for one scope: its transitions in order of time."""

    changes: tuple[Transition, ...]

    def open_spans(self) -> Iterator[tuple[float, float]]:
        """Yield the instants between which it was open; the end is infinite if it never changed again."""
        for change, following in zip_longest(self.changes, self.changes[1:]):
            if change.after is BreakerState.OPEN:
                yield change.at_s, following.at_s if following else math.inf

    def recoveries(self) -> Iterator[Recovery]:
        """Yield a recovery per opening from CLOSED; a failed half-open call in between does not end it."""
        first: Transition | None = None
        for change in self.changes:
            if change.after is BreakerState.OPEN:
                first = first or change
            elif change.after is BreakerState.CLOSED and first is not None:
                yield Recovery(first, change.at_s - first.at_s)
                first = None
        if first is not None:
            yield Recovery(first, math.inf)


def breaker_histories(transitions: Iterable[Transition]) -> list[BreakerHistory]:
    """Return the history of each breaker that ever changed its state."""
    changes: dict[tuple[int, str], list[Transition]] = {}
    for transition in in_order(transitions):
        changes.setdefault((transition.worker, transition.scope), []).append(transition)
    return [BreakerHistory(tuple(own)) for own in changes.values()]


def in_order(transitions: Iterable[Transition]) -> list[Transition]:
    """Sort transitions by time; those of one worker and instant keep the order of the recording."""
    return sorted(transitions, key=lambda transition: transition.at_s)


def trips(transitions: Iterable[Transition]) -> list[Transition]:
    """Return the transitions to OPEN, including those from a failed half-open call."""
    return [transition for transition in transitions if transition.after is BreakerState.OPEN]


def open_s(of: Iterable[BreakerHistory], within: Sequence[tuple[float, float]]) -> float:
    """Return the total seconds that breakers were open within these spans of time, which do not overlap."""
    opened = chain.from_iterable(breaker.open_spans() for breaker in of)
    return math.fsum(
        max(0.0, min(end, span_end) - max(begin, span_begin))
        for begin, end in opened
        for span_begin, span_end in within
    )


def opened_after_s(trip: Transition) -> float | None:
    """Return the seconds from the end of the first failure behind a trip to the trip; None if not recorded."""
    return None if trip.since_s is None else trip.at_s - trip.since_s
