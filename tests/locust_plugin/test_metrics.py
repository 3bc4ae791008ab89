"""The metrics of a real run, scraped as Prometheus does: while it goes on, and after it."""

import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

import pytest
from prometheus_client.parser import text_string_to_metric_families
from support import LOCUSTFILE, PATIENCE_S, Process, Start, ran_patched, relay_stats, saved, wait_for

from relayload.fakerelay.process import FakeRelay

WriteProfile = Callable[..., Path]
Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]

_MOST_LINGER = "300"
"""Seconds that no test waits: a scrape ends the run before."""


def _url(run: Process) -> str:
    """Where a run says that its metrics are."""
    wait_for(lambda: "metrics at http://" in run.output or run.popen.poll() is not None)
    assert "metrics at http://" in run.output, run.output
    return run.output.partition("metrics at ")[2].split()[0]


def _scraped(url: str) -> Samples:
    with urlopen(url, timeout=PATIENCE_S) as response:
        text = response.read().decode()
    families = text_string_to_metric_families(text)
    return {(sample.name, frozenset(sample.labels.items())): sample.value for f in families for sample in f.samples}


def _sum(samples: Samples, name: str, **labels: str) -> float:
    return sum(value for (own, told), value in samples.items() if own == name and labels.items() <= dict(told).items())


def _state(samples: Samples) -> str:
    return next(dict(told)["state"] for (name, told), value in samples.items() if name.endswith("run_state") and value)


def _scrapes(run: Process) -> Iterator[Samples]:
    """Scrape until the verdict, the last scrape being that of the verdict."""
    url = _url(run)
    found: Samples = {}
    while not found or _state(found) == "running":
        found = _scraped(url)
        if found:
            yield found


@pytest.mark.parametrize("processes", [1, 2])
def test_a_run_is_scraped_while_it_goes_on_and_after_it(
    locust: Start, profile: WriteProfile, relay: FakeRelay, tmp_path: Path, processes: int
) -> None:
    out = tmp_path / "run"
    options = ["--relay-set", f"target.base_url={relay.base_url}", "--relay-metrics-port", "0"]
    options += ["--relay-metrics-linger", _MOST_LINGER]
    run = locust("--relay-profile", profile(), "--relay-out", out, *options, processes=processes)
    *while_it_went, last = _scrapes(run)
    assert run.wait() == 0, run.output
    assert "until they are scraped once more, at most 5m" in run.output
    offered = [_sum(samples, "relayload_offered_total") for samples in while_it_went]
    assert offered == sorted(offered)
    _check_agreement(last, saved(out, "summary.json"), saved(out, "verdict.json"), relay_stats(relay)["requests"])


def _check_agreement(last: Samples, summary: Any, verdict: Any, sent: int) -> None:
    counts = summary["counts"]
    assert _state(last) == "pass"
    for name in ("offered", "started", "dropped", "lost", "retries"):
        assert _sum(last, f"relayload_{name}_total") == counts[name]
    assert _sum(last, "relayload_requests_total") == sent == counts["started"]
    for outcome, count in counts["by_outcome"].items():
        assert _sum(last, "relayload_requests_total", outcome=outcome) == count
    for name, group in summary["by_scenario"].items():
        assert _sum(last, "relayload_requests_total", scenario=name) == group["started"]
    assert _sum(last, "relayload_tokens_total", type="output") == summary["tokens"]["output"]
    assert _sum(last, "relayload_in_flight") == 0
    latency = summary["by_stage"]["steady"]["metrics"]["latency"]
    assert _sum(last, "relayload_latency_seconds_count", stage="steady", outcome="ok") == latency["count"]
    total_s = _sum(last, "relayload_latency_seconds_sum", stage="steady", outcome="ok")
    assert total_s == pytest.approx(latency["mean"] * latency["count"], rel=0.004)
    for objective in verdict["objectives"]:
        labels = {"objective": objective["id"]}
        assert _sum(last, "relayload_objective_state", state=objective["verdict"].lower(), **labels) == 1
        assert _sum(last, "relayload_objective_limit", **labels) == objective["limit"]
        assert _sum(last, "relayload_objective_observed", **labels) == objective["observed"]


def test_relayload_run_tells_where_the_metrics_are_and_that_it_waits(
    start: Start, profile: WriteProfile, tmp_path: Path
) -> None:
    options = ["--metrics-port", "0", "--metrics-linger", _MOST_LINGER, "--out", tmp_path / "run"]
    run = start("relayload", "run", profile(), *options)
    *_, last = _scrapes(run)
    assert run.wait() == 0, run.output
    assert _state(last) == "pass"
    assert "metrics stay at http://127.0.0.1:" in run.output
    assert run.output.count("metrics at http://127.0.0.1:") == 1


