"""Runs that a guardrail stops, as processes: in order, with every sum, and with exit code 5."""

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from support import Start, saved

WriteProfile = Callable[..., Path]
BROKEN = """
models:
  o3: &model {ttft: {any: {p50: 20ms, p99: 40ms}}, speed: 500/s, output_tokens: {any: {p50: 10, p99: 20}}}
  o4: *model
faults: [{kind: status, status: STATUS}]
"""
CLOSED = "\n".join(
    (
        "generator: {late: 10s, late_share: 100%, loop_lag: 10s}",
        "name: closed",
        "load: {kind: closed, users: 4, think_time: 50ms, stages: [{name: steady, for: 60s}]}",
        "scenarios: {simple: {model: o3, prompt: simple, max_output_tokens: 5}}",
    )
)

BATCH = "\n".join(
    (
        "name: batch",
        "load: {kind: batch, requests: 1000, max_concurrent: 4}",
        "scenarios: {simple: {model: o3, prompt: simple, max_output_tokens: 5}}",
        "generator: {late: 10s, late_share: 100%, loop_lag: 10s}",
    )
)


@pytest.fixture
def stopped(locust: Start, tmp_path: Path) -> Callable[..., tuple[Path, str]]:
    """Runs a profile that a guardrail stops; the recording, and what was said."""

    def run(profile: Path, *sets: str, processes: int = 1) -> tuple[Path, str]:
        out = tmp_path / "run"
        options: list[str | Path] = ["--relay-profile", profile, "--relay-out", out]
        for each in sets:
            options += ["--relay-set", each]
        process = locust(*options, processes=processes)
        assert process.wait() == 5, process.output
        assert saved(out, "run.json")["ended_by"] == "guardrail"
        return out, process.output

    return run


def ends(out: Path) -> list[Any]:
    lines = (json.loads(line) for path in out.glob("records-*.jsonl") for line in path.read_text().splitlines())
    return [line for line in lines if line["line"] == "end"]


@pytest.mark.parametrize("processes", [1, 2])
def test_no_more_requests_are_sent_than_the_cap_allows(
    stopped: Callable[..., tuple[Path, str]], profile: WriteProfile, processes: int
) -> None:
    out, said = stopped(profile(seconds=30), "guardrails.max_requests=31", processes=processes)
    counts = saved(out, "summary.json")["counts"]
    assert counts["started"] == counts["ok"] == 31
    assert counts["offered"] == 31 + counts["dropped"]
    assert counts["lost"] == 0
    assert len(ends(out)) == processes
    verdict = saved(out, "verdict.json")
    assert (verdict["verdict"], verdict["exit_code"]) == ("STOPPED", 5)
    assert verdict["reasons"][0].startswith("a guardrail stopped the run: max_requests: ")
    assert "warning: a guardrail stopped the run" not in said
    assert "\n  a guardrail stopped the run: max_requests" in said


@pytest.mark.parametrize("processes", [1, 2])
def test_no_more_dollars_are_spent_than_the_cap_allows(
    stopped: Callable[..., tuple[Path, str]], profile: WriteProfile, processes: int
) -> None:
    prices = "target.prices={any: {input: $2, output: $400}}"
    out, _ = stopped(profile(seconds=30), prices, "guardrails.max_usd=$0.20", processes=processes)
    usd = Decimal(saved(out, "summary.json")["cost"]["usd"])
    assert Decimal("0.12") < usd <= Decimal("0.20")


def test_the_schedule_is_cut_at_the_longest_duration(
    stopped: Callable[..., tuple[Path, str]], profile: WriteProfile
) -> None:
    out, _ = stopped(profile("constant", seconds=30), "guardrails.max_duration=1s")
    counts = saved(out, "summary.json")["counts"]
    assert (counts["offered"], counts["started"], counts["dropped"], counts["lost"]) == (20, 20, 0, 0)
    assert saved(out, "run.json")["ended_at_s"] == 1.0


def test_a_cut_schedule_is_told_though_its_last_arrival_was_answered_before(
    stopped: Callable[..., tuple[Path, str]], profile: WriteProfile
) -> None:
    sparse = "load.stages=[{name: steady, for: 30s, rate: 2/s}]"
    out, said = stopped(profile("constant"), sparse, "guardrails.max_duration=875ms")
    assert "max_duration: 875ms are over, and the load is not" in said
    assert saved(out, "summary.json")["counts"]["offered"] == 2
    assert saved(out, "run.json")["ended_at_s"] == 0.875


@pytest.mark.parametrize(("status", "rule"), [(503, "errors"), (401, "auth_failures")])
def test_the_fuse_stops_a_run_whose_target_has_gone_wrong(
    stopped: Callable[..., tuple[Path, str]], profile: WriteProfile, tmp_path: Path, status: int, rule: str
) -> None:
    broken = tmp_path / "broken.yaml"
    broken.write_text(BROKEN.replace("STATUS", str(status)))
    fuse = "guardrails.fuse={auth_failures: 10, errors: 50%, min_requests: 15}"
    out, said = stopped(profile(seconds=30), f"target.base_url=fake://{broken}", fuse)
    assert f"a guardrail stopped the run: fuse.{rule}: " in said
    assert saved(out, "summary.json")["counts"]["started"] < 100


@pytest.mark.parametrize("bound", ["max_requests=20", "max_duration=500ms"])
def test_a_batch_is_stopped_before_its_end(
    stopped: Callable[..., tuple[Path, str]], tmp_path: Path, bound: str
) -> None:
    path = tmp_path / "batch.yaml"
    path.write_text(BATCH)
    out, _ = stopped(path, f"guardrails.{bound}")
    counts = saved(out, "summary.json")["counts"]
    assert counts["offered"] == counts["started"] < 300
    assert counts["lost"] == 0


def test_users_of_a_closed_load_rest_once_the_cap_is_reached(
    stopped: Callable[..., tuple[Path, str]], tmp_path: Path
) -> None:
    path = tmp_path / "closed.yaml"
    path.write_text(CLOSED)
    out, _ = stopped(path, "guardrails.max_requests=20")
    counts = saved(out, "summary.json")["counts"]
    assert (counts["offered"], counts["started"], counts["dropped"]) == (20, 20, 0)
