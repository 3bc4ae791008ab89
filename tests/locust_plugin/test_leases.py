"""Runs whose workers hang, die or join late, held against the relay's own log of what it received."""

import json
import os
import signal
import time
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from support import LOCUSTFILE, Process, Start, asked, children, records, relay_stats, saved, wait_for

from relayload.fakerelay.process import FakeRelay

STEADY = """
name: leased
load:
  kind: open
  arrivals: constant
  stages: [{name: steady, for: SECONDS, rate: 40/s}]
LIMITS
scenarios: {simple: {model: o3, prompt: simple, max_output_tokens: 5}}
generator: {late: 10s, late_share: 100%, loop_lag: 10s} # these tests are not about a busy machine
objectives: [errors.rate < 50%]
"""
CLOSED = """
name: leased
load: {kind: closed, users: 6, think_time: 50ms, stages: [{name: steady, for: 9s}]}
scenarios: {simple: {model: o3, prompt: simple, max_output_tokens: 5}}
generator: {late: 10s, late_share: 100%, loop_lag: 10s}
objectives: [errors.rate < 50%]
"""
BATCH = "load: {kind: batch, requests: 400, batch_size: 40, max_concurrent: 6}\n"


class Lines(NamedTuple):
    """What a recording has of a run."""

    requests: list[dict[str, Any]]
    drops: list[dict[str, Any]]

    @property
    def twice(self) -> list[int]:
        """The indices that are recorded more than once."""
        counts = Counter(line["index"] for line in (*self.requests, *self.drops))
        return [index for index, count in counts.items() if count > 1]

    def of(self, worker: int) -> list[dict[str, Any]]:
        return [line for line in self.requests if line["worker"] == worker]


def lines(run_dir: Path) -> Lines:
    found = [json.loads(line) for path in run_dir.glob("records-*.jsonl") for line in path.read_text().splitlines()]
    of_kind = [[line for line in found if line["line"] == kind] for kind in ("request", "drop")]
    return Lines(*of_kind)


def unrecorded(relay: FakeRelay, recorded: Lines) -> int:
    """How many requests the relay received that are not on record; each that is on record was received, and once."""
    log = asked(f"{relay.base_url.removesuffix('/v1')}/__relay/requests?last=20000")
    received = Counter(f"req_fake{entry['number']:024x}" for entry in log if entry["number"] is not None)
    told = Counter(attempt["request_id"] for line in recorded.requests for attempt in line["attempts"])
    assert set(told.values()) <= {1}
    assert not told - received
    return (received - told).total()


@pytest.fixture
def leased(locust: Start, tmp_path: Path, relay: FakeRelay) -> Callable[..., tuple[Process, Path]]:
    """Starts a run of several workers that send to the relay, and waits until it records."""

    def begin(text: str, *sets: str, processes: int = 3) -> tuple[Process, Path]:
        path, out = tmp_path / "leased.yaml", tmp_path / "run"
        path.write_text(text)
        options = [option for each in (f"target.base_url={relay.base_url}", *sets) for option in ("--relay-set", each)]
        run = locust("--relay-profile", path, "--relay-out", out, *options, processes=processes)
        wait_for(lambda: records(out) > 10)
        return run, out

    return begin


def steady(seconds: int = 10, limits: str = "") -> str:
    return STEADY.replace("SECONDS", f"{seconds}s").replace("LIMITS", limits)


def stop_for(process: int, seconds: float) -> None:
    """Let a process hang."""
    os.kill(process, signal.SIGSTOP)
    time.sleep(seconds)
    os.kill(process, signal.SIGCONT)


def worker_of(out: Path, process: Process, child: int) -> int:
    """The number of the worker that is this child: the one whose file it has open."""
    assert child in children(process)
    opened = [link.readlink() for link in Path(f"/proc/{child}/fd").iterdir() if link.exists()]
    (records_file,) = [path for path in opened if path.parent == out and path.name.startswith("records-")]
    return int(records_file.stem.removeprefix("records-"))


def test_a_worker_that_hangs_sends_nothing_that_others_sent_and_comes_back(
    leased: Callable[..., tuple[Process, Path]], relay: FakeRelay
) -> None:
    run, out = leased(steady(12, "  limits: {per_second: 45}"))
    child = children(run)[0]
    worker = worker_of(out, run, child)
    stop_for(child, 6.0)
    assert run.wait() == 4, run.output
    counts, recorded = saved(out, "summary.json")["counts"], lines(out)
    assert recorded.twice == []
    assert unrecorded(relay, recorded) == 0
    assert counts["offered"] == 480 == counts["started"] + counts["dropped"]
    assert saved(out, "summary.json")["rates"]["max_in_1s"] <= 45
    # It was leased two seconds of its share at most, of which it could send none.
    assert {line["reason"] for line in recorded.drops} >= {"lease"}
    assert len([line for line in recorded.drops if line["reason"] == "lease"]) <= 2.5 * 40 / 3
    assert max(line["intended_at_s"] for line in recorded.of(worker)) > 10.0
    assert "their workers were held up or cut off from the master" in run.output


