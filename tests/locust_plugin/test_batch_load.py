"""A batch load in real Locust processes: nothing twice, nothing left out, never too many at once."""

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support import Start, children, records, relay_stats, saved, wait_for

from relayload.fakerelay.process import FakeRelay

BATCH = """
name: night
load: {kind: batch, requests: REQUESTS, batch_size: SIZE, max_concurrent: 5}
scenarios:
  simple: {weight: 3, model: o3, prompt: simple, max_output_tokens: 20}
  plain: {model: o4, prompt: code, stream: false, max_output_tokens: 20}
generator: {late: 10s, late_share: 100%, loop_lag: 10s, lost_share: 100%} # these tests are not about a busy machine
objectives: [errors.rate < 50%, batch.makespan < 50s]
guardrails: {max_requests: REQUESTS} # as many as there are stop nobody
"""


@pytest.fixture
def batch(tmp_path: Path) -> Callable[..., Path]:
    """Writes a profile: a request takes about a fifth of a second."""

    def write(requests: int = 60, size: int = 20) -> Path:
        path = tmp_path / "batch.yaml"
        path.write_text(BATCH.replace("REQUESTS", str(requests)).replace("SIZE", str(size)))
        return path

    return write


def lines(run_dir: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for path in run_dir.glob("records-*.jsonl") for line in path.read_text().splitlines()]


def indices(run_dir: Path) -> list[int]:
    return sorted(line["index"] for line in lines(run_dir) if line["line"] == "request")


def sum_of(batch: dict[str, int]) -> int:
    return sum(batch[name] for name in ("queued", "running", "done", "failed", "lost"))


@pytest.mark.parametrize("processes", [1, 2])
def test_a_batch_sends_every_request_once_and_never_too_many_at_once(
    locust: Start, batch: Callable[..., Path], relay: FakeRelay, tmp_path: Path, processes: int
) -> None:
    out = tmp_path / "run"
    target = f"target.base_url={relay.base_url}"
    run = locust("--relay-profile", batch(), "--relay-out", out, "--relay-set", target, processes=processes)
    assert run.wait() == 0, run.output
    seen = relay_stats(relay)
    assert indices(out) == list(range(60))
    assert (seen["requests"], seen["by_outcome"]["ok"]) == (60, 60)
    assert seen["peak_in_flight"] <= 5
    summary = saved(out, "summary.json")
    told = summary["batch"]
    assert (told["requests"], told["done"], sum_of(told)) == (60, 60, 60)
    assert 0 < told["makespan_s"] <= summary["rates"]["measured_s"]
    assert saved(out, "run.json")["ended_by"] == "schedule"
    assert saved(out, "verdict.json")["verdict"] == "PASS"


def test_a_batch_begins_when_the_one_before_has_ended(
    locust: Start, batch: Callable[..., Path], tmp_path: Path
) -> None:
    out = tmp_path / "run"
    run = locust("--relay-profile", batch(requests=24, size=8), "--relay-out", out)
    assert run.wait() == 0, run.output
    requests = [line for line in lines(out) if line["line"] == "request"]
    for number in (1, 2):
        begun_s = min(line["intended_at_s"] for line in requests if line["index"] // 8 == number)
        before = [line for line in requests if line["index"] // 8 == number - 1]
        assert begun_s >= max(line["intended_at_s"] + line["latency_s"] for line in before)


@pytest.mark.parametrize("processes", [1, 2])
def test_a_stopped_batch_keeps_what_it_has_and_tells_what_is_left(
    locust: Start, batch: Callable[..., Path], tmp_path: Path, processes: int
) -> None:
    out = tmp_path / "run"
    run = locust("--relay-profile", batch(requests=5000), "--relay-out", out, processes=processes)
    wait_for(lambda: records(out) > 30)
    assert saved(out, "progress.json")["requests"] == 5000
    run.signal(signal.SIGINT)
    assert run.wait() == 130, run.output
    summary = saved(out, "summary.json")
    counts, told = summary["counts"], summary["batch"]
    assert counts["offered"] == counts["started"] == len(indices(out)) == len(set(indices(out)))
    assert (sum_of(told), told["queued"], told["lost"]) == (5000, 5000 - counts["started"], 0)
    assert told["done"] == counts["ok"] > 0
    makespan = saved(out, "verdict.json")["objectives"][1]
    assert makespan["verdict"] == "FAIL"
    assert makespan["reason"].endswith("of 5000 requests never ended")
    assert "ended after" in run.output


def test_of_a_killed_worker_only_what_it_was_leased_is_lost_and_the_other_does_the_rest(
    locust: Start, batch: Callable[..., Path], tmp_path: Path
) -> None:
    out = tmp_path / "run"
    profile = batch(requests=100, size=100)
    run = locust(
        *("--relay-profile", profile, "--relay-out", out, "--relay-set", "guardrails.max_requests=200"), processes=2
    )
    wait_for(lambda: records(out) > 10)
    os.kill(children(run)[0], signal.SIGKILL)
    assert run.wait() == 3, run.output
    summary = saved(out, "summary.json")
    counts, told = summary["counts"], summary["batch"]
    assert counts["offered"] == counts["started"] + counts["lost"] == 100
    assert (sum_of(told), told["queued"], told["running"]) == (100, 0, 0)
    # It had at most three of the five places, and was leased as much again for a quarter of a second.
    assert told["lost"] in range(1, 21)
    assert indices(out) == sorted(set(indices(out)))
