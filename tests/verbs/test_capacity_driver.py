"""The edges of a capacity search with real processes: workers, signals, and what is between two trials.

A relay with a quota holds the search between its first two trials: probes are refused until the relay is reset.
"""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support import LOCUSTFILE, ROOT, Process, Start, asked, children, records, saved, wait_for

from relayload.fakerelay.process import FakeRelay

PROFILE = """
name: edges
seed: 3
target: {{base_url: "{base_url}", api_key: sk-fake, prices: {{any: {{input: $1, output: $1}}}}}}
load:
  kind: open
  graceful_stop: 0s
  stages: [{{name: steady, for: 5s, rate: {rate}}}]
scenarios:
  chat: {{model: o3, prompt: simple, max_output_tokens: 5, stream: {stream}}}
generator: {{late: 10s, late_share: 100%, loop_lag: 10s, lost_share: 50%}} # these tests are not about a busy machine
objectives: [{objectives}]
guardrails: {{allow_hosts: [], max_usd: $5, max_requests: 5000}}
"""
WAITS = "waiting for the relay to recover"
SHORT = ("--warmup", "1s", "--trial", "2s", "--confirm", "2s", "--max-trials", "2", "--recover", "10m")
OVERLOAD = ("--trial", "30s")
OVERLOADED = {"rate": "100/s", "stream": "false", "objectives": "latency.p90 < 200ms"}
"""A load that the objective ends soon, whose requests are given up then."""
Search = Callable[..., Process]


@pytest.fixture
def held() -> Iterator[FakeRelay]:
    """A relay that refuses all beyond 20 requests until it is reset."""
    with FakeRelay.start(sets=["limits=[{requests: 20/h}]"]) as relay:
        yield relay


@pytest.fixture
def search(start: Start, tmp_path: Path) -> Search:
    """Starts a search that records to `out`. Its processes are known by their command lines, which forks have not."""

    def starter(base_url: str, *options: str | Path, rate: str = "10/s", **profile: str) -> Process:
        written = {"stream": "true", "objectives": "errors.rate < 90%, ttft.p50 < 5s"} | profile
        (tmp_path / "edges.yaml").write_text(PROFILE.format(base_url=base_url, rate=rate, **written))
        arguments = ("capacity", tmp_path / "edges.yaml", "--out", tmp_path / "out", *SHORT, *options)
        return start("relayload", *arguments, anew=True)

    return starter


def reset(relay: FakeRelay) -> None:
    asked(f"{relay.base_url.removesuffix('/v1')}/__relay/reset", data=b"")


def locusts(tmp_path: Path) -> list[int]:
    """The processes of Locust that carry out the search, or did until they were killed and nobody has noticed."""
    return [
        int(path.parent.name)
        for path in Path("/proc").glob("[0-9]*/cmdline")
        if f"\0{tmp_path / 'edges.yaml'}\0".encode() in (line := _read(path)) and b"locust" in line
    ]


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:  # it has just ended
        return b""


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)


def found(tmp_path: Path) -> dict[str, Any]:
    return dict(saved(tmp_path / "out", "capacity.json"))


def test_workers_of_other_hosts_take_part_in_every_trial_beside_own_ones(
    search: Search, start: Start, relay: FakeRelay, tmp_path: Path, port: int
) -> None:
    (tmp_path / "secret").write_text("the secret of this search")
    several = ("--processes", "1", "--expect-workers", "1", "--master-bind-port", str(port), "--secret-file", "secret")
    run = search(relay.base_url, *several)
    stranger = start("locust", "-f", LOCUSTFILE, "--worker", "--master-port", port)
    secret = ("--relay-secret-file", "secret")
    worker = start("locust", "-f", LOCUSTFILE, "--worker", "--master-port", port, *secret)
    assert run.wait() in (0, 4), run.output
    assert worker.wait() == 0, worker.output
    assert stranger.wait() == 2, stranger.output
    assert f"waiting for 1 worker of other hosts on 127.0.0.1:{port}" in run.output
    assert f"--master-port {port} --relay-secret-file FILE" in run.output
    trials = found(tmp_path)["trials"]
    assert len(trials) == 2
    page = (tmp_path / "out" / "capacity.html").read_text()
    for trial in trials:
        assert f'href="{trial["recording"]}/report.html"' in page
        recording = tmp_path / "out" / trial["recording"]
        sent = [path.read_text().count('"index"') for path in recording.glob("records-*.jsonl")]
        assert len(sent) == 2
        assert all(sent)
        profile = (recording / "profile.yaml").read_text()
        assert f"seed: {3000 + trial['number']}" in profile


