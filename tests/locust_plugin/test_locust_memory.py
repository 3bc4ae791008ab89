"""What Locust's statistics keep is bounded, and its rates stay."""

from support import ran_patched

_SCRIPT = """
from locust.stats import RequestStats

from relayload.locust_plugin.locust_memory import MOST_POINTS, forget_old

stats = RequestStats()
entry = stats.entries[("chat", "chat")]
for counts in (entry.num_reqs_per_sec, entry.num_fail_per_sec, stats.total.num_reqs_per_sec):
    counts.update(dict.fromkeys(range(1000, 5000), 3))
stats.total.last_request_timestamp = 4999.5
stats.total.start_time = 1000.0
before = stats.total.current_rps
forget_old(stats)
assert stats.total.current_rps == before > 0
assert len(entry.num_reqs_per_sec) == len(entry.num_fail_per_sec) == len(stats.total.num_reqs_per_sec) == 61
stats.history = [{"time": str(n)} for n in range(MOST_POINTS + 1)]
forget_old(stats)
assert len(stats.history) == MOST_POINTS // 2 + 501
assert [point["time"] for point in stats.history[:3]] == ["0", "2", "4"]
assert stats.history[-1] == {"time": str(MOST_POINTS)}
"""


def test_old_seconds_go_and_long_charts_are_thinned() -> None:
    ran_patched(_SCRIPT)
