"""`locust -f locustfiles/relay.py`, as a process: exit codes, sums, interruptions, workers, the web page."""

import json
import os
import signal
import socket
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode

import pytest
from support import LOCUSTFILE, Start, asked, children, records, relay_stats, saved, wait_for

from relayload.fakerelay.process import FakeRelay
from relayload.profile.checks.loads import ROWS_CHECKED

WriteProfile = Callable[..., Path]


def sums_hold(counts: dict[str, Any]) -> bool:
    return counts["offered"] == counts["started"] + counts["dropped"] + counts["lost"] and counts["started"] == sum(
        counts["by_outcome"].values()
    )


@pytest.mark.parametrize("processes", [1, 2])
def test_a_run_sends_every_arrival_once_and_passes(
    locust: Start, profile: WriteProfile, relay: FakeRelay, tmp_path: Path, processes: int
) -> None:
    out = tmp_path / "run"
    target = f"target.base_url={relay.base_url}"
    options = ("--relay-profile", profile(), "--relay-out", out, "--relay-set", target)
    run = locust(*options, processes=processes, anew=True)
    assert run.wait() == 0, run.output
    counts = saved(out, "summary.json")["counts"]
    assert sums_hold(counts)
    assert counts["started"] == counts["ok"] == relay_stats(relay)["requests"] == records(out) - processes
    assert (counts["dropped"], counts["lost"]) == (0, 0)
    assert saved(out, "run.json")["streaming"] == ["simple"]
    assert saved(out, "run.json")["ended_by"] == "schedule"
    assert saved(out, "verdict.json")["verdict"] == "PASS"
    assert "PASS" in run.output
    assert "Traceback" not in run.output
    assert (out / "report.html").read_text(encoding="utf-8").count("<figure") > 5


