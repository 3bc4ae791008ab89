"""Waking a greenlet at an absolute instant, as exactly as the machine allows.

libev rounds its timers to about a millisecond; a Linux timerfd set to an absolute instant of the monotonic clock
wakes within 0.05-0.3 ms. Python offers timerfd from 3.13 on, so it is called through ctypes.
"""

import ctypes
import os
import sys
from typing import Protocol

import gevent
from gevent.hub import get_hub

from relayload import clock

_CLOCK_MONOTONIC = 1
_TFD_NONBLOCK = os.O_NONBLOCK
_TFD_CLOEXEC = getattr(os, "O_CLOEXEC", 0)
_TFD_TIMER_ABSTIME = 1
_READ = 1


class Alarm(Protocol):
    """Sleeps until instants of `clock.now_s`."""

    def sleep_until(self, at_s: float) -> None:
        """Return at once when the instant has passed."""

    def close(self) -> None: ...


def new_alarm() -> Alarm:
    """The most exact alarm there is on this machine."""
    return TimerfdAlarm() if sys.platform == "linux" else GeventAlarm()


class GeventAlarm:
    """The event loop's own timer: about a millisecond."""

    def sleep_until(self, at_s: float) -> None:
        wait_s = at_s - clock.now_s()
        if wait_s > 0:
            gevent.sleep(wait_s)

    def close(self) -> None:
        """Nothing to give back."""


class _TimeSpec(ctypes.Structure):
    _fields_ = (("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long))


class _TimerSpec(ctypes.Structure):
    _fields_ = (("interval", _TimeSpec), ("value", _TimeSpec))


class TimerfdAlarm:
    """A Linux timerfd watched by the event loop. Not to be shared by greenlets."""

    def __init__(self) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._descriptor = self._libc.timerfd_create(_CLOCK_MONOTONIC, _TFD_NONBLOCK | _TFD_CLOEXEC)
        if self._descriptor < 0:
            raise OSError(ctypes.get_errno(), "timerfd_create")
        self._hub = get_hub()
        self._watcher = self._hub.loop.io(self._descriptor, _READ)
        self._spec = _TimerSpec()

    def sleep_until(self, at_s: float) -> None:
        if at_s <= clock.now_s():
            return
        value = self._spec.value
        value.seconds = int(at_s)
        value.nanoseconds = int((at_s - value.seconds) * 1e9) or 1
        # Setting the timer anew also forgets an earlier expiry that nobody read.
        if self._libc.timerfd_settime(self._descriptor, _TFD_TIMER_ABSTIME, ctypes.byref(self._spec), None):
            raise OSError(ctypes.get_errno(), "timerfd_settime")
        self._hub.wait(self._watcher)

    def close(self) -> None:
        self._watcher.stop()
        self._watcher.close()
        os.close(self._descriptor)
