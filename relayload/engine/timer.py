"""Timers that call back at an absolute instant, as exactly as the machine allows.

libev rounds its timers to about a millisecond; a Linux timerfd does not.
"""

import sys
from collections.abc import Callable
from typing import Any, Protocol

from gevent.hub import get_hub

from relayload import clock
from relayload.timerfd import TimerFd

_READ = 1


class Timer(Protocol):
    """Calls back in the event loop, at instants of `clock.now_s`."""

    def set(self, at_s: float) -> None:
        """Call back at that instant, or at once if it has passed. Replaces an earlier instant."""

    def close(self) -> None:
        """Never call back again."""


def new_timer(call: Callable[[], None]) -> Timer:
    """Return the most exact timer that this machine has."""
    return TimerfdTimer(call) if sys.platform == "linux" else GeventTimer(call)


class GeventTimer:
    """The event loop's own timer, exact to about a millisecond."""

    def __init__(self, call: Callable[[], None]) -> None:
        self._call = call
        self._timer: Any = None

    def set(self, at_s: float) -> None:
        self.close()
        self._timer = get_hub().loop.timer(max(0.0, at_s - clock.now_s()))
        self._timer.start(self._call)

    def close(self) -> None:
        if self._timer is not None:
            self._timer.stop()
            self._timer.close()
            self._timer = None


class TimerfdTimer:
    """A Linux timerfd that the event loop watches until `close`."""

    def __init__(self, call: Callable[[], None]) -> None:
        self._timer = TimerFd()
        self.set = self._timer.set
        self._watcher = get_hub().loop.io(self._timer.descriptor, _READ)
        self._watcher.start(call)

    def close(self) -> None:
        self._watcher.stop()
        self._watcher.close()
        self._timer.close()