def test_a_page_that_can_not_be_written_is_told_and_changes_nothing(
    locust: Start, profile: WriteProfile, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    (out / "report.html").mkdir(parents=True)
    run = locust("--relay-profile", profile(), "--relay-out", out)
    assert run.wait() == 0, run.output
    assert saved(out, "verdict.json")["verdict"] == "PASS"
    assert "report.html was not written: " in run.output


def test_rates_are_over_whole_stages_also_after_the_last_arrival(
    locust: Start, profile: WriteProfile, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    stages = "load.stages=[{for: 500ms, rate: 4/s}, {pause: 250ms}, {for: 250ms, rate: 4/s}, {pause: 250ms}]"
    run = locust("--relay-profile", profile("constant"), "--relay-out", out, "--relay-set", stages)
    run.wait()
    assert saved(out, "run.json")["ended_by"] == "schedule"
    rates = saved(out, "summary.json")["rates"]
    assert (rates["offered_per_s"], rates["measured_s"]) == (3, 1), "a pause counts only between measured stages"
    assert saved(out, "run.json")["ended_at_s"] == 1.25


def test_the_number_of_workers_does_not_change_what_is_sent(
    locust: Start, profile: WriteProfile, tmp_path: Path
) -> None:
    sent = []
    for processes in (1, 2):
        out = tmp_path / f"run-{processes}"
        run = locust("--relay-profile", profile(), "--relay-out", out, processes=processes)
        assert run.wait() == 0, run.output
        lines = [json.loads(line) for path in out.glob("records-*.jsonl") for line in path.read_text().splitlines()]
        requests = [line for line in lines if line["line"] == "request"]
        sent.append(sorted((line["index"], line["scenario"], line["attempts"][0]["input_tokens"]) for line in requests))
    assert sent[0] == sent[1]


def test_the_official_sdk_sends_the_same_load(
    locust: Start, profile: WriteProfile, relay: FakeRelay, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    target = f"target.base_url={relay.base_url}"
    overrides = ["--relay-set", target, "--relay-set", "driver=openai"]
    run = locust("--relay-profile", profile(), "--relay-out", out, *overrides)
    assert run.wait() == 0, run.output
    summary = saved(out, "summary.json")
    assert sums_hold(summary["counts"])
    assert summary["counts"]["ok"] == summary["counts"]["offered"] == relay_stats(relay)["requests"]
    assert summary["generator"]["timestamps"] == "user"


def test_a_missed_objective_is_exit_3(locust: Start, profile: WriteProfile) -> None:
    sets = ("--relay-set", "objectives.1=ttft.p50 < 1ms", "--relay-set", "load.stages.1.rate=100/s")
    run = locust("--relay-profile", profile(), *sets)
    assert run.wait() == 3, run.output
    assert "FAIL" in run.output


def test_a_run_without_objectives_is_not_judged_and_passes_no_gate(
    locust: Start, start: Start, profile: WriteProfile, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    run = locust("--relay-profile", profile(), "--relay-out", out, "--relay-set", "objectives=[]")
    assert run.wait() == 0, run.output
    assert "\nNOT JUDGED (the profile has no objectives)\n" in run.output
    assert saved(out, "verdict.json")["verdict"] == "NOT JUDGED"
    assert start("relayload", "gate", out).wait() == 4


@pytest.mark.parametrize("encoding", ["latin-1", "ascii", "cp1252:strict"])
def test_a_terminal_of_another_encoding_shows_the_tables(
    locust: Start, profile: WriteProfile, tmp_path: Path, encoding: str
) -> None:
    out = tmp_path / "run"
    path = profile()
    run = locust("--relay-profile", path, "--relay-out", out, PYTHONIOENCODING=encoding)
    assert run.wait() == 0, run.output
    assert "Traceback" not in run.output
    assert "k of n ~ eff." in run.output
    assert "\nPASS (2 of 2)\n" in run.output
    line = 1 + path.read_text().splitlines().index("objectives: [errors.rate < 50%, ttft.p50 < 10s]")
    written = saved(out, "run.json")["written"]
    assert written["ttft.p50 < 10s"] == {"file": str(path), "line": line, "column": 33}


def test_locusts_own_host_is_not_where_anything_is_sent(locust: Start, profile: WriteProfile) -> None:
    run = locust("--relay-profile", profile(), "--host", "http://127.0.0.1:1")
    assert run.wait() == 0, run.output
    assert "--host is not used, the profile says where to send" in run.output


def test_a_bad_profile_is_exit_2_with_its_place(locust: Start, profile: WriteProfile) -> None:
    path = profile(more="targte: {}\n")
    run = locust(RELAYLOAD_PROFILE=str(path))
    assert run.wait() == 2
    assert f"{path}:15:1: targte: unknown key; did you mean 'target'?" in run.output


def test_a_target_that_is_not_there_is_exit_6(locust: Start, profile: WriteProfile) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/v1"
        run = locust("--relay-profile", profile(), "--relay-set", f"target.base_url={url}")
        assert run.wait() == 6
    assert "nothing listens on" in run.output


def test_a_recording_that_can_not_be_begun_ends_the_run_with_exit_2(
    locust: Start, profile: WriteProfile, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    run = locust("--relay-profile", profile(), "--relay-out", tmp_path / "file" / "run")
    assert run.wait() == 2, run.output
    assert "file/run: can't be written to: Not a directory" in run.output


def test_a_failure_of_our_own_at_the_start_ends_the_run(locust: Start, profile: WriteProfile, tmp_path: Path) -> None:
    out = tmp_path / "run"
    (out / "profile.yaml").mkdir(parents=True)  # which no file can replace
    run = locust("--relay-profile", profile(), "--relay-out", out)
    assert run.wait() == 1
    assert "relayload: [Errno 21] Is a directory" in run.output


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("processes", [1, 2])
def test_an_interrupted_run_keeps_what_it_has(
    locust: Start, profile: WriteProfile, tmp_path: Path, number: signal.Signals, code: int, processes: int
) -> None:
    out = tmp_path / "run"
    run = locust("--relay-profile", profile(seconds=30), "--relay-out", out, processes=processes)
    wait_for(lambda: records(out) > 10)
    run.signal(number)
    assert run.wait() == code, run.output
    assert "Traceback" not in run.output
    counts = saved(out, "summary.json")["counts"]
    assert sums_hold(counts)
    assert counts["lost"] == counts["dropped"] == 0
    assert saved(out, "run.json")["ended_by"] == number.name.lower()


def test_a_second_ctrl_c_does_not_wait_for_what_is_in_flight(
    locust: Start, profile: WriteProfile, relay: FakeRelay, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    relay_pid = relay.pid
    path = profile(seconds=30)
    patient = ("--relay-set", "load.graceful_stop=10m")
    target = ("--relay-set", f"target.base_url={relay.base_url}")
    run = locust("--relay-profile", path, "--relay-out", out, *target, *patient)
    wait_for(lambda: records(out) > 10)
    os.kill(relay_pid, signal.SIGSTOP)
    try:
        wait_for(lambda: saved(out, "progress.json")["in_flight"] > 5)
        run.signal(signal.SIGINT)
        wait_for(lambda: "ending the load" in run.output)
        run.signal(signal.SIGINT)
        assert run.wait() == 130, run.output
    finally:
        os.kill(relay_pid, signal.SIGCONT)
    counts = saved(out, "summary.json")["counts"]
    assert sums_hold(counts)
    assert counts["by_outcome"]["abandoned"] > 5


def test_a_stalled_relay_shows_in_the_latency_of_all_that_was_due(
    locust: Start, profile: WriteProfile, relay: FakeRelay, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    path = profile(arrivals="constant", seconds=5)
    run = locust("--relay-profile", path, "--relay-out", out, "--relay-set", f"target.base_url={relay.base_url}")
    wait_for(lambda: records(out) > 10)
    os.kill(relay.pid, signal.SIGSTOP)
    stopped_ns = time.time_ns()
    try:
        time.sleep(2)
    finally:
        continued_ns = time.time_ns()
        os.kill(relay.pid, signal.SIGCONT)
    assert run.wait() == 0, run.output
    summary = saved(out, "summary.json")
    assert summary["counts"]["ok"] == summary["counts"]["offered"] == 105
    lines = [json.loads(line) for line in (out / "records-0.jsonl").read_text().splitlines()]
    (began_at_ns,) = (line["began_at_ns"] for line in lines if line["line"] == "end")
    stopped_s, continued_s = ((at_ns - began_at_ns) / 1e9 for at_ns in (stopped_ns, continued_ns))
    # Twenty a second were due while nothing answered: none of them was answered before it went on.
    due = [line for line in lines if line["line"] == "request" and stopped_s < line["intended_at_s"] < continued_s]
    assert len(due) >= 39
    assert [line for line in due if line["intended_at_s"] + line["latency_s"] < continued_s - 0.001] == []


def test_the_fake_relay_dies_with_locust(locust: Start, profile: WriteProfile, tmp_path: Path) -> None:
    out = tmp_path / "run"
    run = locust("--relay-profile", profile(seconds=30), "--relay-out", out, anew=True)
    wait_for(lambda: records(out) > 10)
    base_url = saved(out, "run.json")["base_url"]
    assert asked(base_url.removesuffix("/v1") + "/health")
    run.signal(signal.SIGKILL)
    run.wait()
    wait_for(lambda: not answers(base_url))


def answers(base_url: str) -> bool:
    try:
        return bool(asked(base_url.removesuffix("/v1") + "/health"))
    except (URLError, ConnectionError):
        return False


def test_what_a_killed_worker_did_not_send_is_lost_and_the_others_go_on(
    locust: Start, profile: WriteProfile, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    run = locust("--relay-profile", profile(arrivals="constant", seconds=10), "--relay-out", out, processes=2)
    wait_for(lambda: records(out) > 20)
    os.kill(children(run)[0], signal.SIGKILL)
    assert run.wait() in (3, 4, 0), run.output
    counts = saved(out, "summary.json")["counts"]
    assert sums_hold(counts)
    assert counts["offered"] == 205
    # Locust notices after about four seconds; until then the dead worker's half of 20 a second is lost.
    assert 10 < counts["lost"] < 120


def test_a_run_that_lost_all_its_workers_ends_and_does_not_pass(
    locust: Start, profile: WriteProfile, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    path, lenient = profile(arrivals="constant", seconds=30), "objectives=[errors.rate < 99%]"
    # However long Locust takes to notice, what is lost until then shall not break an objective.
    run = locust("--relay-profile", path, "--relay-out", out, "--relay-set", lenient, processes=2)
    wait_for(lambda: records(out) > 20)
    for worker in children(run):
        os.kill(worker, signal.SIGKILL)
    assert run.wait() == 4, run.output
    verdict = saved(out, "verdict.json")
    assert verdict["verdict"] == "INVALID"
    lost, ended = verdict["reasons"]
    assert "arrivals were lost with workers that died" in lost
    assert ended.startswith("the loss of the last worker ended the run after ")


SLOW_TO_LISTEN = """
from locust import events

import time

from relayload import load_users

events.init.add_listener(lambda **_: time.sleep(0.7))  # Locust has said by now that this worker is ready
globals().update(load_users(__name__))
"""


@pytest.mark.parametrize("late", [False, True])
def test_a_worker_that_listens_late_gets_its_share(
    locust: Start, start: Start, profile: WriteProfile, port: int, tmp_path: Path, late: bool
) -> None:
    (tmp_path / "slow.py").write_text(SLOW_TO_LISTEN)
    options = ("--relay-profile", profile("constant", seconds=3))
    master = ("--master", "--expect-workers", "1", "--master-bind-port", port)
    run = locust(*options, "--relay-out", tmp_path / "run", *master)
    if late:
        start("locust", "-f", LOCUSTFILE, "--worker", "--master-port", port, *options)
        wait_for(lambda: records(tmp_path / "run") > 5)
    start("locust", "-f", tmp_path / "slow.py", "--worker", "--master-port", port, *options)
    assert run.wait() == 0, run.output
    counts = saved(tmp_path / "run", "summary.json")["counts"]
    assert (counts["offered"], counts["started"], counts["lost"]) == (65, 65, 0)


@pytest.mark.parametrize("comes", ["first", "while the master waits", "late"])
def test_a_worker_with_another_profile_is_refused_alone(
    comes: str, locust: Start, start: Start, profile: WriteProfile, port: int, tmp_path: Path
) -> None:
    late = comes == "late"
    short = ("--relay-profile", profile("constant", seconds=4))
    master = ("--master", "--expect-workers", "1" if late else "2", "--master-bind-port", port)
    run = locust(*short, "--relay-out", tmp_path / "run", *master)
    worker = ("locust", "-f", LOCUSTFILE, "--worker", "--master-port", port, *short)
    if comes != "first":
        start(*worker)
    if late:
        wait_for(lambda: records(tmp_path / "run") > 5)
    other = start(*worker, "--relay-set", "seed=4")
    assert other.wait() == 2, other.output
    for _ in range({"first": 2, "late": 0}.get(comes, 1)):
        start(*worker)
    assert run.wait() == 0, run.output
    refusal = f"the worker on {socket.gethostname()} was started with another profile than the master"
    assert refusal in run.output
    assert refusal in other.output
    counts = saved(tmp_path / "run", "summary.json")["counts"]
    assert (counts["started"], counts["lost"]) == (counts["offered"], 0)


def test_a_closed_load_takes_turns(locust: Start, profile: WriteProfile, tmp_path: Path) -> None:
    out = tmp_path / "run"
    path = tmp_path / "closed.yaml"
    path.write_text(
        "name: closed\nload: {kind: closed, users: 3, think_time: 50ms, stages: [{for: 1s}]}\n"
        "scenarios: {simple: {model: o3, prompt: simple, max_output_tokens: 5}}\nobjectives: [requests.count >= 10]\n"
        "generator: {late: 10s, loop_lag: 10s}\n"
    )
    run = locust("--relay-profile", path, "--relay-out", out)
    assert run.wait() == 0, run.output
    summary = saved(out, "summary.json")
    assert sums_hold(summary["counts"])
    assert summary["counts"]["lost"] == 0
    # Three users at about 0.08 s an answer, on a machine with time, and 0.05 s of thought for a second.
    assert 9 < summary["counts"]["ok"] < 60


def test_limits_hold_in_every_sliding_window_whatever_the_workers(
    locust: Start, profile: WriteProfile, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    limits = "load.limits={per_second: 10, per_minute: 15}"
    run = locust("--relay-profile", profile(seconds=2), "--relay-out", out, "--relay-set", limits, processes=2)
    run.wait()
    rates = saved(out, "summary.json")["rates"]
    assert rates["max_in_1s"] <= 10
    assert rates["max_in_60s"] <= 15


def test_the_web_page_starts_and_stops_runs(start: Start, profile: WriteProfile, port: int, tmp_path: Path) -> None:
    locustfile = Path(__file__).parents[2] / "locustfiles" / "relay.py"
    page = start("locust", "-f", locustfile, "--relay-profile", profile(seconds=30), "--web-port", port)
    url = f"http://127.0.0.1:{port}"
    wait_for(lambda: f"Starting web interface at {url}," in page.output)
    form = urlencode({"user_count": 1, "spawn_rate": 1}).encode()

    def have_written(runs: int, name: str) -> bool:
        return len(list(tmp_path.glob(f"runs/*/{name}"))) == runs

    for number in (1, 2):
        wait_for(lambda: asked_quietly(url, form))
        wait_for(partial(have_written, number, "records-0.jsonl"))
        wait_for(lambda: bool(asked(f"{url}/stats/requests")["stats"][0]["num_requests"]))
        stop(url)
        wait_for(partial(have_written, number, "verdict.json"))
    page.signal(signal.SIGINT)
    assert page.wait() == 130
    for verdict in tmp_path.glob("runs/*/summary.json"):
        assert sums_hold(json.loads(verdict.read_text())["counts"])


def stop(url: str) -> None:
    """Locust wants a POST since 2.47, and a GET before."""
    try:
        asked(f"{url}/stop", b"")
    except HTTPError:
        asked(f"{url}/stop")


def asked_quietly(url: str, form: bytes) -> bool:
    try:
        return bool(asked(f"{url}/swarm", form)["success"])
    except (URLError, ConnectionError):
        return False


def test_a_run_whose_controller_fails_ends_as_a_crash(locust: Start, profile: WriteProfile, tmp_path: Path) -> None:
    out = tmp_path / "run"
    run = locust("--relay-profile", profile(seconds=30), "--relay-out", out)
    wait_for((out / "progress.json").exists)
    (out / "progress.json").unlink()
    (out / "progress.json").mkdir()  # which no file can replace
    (out / "progress.json" / "in-the-way").touch()
    assert run.wait() == 1
    assert f"a part of this run failed: {out}: can't be written to: " in run.output
    assert saved(out, "run.json")["ended_by"] == "crash"


def test_a_request_that_never_ended_was_sent_at_an_instant_of_the_run(
    locust: Start, profile: WriteProfile, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    cut = ("--relay-set", "client={timeout: {total: 1ms}}")
    run = locust("--relay-profile", profile(), "--relay-out", out, *cut)
    assert run.wait() in (3, 4), run.output
    lines = [json.loads(line) for line in (out / "records-0.jsonl").read_text().splitlines()]
    sent = [line["attempts"][0].get("sent_at_s", 0.0) for line in lines if line["line"] == "request"]
    assert len(sent) > 5
    assert max(sent) < 60


def test_a_row_of_a_trace_that_does_not_read_ends_the_run_in_order(locust: Start, tmp_path: Path) -> None:
    lines = [f"{number / 4000},20,5" for number in range(ROWS_CHECKED + 2000)]
    lines[ROWS_CHECKED + 1000] = "soon,20,5"
    (tmp_path / "t.csv").write_text("\n".join(["at,in,out", *lines]))
    path = tmp_path / "replay.yaml"
    path.write_text(
        "name: replay\ntarget: {base_url: 'fake://o-series'}\n"
        "load: {kind: open, arrivals: {trace: t.csv, format: csv, sample: 1%, columns: {at: at, input_tokens: in}}}\n"
        "scenarios: {chat: {model: o3, max_output_tokens: 5}}\n"
    )
    out = tmp_path / "run"
    run = locust("--relay-profile", path, "--relay-out", out)
    assert run.wait() == 1, run.output
    assert "t.csv:11002:1: at: expected a number of seconds, got 'soon'" in run.output
    assert "Traceback" not in run.output
    counts = saved(out, "summary.json")["counts"]
    assert sums_hold(counts)
    assert counts["started"] > 50
