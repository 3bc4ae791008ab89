"""What the unfinished answers of a process hold in memory: one budget, and the largest answer pays for it."""

from typing import Final, Protocol

from relayload.core.wire.response_limits import TooLarge

UNCOUNTED_BYTES: Final = 16_384
"""An answer that holds no more than this need not tell."""


class Holder(Protocol):
    """An unfinished answer."""

    def give_up(self) -> None:
        """Let go of what it holds; it fails as too large. Called in the event loop."""


class Buffers:
    """Shared by all transports of a process."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._held: dict[Holder, int] = {}
        self._held_bytes = 0

    def hold(self, holder: Holder, size: int) -> None:
        """This much is held by this one now; the largest are given up until the budget lasts.

        Raises TooLarge where this one is the largest.
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
        """It holds nothing more. Does nothing the second time."""
        self._held_bytes -= self._held.pop(holder, 0)
