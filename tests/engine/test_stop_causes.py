from collections.abc import Callable
from pathlib import Path

import pytest

from relayload.core.objectives.snapshots import MergedSnapshot
from relayload.engine.lessor import Lessor
from relayload.engine.messages import WorkerStatus
from relayload.engine.received_records import ReceivedRecords
from relayload.engine.run_workers import RunWorkers
from relayload.engine.stop_causes import StopCauses
from relayload.engine.workload import new_workload
from relayload.profile import load
from relayload.recording import Recording

PROFILE = """
name: causes
target: {base_url: "http://127.0.0.1:1/v1", api_key: k}
scenarios: {simple: {model: o3, prompt: simple}}
load: {kind: open, arrivals: constant, stages: [{for: 60s, rate: 10/s}]}
guardrails: {max_duration: 30s}
"""
Made = tuple[StopCauses, RunWorkers]


@pytest.fixture
def made(tmp_path: Path, make_run: Callable) -> Made:
    path = tmp_path / "p.yaml"
    path.write_text(PROFILE)
    profile = load(path, environ={})
    recording = Recording.create(tmp_path / "run", make_run())
    workload = new_workload(profile)
    lessor = Lessor(profile, workload)
    workers = RunWorkers(lessor, alone=True)
    workers.admit("local")
    merged = MergedSnapshot(profile.objectives, recording.run)
    received = ReceivedRecords(recording)
    return StopCauses(profile, merged, received, workload, lessor, workers, alone=True), workers


def test_nothing_stops_a_run_that_goes_well(made: Made) -> None:
    causes, _ = made
    assert (causes.any(29.9, 129.9), causes.cuts_load, causes.crash, causes.broken) == (False, False, None, None)
    assert (causes.guardrail(None), causes.ended_by("schedule", None)) == (None, "schedule")


def test_the_longest_duration_stops_a_run_of_which_a_part_is_left(made: Made) -> None:
    causes, _ = made
    assert (causes.any(30.0, 130.0), causes.cuts_load) == (True, False)
    assert causes.guardrail(30.0) == "max_duration: 30.0s are over, and the load is not"


def test_a_guardrail_of_a_worker_stops_the_run(made: Made) -> None:
    causes, workers = made
    workers.statuses[0] = WorkerStatus(guardrail="max_requests: 5 requests were sent")
    assert (causes.any(1.0, 101.0), causes.cuts_load) == (True, True)
    assert causes.guardrail(1.0) == "max_requests: 5 requests were sent"


def test_a_crash_of_the_master_comes_before_one_of_a_worker(made: Made) -> None:
    causes, workers = made
    workers.statuses[0] = WorkerStatus(crash="theirs")
    assert (causes.crash, causes.any(1.0, 101.0)) == ("theirs", True)
    causes.own_crash = "ours"
    assert (causes.crash, causes.cuts_load) == ("ours", True)


@pytest.mark.parametrize(
    ("ended_by", "crash", "guardrail", "found"),
    [
        ("sigint", "oops", "usd: 1", "sigint"),
        ("workers", "oops", None, "workers"),
        ("stop", "oops", "usd: 1", "crash"),
        ("schedule", None, "usd: 1", "guardrail"),
        ("stop", None, None, "stop"),
    ],
)
def test_a_signal_names_the_end_before_a_crash_and_a_crash_before_a_guardrail(
    made: Made, ended_by: str, crash: str | None, guardrail: str | None, found: str
) -> None:
    causes, _ = made
    causes.own_crash = crash
    assert causes.ended_by(ended_by, guardrail) == found
