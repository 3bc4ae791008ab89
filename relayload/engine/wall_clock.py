"""Steps of the wall clock: somebody set it, or the host was suspended."""

from relayload import clock

_STEP_S = 0.005
"""The least change that is a step. Slewing (NTP) changes the rate of both clocks; only a step moves them apart."""


class WallClock:
    """Counts the steps of this host's wall clock against its monotonic clock."""

    def __init__(self) -> None:
        self.steps = 0
        self._offset_ns = clock.wall_offset_ns()

    def look(self) -> None:
        """Compare the clocks; call this about once a second."""
        before_ns, self._offset_ns = self._offset_ns, clock.wall_offset_ns()
        if abs(self._offset_ns - before_ns) > _STEP_S * 1e9:
            self.steps += 1
