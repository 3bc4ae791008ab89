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
    """Infinite if it never was."""


@dataclass(frozen=True, slots=True)
class BreakerHistory:
    """One worker's breaker for one scope: its transitions in order of time."""

    changes: tuple[Transition, ...]

    def open_spans(self) -> Iterator[tuple[float, float]]:
        """From when to when it was open; for ever, if it never changed again."""
        for change, following in zip_longest(self.changes, self.changes[1:]):
            if change.after is BreakerState.OPEN:
                yield change.at_s, following.at_s if following else math.inf

    def recoveries(self) -> Iterator[Recovery]:
        """One for each time that it opened after it had been closed, which no failed half-open call in between ends."""
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
    """Each breaker that ever changed its state."""
    changes: dict[tuple[int, str], list[Transition]] = {}
    for transition in in_order(transitions):
        changes.setdefault((transition.worker, transition.scope), []).append(transition)
    return [BreakerHistory(tuple(own)) for own in changes.values()]


def in_order(transitions: Iterable[Transition]) -> list[Transition]:
    """By time; those of one worker and instant as they were recorded."""
    return sorted(transitions, key=lambda transition: transition.at_s)


def trips(transitions: Iterable[Transition]) -> list[Transition]:
    """The transitions to OPEN, also those from a failed half-open call."""
    return [transition for transition in transitions if transition.after is BreakerState.OPEN]


def open_s(of: Iterable[BreakerHistory], within: Sequence[tuple[float, float]]) -> float:
    """How long breakers were open in these spans of time, which do not overlap, added up."""
    opened = chain.from_iterable(breaker.open_spans() for breaker in of)
    return math.fsum(
        max(0.0, min(end, span_end) - max(begin, span_begin))
        for begin, end in opened
        for span_begin, span_end in within
    )


def opened_after_s(trip: Transition) -> float | None:
    """From the end of the first of the failures behind a trip to the trip; None where that is not told."""
    return None if trip.since_s is None else trip.at_s - trip.since_s
