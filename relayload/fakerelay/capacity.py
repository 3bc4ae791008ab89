"""The knee: requests queue for a slot, and each slot serves one request at a time.

With s slots and a mean service time of S seconds (time to first token plus the tokens after it) the relay
carries s / S requests per second and no more; with constant times it does so exactly.
"""

from collections import deque
from collections.abc import Callable
from typing import Annotated

from pydantic import Field

from relayload.fakerelay.schema import Part


class Capacity(Part):
    """How much a relay serves at once."""

    slots: Annotated[int, Field(ge=1)]
    queue: Annotated[int, Field(ge=0)] | None = None
    """How many may wait for a slot; one more is told 503. Without it the queue has no end."""


class QueueFull(Exception):
    """All slots are taken, and all places to wait."""


class Place:
    """A request's place: in the queue, then in a slot, then nowhere."""

    __slots__ = ("left", "start", "started_at_s")

    def __init__(self, start: Callable[[float], None]) -> None:
        self.start = start
        self.started_at_s: float | None = None
        self.left = False


class Slots:
    """Hands out slots first come, first served."""

    def __init__(self, capacity: Capacity | None) -> None:
        self._free = capacity.slots if capacity else None
        self._queue_limit = capacity.queue if capacity else None
        self._waiting: deque[Place] = deque()

    @property
    def waiting(self) -> int:
        """Requests without a slot."""
        return len(self._waiting)

    def enter(self, now_s: float, start: Callable[[float], None]) -> Place:
        """Call `start` with the instant at which a slot is free: now, or from another's `leave`. Raises QueueFull."""
        place = Place(start)
        if self._free is None:
            self._begin(place, now_s)
        elif self._free > 0:
            self._free -= 1
            self._begin(place, now_s)
        elif self._queue_limit is not None and len(self._waiting) >= self._queue_limit:
            raise QueueFull
        else:
            self._waiting.append(place)
        return place

    def leave(self, place: Place, at_s: float) -> None:
        """Give up a place; the next in line starts at that instant.

        Pass the instant at which the answer was due to end, not the later one at which that was noticed:
        otherwise each answer would cost the slot a little more than its time.
        """
        if place.left:
            return
        place.left = True
        if place.started_at_s is None:
            self._waiting.remove(place)
        elif self._waiting:
            self._begin(self._waiting.popleft(), at_s)
        elif self._free is not None:
            self._free += 1

    def _begin(self, place: Place, at_s: float) -> None:
        place.started_at_s = at_s
        place.start(at_s)
