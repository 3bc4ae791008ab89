"""Being called at an absolute instant, as exactly as the machine allows.

libev rounds its timers to about a millisecond; a Linux timerfd set to an absolute instant of the monotonic clock
wakes within 0.05-0.3 ms. Python offers timerfd from 3.13 on, so it is called through ctypes.
"""

import ctypes
import os
import sys
from collections.abc import Callable
from typing import Any, Protocol

from gevent.hub import get_hub

from relayload import clock

_CLOCK_MONOTONIC = 1
_TFD_NONBLOCK = os.O_NONBLOCK
_TFD_CLOEXEC = getattr(os, "O_CLOEXEC", 0)
_TFD_TIMER_ABSTIME = 1
_READ = 1


class Alarm(Protocol):
    """Calls back, in the event loop, at instants of `clock.now_s`."""

    def set(self, at_s: float) -> None:
        """Call at that instant, or as soon as possible when it has passed; forgets an earlier one."""

    def close(self) -> None:
        """Call no more."""


def new_alarm(ring: Callable[[], None]) -> Alarm:
    """The most exact alarm there is on this machine."""
    return TimerfdAlarm(ring) if sys.platform == "linux" else GeventAlarm(ring)


class GeventAlarm:
    """The event loop's own timer: about a millisecond."""

    def __init__(self, ring: Callable[[], None]) -> None:
        self._ring = ring
        self._timer: Any = None

    def set(self, at_s: float) -> None:
        self.close()
        self._timer = get_hub().loop.timer(max(0.0, at_s - clock.now_s()))
        self._timer.start(self._ring)

    def close(self) -> None:
        if self._timer is not None:
            self._timer.stop()
            self._timer.close()
            self._timer = None


class _TimeSpec(ctypes.Structure):
    _fields_ = (("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long))


class _TimerSpec(ctypes.Structure):
    _fields_ = (("interval", _TimeSpec), ("value", _TimeSpec))


class TimerfdAlarm:
    """A Linux timerfd that the event loop watches from the beginning to `close`."""

    def __init__(self, ring: Callable[[], None]) -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        self._descriptor = libc.timerfd_create(_CLOCK_MONOTONIC, _TFD_NONBLOCK | _TFD_CLOEXEC)
        if self._descriptor < 0:
            raise OSError(ctypes.get_errno(), "timerfd_create")
        self._settime = libc.timerfd_settime
        self._settime.argtypes = (ctypes.c_int, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)
        self._spec = _TimerSpec()
        self._value = self._spec.value
        self._spec_address = ctypes.addressof(self._spec)
        self._watcher = get_hub().loop.io(self._descriptor, _READ)
        self._watcher.start(ring)

    def set(self, at_s: float) -> None:
        seconds = int(at_s)
        self._value.seconds = seconds
        self._value.nanoseconds = int((at_s - seconds) * 1e9) or 1
        # Setting the timer anew also forgets an expiry that nobody read; an instant that has passed expires at once.
        if self._settime(self._descriptor, _TFD_TIMER_ABSTIME, self._spec_address, None):
            raise OSError(ctypes.get_errno(), "timerfd_settime")

    def close(self) -> None:
        self._watcher.stop()
        self._watcher.close()
        os.close(self._descriptor)
