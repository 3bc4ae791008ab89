"""The only module that reads the time."""

import time

now_s = time.monotonic
"""Seconds on the monotonic clock (CLOCK_MONOTONIC if available), the base of every `_at_s`."""


wall_ns = time.time_ns
"""Nanoseconds since the Unix epoch, on the wall clock, which may step."""


def cpu_s() -> float:
    """Return the CPU seconds that this process has used in all its threads."""
    return time.process_time()
