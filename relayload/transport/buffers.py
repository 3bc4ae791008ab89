"""One memory budget for the unfinished answers of a process. When it is exceeded, the largest answer is dropped."""

from typing import Final, Protocol

from relayload.core.wire.response_limits import TooLarge

UNCOUNTED_BYTES: Final = 16_384
"""Answers that hold no more than this are not counted."""


class Holder(Protocol):
    """An unfinished answer."""

    def give_up(self) -> None:
        """Free what it holds and fail as too large. Called in the event loop."""


class Buffers:
    """The memory budget, shared by all transports of a process."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._held: dict[Holder, int] = {}
        self._held_bytes = 0

    def hold(self, holder: Holder, size: int) -> None:
        """Record that the holder now holds `size` bytes, and drop the largest answers until the budget suffices.

        Raises TooLarge if this holder is the largest.
        """
        self._held_bytes += size - self._held.get(holder, 0)
        self._held[holder] = size
        while self._held_bytes > self._most_bytes:
            largest = max(self._held, key=self._held.__getitem__)
            self.release(largest)
            if largest is holder:
                raise TooLarge
            largest.give_up()

    def release(self, holder: Holder) -> None:
        """Record that the holder holds nothing any more. Does nothing if called again."""
        self._held_bytes -= self._held.pop(holder, 0)