def test_of_a_killed_worker_only_what_it_was_leased_is_lost(
    leased: Callable[..., tuple[Process, Path]], relay: FakeRelay
) -> None:
    run, out = leased(steady(10))
    child = children(run)[0]
    worker = worker_of(out, run, child)
    os.kill(child, signal.SIGKILL)
    assert run.wait() == 4, run.output
    counts, recorded = saved(out, "summary.json")["counts"], lines(out)
    assert recorded.twice == []
    assert counts["offered"] == 400 == counts["started"] + counts["lost"]
    died_s = max(line["intended_at_s"] for line in recorded.of(worker))
    missing = {*range(400)} - {line["index"] for line in recorded.requests}
    assert 0 < len(missing) <= 3.0 * 40 / 3
    assert max(missing) / 40 < died_s + 3.5
    assert unrecorded(relay, recorded) <= len(missing)
    assert f"{counts['lost']} of 400 arrivals were lost with workers that died" in run.output


def test_a_worker_that_is_asked_to_end_loses_nothing(
    leased: Callable[..., tuple[Process, Path]], relay: FakeRelay
) -> None:
    run, out = leased(steady(8))
    child = children(run)[0]
    worker = worker_of(out, run, child)
    os.kill(child, signal.SIGTERM)
    assert run.wait() == 0, run.output
    counts, recorded = saved(out, "summary.json")["counts"], lines(out)
    assert (counts["offered"], counts["started"], counts["lost"], counts["dropped"]) == (320, 320, 0, 0)
    assert recorded.twice == []
    assert unrecorded(relay, recorded) == 0
    assert max(line["intended_at_s"] for line in recorded.of(worker)) < 6.0


def test_users_of_a_worker_that_is_asked_to_end_are_taken_over(
    leased: Callable[..., tuple[Process, Path]], relay: FakeRelay
) -> None:
    run, out = leased(CLOSED)
    child = children(run)[0]
    worker = worker_of(out, run, child)
    os.kill(child, signal.SIGTERM)
    assert run.wait() == 0, run.output
    summary, recorded = saved(out, "summary.json"), lines(out)
    assert summary["counts"]["lost"] == 0
    assert recorded.twice == []
    assert unrecorded(relay, recorded) == 0
    assert f"worker {worker} was gone early" in " ".join(summary["warnings"])


def test_a_batch_loses_nothing_of_a_worker_that_is_asked_to_end(
    leased: Callable[..., tuple[Process, Path]], relay: FakeRelay
) -> None:
    batch = CLOSED[: CLOSED.index("load:")] + BATCH + CLOSED[CLOSED.index("scenarios:") :]
    run, out = leased(batch)
    child = children(run)[0]
    worker = worker_of(out, run, child)
    os.kill(child, signal.SIGTERM)
    assert run.wait() == 0, run.output
    counts, recorded = saved(out, "summary.json")["counts"], lines(out)
    assert (counts["offered"], counts["started"], counts["lost"]) == (400, 400, 0)
    assert recorded.twice == []
    assert len(recorded.of(worker)) < 130  # its third
    assert unrecorded(relay, recorded) == 0


def test_a_cap_is_reached_by_workers_together_and_passed_by_none_that_hangs(
    leased: Callable[..., tuple[Process, Path]], relay: FakeRelay
) -> None:
    run, out = leased(steady(60), "guardrails.max_requests=170", "generator.drop_share=100%", processes=4)
    stop_for(children(run)[0], 5.0)
    assert run.wait() == 5, run.output
    counts, recorded = saved(out, "summary.json")["counts"], lines(out)
    assert counts["started"] <= relay_stats(relay)["requests"] <= 170
    assert counts["started"] >= 150
    assert recorded.twice == []
    assert "a guardrail stopped the run: max_requests: " in run.output


@pytest.mark.parametrize("text", [steady(60), CLOSED], ids=["open", "closed"])
def test_workers_that_all_live_send_as_many_as_the_cap_allows(
    leased: Callable[..., tuple[Process, Path]], relay: FakeRelay, text: str
) -> None:
    run, out = leased(text, "guardrails.max_requests=101", processes=4)
    assert run.wait() == 5, run.output
    assert saved(out, "summary.json")["counts"]["started"] == relay_stats(relay)["requests"] == 101
    assert "max_requests: 101 requests were sent" in run.output


