"""Bounds what Locust's statistics keep of a long run: they grow by every second, and by every point of their charts."""

from locust.stats import RequestStats

_KEPT_S = 60
"""Locust takes its current rates from the last twelve seconds."""
MOST_POINTS = 2000
"""The most points of its charts. Beyond that every other one of the older half goes."""


def forget_old(stats: RequestStats) -> None:
    """Drop what no table, chart or rate of Locust needs any more."""
    before_s = int(stats.last_request_timestamp or 0) - _KEPT_S
    for entry in (stats.total, *stats.entries.values()):
        for counts in (entry.num_reqs_per_sec, entry.num_fail_per_sec):
            for second in [second for second in counts if second < before_s]:
                del counts[second]
    if len(stats.history) > MOST_POINTS:
        older = stats.history[: MOST_POINTS // 2]
        stats.history[: MOST_POINTS // 2] = older[::2]
