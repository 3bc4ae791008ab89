"""The capacity of a relay: requests queue for a slot, and each slot serves one request at a time.

With s slots and a mean service time of S seconds (time to first token plus the tokens after it), the relay serves at
most s / S requests per second, and exactly that with constant times.
"""

from collections import deque
from collections.abc import Callable
from typing import Annotated

from pydantic import Field

from relayload.fakerelay.schema import PresetPart


class Capacity(PresetPart):
    """How many requests a relay serves at once."""

    slots: Annotated[int, Field(ge=1)]
    queue: Annotated[int, Field(ge=0)] | None = None
    """How many requests may wait for a slot; further ones get a 503. None means no limit."""


class QueueFull(Exception):
    """All slots are taken, and the queue is full."""


class Ticket:
    """A request's ticket: waiting in the queue, then in a slot, then given back."""

    __slots__ = ("left", "start", "started_at_s")

    def __init__(self, start: Callable[[float], None]) -> None:
        self.start = start
        self.started_at_s: float | None = None
        self.left = False


class Slots:
    """Assigns slots, first come, first served."""

    def __init__(self, capacity: Capacity | None) -> None:
        self._free = capacity.slots if capacity else None
        self._queue_limit = capacity.queue if capacity else None
        self._waiting: deque[Ticket] = deque()

    @property
    def waiting(self) -> int:
        """The number of requests without a slot."""
        return len(self._waiting)

    def enter(self, now_s: float, start: Callable[[float], None]) -> Ticket:
        """Call `start` with the instant at which a slot is free, now or from another's `leave`. Raises QueueFull."""
        ticket = Ticket(start)
        if self._free is None:
            self._begin(ticket, now_s)
        elif self._free > 0:
            self._free -= 1
            self._begin(ticket, now_s)
        elif self._queue_limit is not None and len(self._waiting) >= self._queue_limit:
            raise QueueFull
        else:
            self._waiting.append(ticket)
        return ticket

    def leave(self, ticket: Ticket, at_s: float) -> None:
        """Give back a ticket; the next in the queue starts at `at_s`.

        Pass the instant at which the answer was due to end, not the later one at which that was noticed, or each answer
        would occupy the slot for slightly more than its time.
        """
        if ticket.left:
            return
        ticket.left = True
        if ticket.started_at_s is None:
            self._waiting.remove(ticket)
        elif self._waiting:
            self._begin(self._waiting.popleft(), at_s)
        elif self._free is not None:
            self._free += 1

    def _begin(self, ticket: Ticket, at_s: float) -> None:
        ticket.started_at_s = at_s
        ticket.start(at_s)