@pytest.mark.slow
def test_a_worker_that_is_killed_between_two_trials_is_not_missed(
    search: Search, start: Start, held: FakeRelay, tmp_path: Path, port: int
) -> None:
    run = search(held.base_url, "--processes", "1", "--expect-workers", "1", "--master-bind-port", str(port))
    worker = start("locust", "-f", LOCUSTFILE, "--worker", "--master-port", port)
    wait_for(lambda: WAITS in run.output)
    kill(worker.popen.pid)
    reset(held)
    assert run.wait() in (0, 4), run.output
    _, second = found(tmp_path)["trials"]
    assert second["decision"] not in ("void", "stopped")
    assert second["recovery"]["waited_s"] > 2
    counts = saved(tmp_path / "out" / second["recording"], "summary.json")["counts"]
    assert (counts["dropped"], counts["lost"]) == (0, 0)


@pytest.mark.slow
def test_a_search_whose_only_worker_is_killed_ends_in_words_and_goes_on_later(
    search: Search, start: Start, relay: FakeRelay, tmp_path: Path, port: int
) -> None:
    others = ("--expect-workers", "1", "--master-bind-port", str(port))
    run = search(relay.base_url, *others, "--trial", "60s")
    worker = start("locust", "-f", LOCUSTFILE, "--worker", "--master-port", port)
    wait_for(lambda: records(tmp_path / "out" / "trial-01") > 10)
    kill(worker.popen.pid)
    assert run.wait() == 4, run.output
    capacity = found(tmp_path)
    assert capacity["reason"] == "not converged: no worker is left to go on with"
    assert [trial["decision"] for trial in capacity["trials"]] == ["stopped"]
    again = search(relay.base_url, "--resume")
    assert again.wait() in (0, 4), again.output
    assert [trial["number"] for trial in found(tmp_path)["trials"]] == [1, 2]


@pytest.mark.parametrize(("number", "code", "told"), [(signal.SIGINT, 130, "Ctrl-C"), (signal.SIGTERM, 143, "SIGTERM")])
def test_a_signal_between_two_trials_ends_the_search_which_goes_on_later(
    search: Search, held: FakeRelay, tmp_path: Path, number: signal.Signals, code: int, told: str
) -> None:
    run = search(held.base_url, "--processes", "2")
    wait_for(lambda: WAITS in run.output)
    run.signal(number)
    assert run.wait() == code, run.output
    assert locusts(tmp_path) == []
    capacity = found(tmp_path)
    assert capacity["reason"].startswith(f"not converged: {told} ended it")
    assert capacity["exit_code"] == code
    assert [trial["number"] for trial in capacity["trials"]] == [1]
    assert "Traceback" not in run.output
    reset(held)
    again = search(held.base_url, "--resume")
    assert again.wait() in (0, 4), again.output
    assert [trial["number"] for trial in found(tmp_path)["trials"]] == [1, 2]
    assert found(tmp_path)["rest"] == capacity["rest"]
    assert found(tmp_path)["probes"] > capacity["probes"]


@pytest.mark.slow
def test_nothing_goes_on_when_the_search_is_killed_and_it_resumes_with_the_next_number(
    search: Search, relay: FakeRelay, tmp_path: Path
) -> None:
    run = search(relay.base_url, "--processes", "2", "--trial", "30s")
    wait_for(lambda: (tmp_path / "out" / "trial-01" / "progress.json").exists())
    assert locusts(tmp_path)
    run.signal(signal.SIGKILL)
    run.wait()
    wait_for(lambda: not locusts(tmp_path))
    assert not (tmp_path / "out" / "capacity.json").exists()
    again = search(relay.base_url, "--max-trials", "1")
    assert again.wait() == 4, again.output
    assert [trial["recording"] for trial in found(tmp_path)["trials"]] == ["trial-02"]
    assert "trial 2: 10/s for" in again.output


