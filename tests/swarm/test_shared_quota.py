"""A profile's quota in a run of several workers, as a process."""

import json
from collections.abc import Callable
from pathlib import Path

from support import Start, saved

from relayload.core.results.starts import Starts
from relayload.swarm.launch import workers

WriteProfile = Callable[..., Path]


def test_workers_keep_to_a_quota_together(locust: Start, profile: WriteProfile, tmp_path: Path) -> None:
    out = tmp_path / "run"
    quota = "client={quota: {requests: 10/s}}"
    run = locust("--relay-profile", profile(seconds=3), "--relay-out", out, "--relay-set", quota, *workers(2))
    assert run.wait() == 0, run.output
    lines = [json.loads(line) for path in out.glob("records-*.jsonl") for line in path.read_text().splitlines()]
    sent_s = [attempt["sent_at_s"] for line in lines if line["line"] == "request" for attempt in line["attempts"]]
    assert len(sent_s) == saved(out, "summary.json")["counts"]["offered"] > 40
    assert Starts(sent_s).most_in(1.0) <= 10
    assert saved(out, "summary.json")["quota"]["throttled"] > 20


def test_a_quota_that_is_too_small_for_the_workers_ends_the_run_with_the_reason(
    locust: Start, profile: WriteProfile
) -> None:
    quota = "client={quota: {requests: 1/s}}"
    run = locust("--relay-profile", profile(seconds=3), "--relay-set", quota, *workers(2))
    assert run.wait() == 1, run.output
    assert "a quota of 1 requests in 1 s is too small for 2 processes" in run.output
