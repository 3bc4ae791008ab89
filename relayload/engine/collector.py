"""Garbage collection that disturbs a measurement little.

It skips the objects that exist at the start of a run, collects the rest in short pauses, and times every pause.
"""

import gc
from typing import Any

from relayload import clock

_THRESHOLDS = (5_000, 10, 100)
"""Thresholds of the three generations, as `gc.set_threshold` takes them. Requests leave no cycles, so collections free
next to nothing; only full ones, which visit every open stream, take milliseconds, and they become rare."""


class Collector:
    """Times every pause between `start` and `stop`; each run of a process has one."""

    def __init__(self) -> None:
        self.longest_pause_s = 0.0
        self._paused_at_s = 0.0

    def start(self) -> None:
        """Collect once, exempt what survived from later collections, and collect rarely from now on."""
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
