"""Little's law, checked against a trial: requests in flight = completions per second x mean latency.

The mean in flight is the time integral of begun minus ended over the measured span, whatever began before it included,
so it takes no part of the law for granted. In a steady state the law holds but for the ends of the span: what ended in
it brings latency from before it, and what is still in flight takes some of its own beyond. As the ends of requests fall
by chance, the law may be off by about two standard deviations of that sum, each request in flight at an end
contributing by itself. Off by more than that, the load was not in a steady state: a backlog grew or shrank.
"""

import math
from collections.abc import Iterable, Sequence

from msgspec import Struct

TOLERANCE = 0.05
"""The deviation from the law that is not worth a word."""
_CHANCE = 1.96

Requests = Iterable[tuple[Sequence[float], Sequence[float]]]
"""Groups of requests: when each was due, and its latency, in seconds."""


class InFlight(Struct, frozen=True, kw_only=True):
    """The requests in flight over the measured span of a trial, and what Little's law says of them."""

    mean: float
    """The time integral of begun minus ended over the span, per second."""
    ended_per_s: float
    """Requests that ended in the span, whatever their outcome."""
    mean_latency_s: float
    """Their mean latency."""
    deviation: float
    """How far `ended_per_s` x `mean_latency_s` is above `mean`, as a share of it."""
    by_chance: float
    """The share by which the two may differ because of what was in flight at both ends of the span."""
    without_record: int = 0
    """Requests that were begun, and whose end nobody knows: they are in neither."""

    beyond: bool = False
    """The law does not hold within 5 %, and the ends of the span do not explain it: a backlog grew or shrank."""
    inexact: bool = False
    """The span is too short against the latency, or records are missing, to check the law to 5 %."""

    @property
    def grew(self) -> bool:
        """A backlog grew: more latency is still to come than ended in the span."""
        return self.beyond and self.deviation < 0


def in_flight(requests: Requests, begins_at_s: float, ends_at_s: float, without_record: int = 0) -> InFlight | None:
    """Return what was in flight from begin to end of a span; None if nothing ended in it."""
    inside = 0.0
    latencies: list[float] = []
    at_ends: list[float] = []
    for due_at_s, latency_s in requests:
        for due_s, for_s in zip(due_at_s, latency_s, strict=True):
            end_s = due_s + for_s
            if due_s >= ends_at_s or end_s <= begins_at_s:
                continue
            inside += min(end_s, ends_at_s) - max(due_s, begins_at_s)
            if end_s <= ends_at_s:
                latencies.append(for_s)
                at_ends.append(max(0.0, begins_at_s - due_s))
            else:
                at_ends.append(ends_at_s - max(due_s, begins_at_s))
    length_s = ends_at_s - begins_at_s
    if not latencies or inside <= 0:
        return None
    spent_s, by_chance = math.fsum(latencies), _CHANCE * math.hypot(*at_ends) / inside
    deviation = spent_s / inside - 1
    return InFlight(
        mean=inside / length_s,
        ended_per_s=len(latencies) / length_s,
        mean_latency_s=spent_s / len(latencies),
        deviation=deviation,
        by_chance=by_chance,
        without_record=without_record,
        beyond=abs(deviation) > max(TOLERANCE, by_chance),
        inexact=by_chance > TOLERANCE or without_record > 0,
    )
