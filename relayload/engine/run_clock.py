"""The time of a run: seconds since its beginning, on the monotonic clock of this process."""

from relayload import clock

_MOST_CORRECTED_S = 1e-3
"""The most by which one correction shifts a run that has begun, so that its time never leaps."""


class RunClock:
    """Converts between seconds of the run and instants of `clock.now_s`.

    On another host than the master's the beginning is an estimate, which is corrected as it becomes better, and as the
    clocks of the two hosts drift.
    """

    __slots__ = ("begins_at_s", "error_s", "offset_s")

    def __init__(self, begins_at_s: float, offset_s: float = 0.0, error_s: float = 0.0) -> None:
        """`begins_at_s` is an instant of the master's clock, which is `offset_s` ahead of this process's."""
        self.begins_at_s = begins_at_s - offset_s
        """When the run begins, on the clock of this process. Read it each time, since it may be corrected."""
        self.offset_s = offset_s
        self.error_s = error_s
        """How far the offset was off at most since the run began."""

    def elapsed_s(self) -> float:
        """Return the seconds since the run began; negative before it."""
        return clock.now_s() - self.begins_at_s

    def correct(self, offset_s: float, error_s: float) -> None:
        """Approach a better estimate of the offset, off by at most `error_s`; call this about once a second."""
        ahead_s = offset_s - self.offset_s
        if self.elapsed_s() < 0.0:
            self.error_s = error_s
        else:
            self.error_s = max(self.error_s, error_s + abs(ahead_s))
            ahead_s = min(max(ahead_s, -_MOST_CORRECTED_S), _MOST_CORRECTED_S)
        self.offset_s += ahead_s
        self.begins_at_s -= ahead_s
