"""An objective with `abort: true` ends a run early, as a process."""

from collections.abc import Callable
from pathlib import Path

import pytest
from support import Start, records, relay_stats, saved

from relayload.fakerelay.process import FakeRelay


@pytest.mark.parametrize("processes", [1, 2])
def test_a_run_ends_once_an_objective_is_proven_broken(
    locust: Start, profile: Callable[..., Path], relay: FakeRelay, tmp_path: Path, processes: int
) -> None:
    out = tmp_path / "run"
    """All are far too slow, which takes 750 requests to prove of a p99."""
    objective = "objectives.1={expr: ttft.p99 < 1ms, abort: true, abort_after: 1s}"
    options = ["--relay-set", f"target.base_url={relay.base_url}", "--relay-set", objective]
    options += ["--relay-set", "load.stages.1.rate=100/s"]
    run = locust("--relay-profile", profile(seconds=40), "--relay-out", out, *options, processes=processes)
    assert run.wait() == 3, run.output
    ended = saved(out, "run.json")
    assert ended["ended_by"] == "objective"
    assert "ttft.p99 < 1ms" in ended["stopped_by_objective"]
    assert 1 < ended["ended_at_s"] < 30
    counts = saved(out, "summary.json")["counts"]
    assert counts["lost"] == 0
    assert counts["started"] == relay_stats(relay)["requests"] == records(out) - processes
    assert "stopped early: ttft.p99 < 1ms" in run.output


def test_an_objective_that_holds_ends_nothing(locust: Start, profile: Callable[..., Path], tmp_path: Path) -> None:
    out = tmp_path / "run"
    objective = "objectives.1={expr: ttft.p50 < 10s, abort: true}"
    run = locust("--relay-profile", profile(), "--relay-out", out, "--relay-set", objective)
    assert run.wait() == 0, run.output
    assert saved(out, "run.json")["ended_by"] == "schedule"