def test_a_load_generator_that_is_killed_ends_the_search_in_words(
    search: Search, held: FakeRelay, tmp_path: Path
) -> None:
    run = search(held.base_url, "--processes", "2")
    wait_for(lambda: WAITS in run.output)
    (master,) = (pid for pid in locusts(tmp_path) if pid in children(run))
    kill(master)
    assert run.wait() == 1, run.output
    assert "Traceback" not in run.output
    wait_for(lambda: not locusts(tmp_path))
    assert [trial["number"] for trial in found(tmp_path)["trials"]] == [1]
    reset(held)
    again = search(held.base_url, "--resume")
    assert again.wait() in (0, 4), again.output
    assert [trial["number"] for trial in found(tmp_path)["trials"]] == [1, 2]


@pytest.fixture
def indebted() -> Iterator[str]:
    """The base URL of a relay that serves 40/s, and does not drop what nobody waits for."""
    command = [sys.executable, str(ROOT / "tests/indebted_relay.py")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}/v1"
        process.kill()


@pytest.mark.slow
def test_a_trial_waits_until_the_relay_has_done_what_the_last_one_left(
    search: Search, indebted: str, tmp_path: Path
) -> None:
    run = search(indebted, *OVERLOAD, **OVERLOADED)
    assert run.wait() == 4, run.output
    first, second = found(tmp_path)["trials"]
    assert first["recovery"] is None
    assert second["recovery"]["waited_s"] > 1
    assert second["recovery"]["latency_s"] < 1
    assert "it has recovered, after" in run.output


@pytest.mark.slow
def test_a_relay_that_does_not_recover_in_time_is_unsteady(search: Search, indebted: str, tmp_path: Path) -> None:
    run = search(indebted, *OVERLOAD, "--recover", "1s", **OVERLOADED)
    assert run.wait() == 4, run.output
    capacity = found(tmp_path)
    assert capacity["answer"] == "unsteady"
    assert "the relay has not recovered from trial 1, 100/s: a single request" in capacity["reason"]
    assert len(capacity["trials"]) == 1


def test_probes_count_in_requests_and_dollars(search: Search, relay: FakeRelay, tmp_path: Path) -> None:
    run = search(relay.base_url, "--max-trials", "1")
    assert run.wait() == 4, run.output
    capacity = found(tmp_path)
    (trial,) = capacity["trials"]
    assert capacity["probes"] == 6
    assert capacity["requests"] == trial["offered"] + 6
    assert capacity["usd"] == pytest.approx(trial["usd"] + capacity["probes_usd"])
    assert capacity["probes_usd"] > 0


def test_options_of_workers_go_together(search: Search, tmp_path: Path) -> None:
    run = search("http://127.0.0.1:9/v1", "--master-bind-host", "127.0.0.1")
    assert run.wait() == 2
    assert "go with --expect-workers" in run.output
    assert search("http://127.0.0.1:9/v1", "--recover", "soon").wait() == 2
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        run = search("http://127.0.0.1:9/v1", "--expect-workers", "1", "--master-bind-port", str(port))
        assert run.wait() == 2
    assert f"can't listen on 127.0.0.1:{port}: Address already in use" in run.output
    assert not (tmp_path / "out").exists()


def test_a_search_that_others_can_reach_says_so_and_refuses_a_bad_secret(
    search: Search, relay: FakeRelay, tmp_path: Path, port: int
) -> None:
    (tmp_path / "secret").write_text("short")
    others = ("--expect-workers", "1", "--master-bind-port", str(port), "--master-bind-host", "0.0.0.0")
    run = search(relay.base_url, *others)
    wait_for(lambda: "waiting for 1 worker" in run.output)
    assert "no join secret: whoever reaches that port can take part (--secret-file)" in run.output
    refused = search(relay.base_url, *others, "--secret-file", "secret")
    assert refused.wait() == 2
    assert "secret: the join secret has 5 bytes, and needs 16" in refused.output
    assert locusts(tmp_path)
    kill(run.popen.pid)
    wait_for(lambda: not locusts(tmp_path))
