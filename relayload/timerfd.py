"""Linux's timerfd, set to absolute instants of the monotonic clock: event loops wake 0.05-0.3 ms after them.

The timers of libev and asyncio are rounded to about a millisecond. Python has timerfd only from 3.13 on, so this calls
it through ctypes.
"""

import ctypes
import os

_CLOCK_MONOTONIC = 1
_FLAGS = os.O_NONBLOCK | getattr(os, "O_CLOEXEC", 0)
_TFD_TIMER_ABSTIME = 1


class _TimeSpec(ctypes.Structure):
    _fields_ = (("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long))


class _TimerSpec(ctypes.Structure):
    _fields_ = (("interval", _TimeSpec), ("value", _TimeSpec))


class TimerFd:
    """One timer, whose `descriptor` becomes readable when it expires. Raises OSError."""

    def __init__(self) -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        self.descriptor: int = libc.timerfd_create(_CLOCK_MONOTONIC, _FLAGS)
        if self.descriptor < 0:
            raise OSError(ctypes.get_errno(), "timerfd_create")
        self._settime = libc.timerfd_settime
        self._settime.argtypes = (ctypes.c_int, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)
        self._spec = _TimerSpec()
        self._value = self._spec.value
        self._spec_address = ctypes.addressof(self._spec)

    def set(self, at_s: float) -> None:
        """Expire at an instant of `clock.now_s`, or at once if it has passed. Replaces an earlier expiry."""
        self._value.seconds = seconds = max(0, int(at_s))
        self._value.nanoseconds = max(1, int((at_s - seconds) * 1e9))  # zero would disarm the timer
        if self._settime(self.descriptor, _TFD_TIMER_ABSTIME, self._spec_address, None):
            raise OSError(ctypes.get_errno(), "timerfd_settime")

    def close(self) -> None:
        """Close the descriptor. Stop watching it first."""
        os.close(self.descriptor)
