"""A profile's quota in a run of several workers, as a process."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from support import Start, saved

WriteProfile = Callable[..., Path]


def test_workers_keep_to_a_quota_together(locust: Start, profile: WriteProfile, tmp_path: Path) -> None:
    out = tmp_path / "run"
    quota = "client={quota: {requests: 10/s}}"
    run = locust("--relay-profile", profile(seconds=2), "--relay-out", out, "--relay-set", quota, processes=2)
    assert run.wait() == 0, run.output
    each = [requests(out / f"records-{worker}.jsonl") for worker in range(2)]
    assert sum(map(len, each)) == saved(out, "summary.json")["counts"]["offered"] > 30
    assert saved(out, "summary.json")["quota"]["throttled"] > 10
    for own in each:
        first_s = min(request["intended_at_s"] + request["late_s"] for request in own)
        sent_s = sorted(request["attempts"][0]["sent_at_s"] for request in own)
        # A busy machine may send any of them late, but none before its place: five a second for each of two.
        assert [at_s for number, at_s in enumerate(sent_s) if at_s < first_s + number * 1.02 / 5] == []


def requests(records: Path) -> list[dict[str, Any]]:
    lines = map(json.loads, records.read_text().splitlines())
    return [line for line in lines if line["line"] == "request"]


def test_a_quota_that_is_too_small_for_the_workers_ends_the_run_with_the_reason(
    locust: Start, profile: WriteProfile
) -> None:
    quota = "client={quota: {requests: 1/s}}"
    run = locust("--relay-profile", profile(seconds=2), "--relay-set", quota, processes=2)
    assert run.wait() == 1, run.output
    assert "a quota of 1 requests in 1 s is too small for 2 processes" in run.output
