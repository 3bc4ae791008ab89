"""What holds a load back that is refused: the ceiling that 429s keep, or a queue that was full."""

from collections.abc import Iterable
from typing import NamedTuple

from relayload.core.capacity.ceiling import Ceiling, ceiling
from relayload.core.capacity.full_queue import FullQueue, Span, full_queue
from relayload.core.model.record import Line, Outcome, Record

OVERLOADED = (503, 529)
"""The statuses by which a relay says that it is full."""


class Refusals(NamedTuple):
    """What refused requests tell, one of both at most."""

    ceiling: Ceiling | None = None
    queue: FullQueue | None = None


NOTHING_REFUSED = Refusals()


def refusals(lines: Iterable[Line], for_s: float, users: int | None = None) -> Refusals:
    """Return what held back a load of that length; a closed one has `users`.

    A full queue comes first: whoever refuses by a window lets requests through whatever is in flight.
    """
    taken, limited, overloaded = list[Span](), list[Span](), list[Span]()
    for record in lines:
        if isinstance(record, Record):
            sent_at_s = record.intended_at_s + record.late_s
            span = Span(sent_at_s, record.intended_at_s + record.latency_s)
            _among(record, taken, limited, overloaded).append(span)
    if queue := full_queue(taken, [*limited, *overloaded], for_s, users):
        return Refusals(queue=queue)
    let_through, refused = (sorted(span.sent_at_s for span in spans) for spans in (taken, limited))
    return Refusals(ceiling(let_through, refused, for_s))


def _among(record: Record, taken: list[Span], limited: list[Span], overloaded: list[Span]) -> list[Span]:
    if record.outcome is Outcome.RATE_LIMITED:
        return limited
    status = record.attempts[-1].status if record.attempts else None
    return overloaded if status in OVERLOADED else taken
