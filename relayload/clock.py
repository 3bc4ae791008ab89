"""The only module that reads the time."""

import time

_READINGS = 5

now_s = time.monotonic
"""Seconds on the monotonic clock (CLOCK_MONOTONIC if available), the base of every `_at_s`."""


wall_ns = time.time_ns
"""Nanoseconds since the Unix epoch, on the wall clock, which may step."""


def wall_offset_ns() -> int:
    """Return wall clock minus monotonic clock, from the pair of readings that lay closest together."""
    readings = [(now_s(), wall_ns(), now_s()) for _ in range(_READINGS)]
    before_s, at_ns, after_s = min(readings, key=lambda reading: reading[2] - reading[0])
    return at_ns - round((before_s + after_s) / 2 * 1e9)


def cpu_s() -> float:
    """Return the CPU seconds that this process has used in all its threads."""
    return time.process_time()