@pytest.mark.slow
def test_users_of_a_worker_that_hangs_take_no_turn_while_others_stand_in_for_them(
    leased: Callable[..., tuple[Process, Path]], relay: FakeRelay
) -> None:
    run, out = leased(CLOSED)
    child = children(run)[0]
    worker = worker_of(out, run, child)
    before = len(lines(out).of(worker))
    stop_for(child, 6.0)
    assert run.wait() == 0, run.output
    recorded = lines(out)
    assert recorded.twice == []
    assert unrecorded(relay, recorded) == 0
    due_s = sorted(line["intended_at_s"] for line in recorded.of(worker))
    assert len(due_s) > before
    assert max(later - earlier for earlier, later in pairwise(due_s)) > 5.0


@pytest.mark.slow
def test_a_run_outlasts_the_silence_of_all_its_workers(
    leased: Callable[..., tuple[Process, Path]], relay: FakeRelay
) -> None:
    run, out = leased(steady(12), "generator.drop_share=100%", processes=2)
    workers = children(run)
    for worker in workers:
        os.kill(worker, signal.SIGSTOP)
    time.sleep(6.0)
    for worker in workers:
        os.kill(worker, signal.SIGCONT)
    assert run.wait() == 0, run.output
    counts, recorded = saved(out, "summary.json")["counts"], lines(out)
    assert counts["offered"] == 480 == counts["started"] + counts["dropped"]
    assert recorded.twice == []
    assert unrecorded(relay, recorded) == 0
    assert max(line["intended_at_s"] for line in recorded.requests) > 11.5


def test_a_run_whose_workers_all_die_ends_and_says_so(leased: Callable[..., tuple[Process, Path]]) -> None:
    run, out = leased(steady(60), processes=2)
    for worker in children(run):
        os.kill(worker, signal.SIGKILL)
    assert run.wait() == 4, run.output
    assert saved(out, "run.json")["ended_by"] == "workers"
    assert "the loss of the last worker ended the run" in run.output


def test_a_third_ctrl_c_leaves_no_worker_behind(leased: Callable[..., tuple[Process, Path]]) -> None:
    run, _ = leased(steady(60), processes=2)
    workers = children(run)
    for _ in range(3):
        run.signal(signal.SIGINT)
        time.sleep(0.2)
    assert run.wait() == 130
    wait_for(lambda: not any(Path(f"/proc/{worker}").exists() for worker in workers))


@pytest.fixture
def separate(start: Start, port: int, tmp_path: Path, relay: FakeRelay) -> Callable[[str], Process]:
    """Starts a master, or a worker of it, as somebody would by hand."""
    path = tmp_path / "leased.yaml"
    path.write_text(steady(9))
    common = ("-f", LOCUSTFILE, "--relay-profile", path, "--relay-set", f"target.base_url={relay.base_url}")

    def begin(kind: str) -> Process:
        if kind == "master":
            master = ("--master", "--headless", "--only-summary", "--master-bind-port", str(port))
            return start("locust", *common, *master, "--expect-workers", "1", "--relay-out", tmp_path / "run")
        return start("locust", *common, "--worker", "--master-port", str(port))

    return begin


def test_a_worker_that_joins_late_takes_its_share(
    separate: Callable[[str], Process], tmp_path: Path, relay: FakeRelay
) -> None:
    out = tmp_path / "run"
    master = separate("master")
    workers = [separate("worker")]
    wait_for(lambda: records(out) > 10)
    workers.append(separate("worker"))
    assert master.wait() == 0, master.output
    assert [worker.wait() for worker in workers] == [0, 0]
    recorded = lines(out)
    assert recorded.twice == []
    assert unrecorded(relay, recorded) == 0
    assert saved(out, "summary.json")["counts"]["started"] == 360
    assert len(recorded.of(1)) > 40


@pytest.mark.slow
def test_workers_of_a_killed_master_send_no_more_than_they_were_leased_and_leave(
    separate: Callable[[str], Process], tmp_path: Path, relay: FakeRelay
) -> None:
    out = tmp_path / "run"
    master = separate("master")
    worker = separate("worker")
    wait_for(lambda: records(out) > 10)
    master.signal(signal.SIGKILL)
    master.wait()
    sent = relay_stats(relay)["requests"]
    assert worker.wait() == 1, worker.output
    recorded = lines(out)
    assert unrecorded(relay, recorded) == 0
    assert len(recorded.requests) <= sent + 3.0 * 40
    assert "the master has not answered for 30s: stopping" in worker.output
    assert '"line":"end"' in (out / "records-0.jsonl").read_text()
