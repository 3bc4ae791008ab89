"""Garbage collection that a measurement can bear: what is there at the start is left alone, the rest is swept in short
pauses, and every pause is timed.
"""

import gc
from typing import Any

from relayload import clock

_THRESHOLDS = (5_000, 10, 100)
"""Objects before a young sweep, young before a middle one, middle before a full one. What requests leave behind is
freed without a sweep: only the full ones, which look at every open stream, take milliseconds, and they become rare."""


class Collector:
    """Times every pause from `start` to `stop`; one per run of a process."""

    def __init__(self) -> None:
        self.longest_pause_s = 0.0
        self._paused_at_s = 0.0

    def start(self) -> None:
        """Sweep once, put what survived out of the collector's sight, and sweep seldom from now on."""
        gc.collect()
        gc.freeze()
        gc.set_threshold(*_THRESHOLDS)
        gc.callbacks.append(self._on_sweep)

    def stop(self) -> None:
        gc.callbacks.remove(self._on_sweep)

    def _on_sweep(self, phase: str, _: dict[str, Any]) -> None:
        if phase == "start":
            self._paused_at_s = clock.now_s()
        else:
            self.longest_pause_s = max(self.longest_pause_s, clock.now_s() - self._paused_at_s)