def test_nobody_is_awaited_who_does_not_come(locust: Start, profile: WriteProfile) -> None:
    run = locust("--relay-profile", profile(), "--relay-metrics-port", "0", "--relay-metrics-linger", "0.1")
    assert run.wait() == 0, run.output
    assert "metrics stay at" in run.output


def test_ctrl_c_ends_the_wait(locust: Start, profile: WriteProfile) -> None:
    options = ["--relay-metrics-port", "0", "--relay-metrics-linger", _MOST_LINGER]
    run = locust("--relay-profile", profile(), *options)
    wait_for(lambda: "metrics stay at" in run.output)
    run.signal(signal.SIGINT)
    assert run.wait() == 130, run.output


def test_an_interrupted_run_waits_for_no_scrape(locust: Start, profile: WriteProfile) -> None:
    options = ["--relay-metrics-port", "0", "--relay-metrics-linger", _MOST_LINGER]
    run = locust("--relay-profile", profile(seconds=100), *options)
    wait_for(lambda: "the load begins" in run.output)
    run.signal(signal.SIGTERM)
    assert run.wait() == 143, run.output
    assert "metrics stay at" not in run.output


@pytest.mark.parametrize("processes", [1, 2])
def test_a_port_that_is_taken_ends_the_run_before_anything_is_sent(
    start: Start, profile: WriteProfile, relay: FakeRelay, tmp_path: Path, processes: int
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        options = ["--set", f"target.base_url={relay.base_url}", "--out", tmp_path / "run", "--processes", processes]
        run = start("relayload", "run", profile(), "--metrics-port", port, *options)
        assert run.wait() == 2, run.output
    told = f"metrics can't be served on 127.0.0.1 port {port}: Address already in use"
    assert run.output == f"{told}; name another, or port 0 for any free one\n"
    assert not (tmp_path / "run").exists()
    assert relay_stats(relay)["requests"] == 0


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--relay-metrics-port", "70000"], "'70000' is no port: write a number from 0 to 65535"),
        (["--relay-metrics-port", "x"], "'x' is no port: write a number from 0 to 65535"),
        (["--relay-metrics-port", "0", "--relay-metrics-linger", "inf"], "write seconds from 0 to 300"),
        (["--relay-metrics-host", "::1"], "need --relay-metrics-port PORT"),
        (["--relay-metrics-port", "0", "--relay-metrics-host", "no host"], "metrics can't be served on no host port 0"),
    ],
)
def test_wrong_options_are_told_with_what_to_write(
    locust: Start, profile: WriteProfile, options: list[str], told: str
) -> None:
    run = locust("--relay-profile", profile(), *options)
    assert run.wait() == 2, run.output
    assert told in run.output


def test_other_paths_and_methods_are_refused(locust: Start, profile: WriteProfile) -> None:
    run = locust("--relay-profile", profile(seconds=100), "--relay-metrics-port", "0")
    url = _url(run)
    assert _refusal(f"{url}s") == 404
    assert _refusal(url, b"x") == 405


def _refusal(url: str, data: bytes | None = None) -> int:
    with pytest.raises(HTTPError) as refused:
        urlopen(url, data, timeout=PATIENCE_S)
    with refused.value as answer:
        return answer.code


def test_the_page_has_the_metrics_too(start: Start, profile: WriteProfile, port: int) -> None:
    run = start("locust", "-f", LOCUSTFILE, "--web-port", port, "--relay-profile", profile(seconds=100), "--autostart")
    found: Samples = {}

    def has_begun() -> bool:
        nonlocal found
        try:
            found = _scraped(f"http://127.0.0.1:{port}/metrics")
        except (URLError, ConnectionError):
            return False
        return _sum(found, "relayload_requests_total") > 0

    wait_for(has_begun)
    assert _state(found) == "running"
    assert run.popen.poll() is None


def test_a_failure_is_told_once_and_answered() -> None:
    told = ran_patched(
        """
import logging, sys
import locust
from relayload.locust_plugin.metrics import RunMetrics

logging.basicConfig(stream=sys.stdout, format="%(message)s")
metrics = RunMetrics(lambda: 1 / 0)
for _ in range(2):
    answer = metrics.app({"REQUEST_METHOD": "GET", "PATH_INFO": "/metrics"}, lambda status, headers: print(status))
    print(b"".join(answer).decode(), end="")
"""
    )
    failed = ["500 Internal Server Error", "the metrics failed: see the log of the run"]
    warning = "metrics: ZeroDivisionError('division by zero'); the run goes on without them"
    assert told.splitlines() == [warning, *failed, *failed]
