"""A worker's permission to send, which ends by its own monotonic clock."""

from math import inf

from gevent.event import Event

from relayload import clock


class Permit:
    """Valid until `until_s`, an instant of `clock.now_s`. It begins as over, unless it is `for_ever`."""

    __slots__ = ("_extended", "until_s")

    def __init__(self, *, for_ever: bool = False) -> None:
        self.until_s = inf if for_ever else -inf
        self._extended = Event()

    def extend(self, until_s: float) -> None:
        """Extend it; it never gets shorter."""
        if until_s > self.until_s:
            self.until_s = until_s
            self._extended.set()
            self._extended.clear()

    def wait(self) -> None:
        """Block while it is over."""
        while clock.now_s() >= self.until_s:
            self._extended.wait()
