"""A real Prometheus scrapes a real run: every query of the dashboard has an answer, and numbers are the summary's."""

import math
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.parse import urlencode, urlsplit
from urllib.request import urlopen

import pytest
import yaml
from grafana import expressions
from support import PATIENCE_S, Start, asked, saved, wait_for

from relayload.fakerelay.process import FakeRelay
from relayload.report.live_metrics import BOUNDS_S

pytestmark = [
    pytest.mark.slow,
    pytest.mark.prometheus,
    pytest.mark.skipif(shutil.which("prometheus") is None, reason="Prometheus is missing: apt-get install prometheus"),
]
_PROFILE = """
name: everything
seed: 3
target: {prices: holysheep}
load:
  kind: open
  arrivals: poisson
  max_in_flight: 8
  stages:
    - {name: warm, for: 1s, rate: 20/s, warmup: true}
    - {name: steady, for: 9s, rate: 40/s}
scenarios:
  simple: {weight: 3, model: o3, prompt: simple, max_output_tokens: 40}
  plain: {model: o4, prompt: code, stream: false, max_output_tokens: 40}
client:
  retry: {attempts: 2, backoff: 10ms}
  breaker: {failure_rate: 30%, min_requests: 5, window: 2s, open_for: 100ms, max_open_for: 100ms}
generator: {late: 10s, late_share: 100%, loop_lag: 10s, drop_share: 100%}
guardrails: {max_usd: $50}
objectives: [errors.rate < 99%, ttft.p10 < 10s, latency.p10 < 20s]
"""
_FAULTS = "faults=[{kind: status, status: 503, probability: 15%}]"
_LINGER = "300"
"""Seconds that the test does not wait: a scrape of the verdict ends the run before."""


class Prometheus:
    """What it has scraped, asked by its API."""

    def __init__(self, url: str) -> None:
        self._url = url

    @property
    def ready(self) -> bool:
        try:
            with urlopen(f"{self._url}/-/ready", timeout=PATIENCE_S):
                return True
        except (URLError, ConnectionError):
            return False

    def query(self, expression: str, at_s: float | None = None) -> list[Any]:
        given = {"query": expression} | ({} if at_s is None else {"time": str(at_s)})
        answer = asked(f"{self._url}/api/v1/query?{urlencode(given)}")
        assert answer["status"] == "success"
        return answer["data"]["result"]

    def value(self, expression: str, at_s: float) -> float:
        ((_, value),) = (one["value"] for one in self.query(expression, at_s))
        return float(value)

    @property
    def judged_at_s(self) -> float | None:
        """When the verdict was scraped; None before."""
        found = self.query('relayload_run_state{state!="running"}[1h]')
        return max((at for one in found for at, value in one["values"] if value == "1"), default=None)


@contextmanager
def _prometheus(folder: Path, target: str, port: int) -> Iterator[Prometheus]:
    config = {
        "global": {"scrape_interval": "500ms", "scrape_timeout": "500ms"},
        "scrape_configs": [{"job_name": "relayload", "static_configs": [{"targets": [target]}]}],
    }
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
    address = f"127.0.0.1:{port}"
    command = ["prometheus", "--config.file=prometheus.yml", "--storage.tsdb.path=data"]
    with (folder / "prometheus.log").open("wb") as log:
        process = subprocess.Popen([*command, f"--web.listen-address={address}"], cwd=folder, stdout=log, stderr=log)
    try:
        found = Prometheus(f"http://{address}")
        wait_for(lambda: found.ready or process.poll() is not None)
        assert process.poll() is None, (folder / "prometheus.log").read_text()
        yield found
    finally:
        process.kill()
        process.wait(PATIENCE_S)


def test_a_real_prometheus_sees_what_the_summary_says(start: Start, port: int, tmp_path: Path) -> None:
    (tmp_path / "everything.yaml").write_text(_PROFILE)
    with FakeRelay.start(sets=[_FAULTS]) as relay:
        options = ["--set", f"target.base_url={relay.base_url}", "--out", "run"]
        metrics = ["--metrics-port", "0", "--metrics-linger", _LINGER]
        run = start("relayload", "run", "everything.yaml", *options, *metrics)
        wait_for(lambda: "metrics at http://" in run.output or run.popen.poll() is not None)
        target = urlsplit(run.output.partition("metrics at ")[2].split()[0]).netloc
        with _prometheus(tmp_path, target, port) as prometheus:
            wait_for(lambda: prometheus.judged_at_s is not None)
            assert run.wait() == 0, run.output
            at_s = prometheus.judged_at_s
            assert at_s is not None
            _check_queries(prometheus, at_s)
            _check_numbers(prometheus, at_s, saved(tmp_path / "run", "summary.json"))
            _check_objectives(prometheus, at_s, saved(tmp_path / "run", "verdict.json"))


def _check_queries(prometheus: Prometheus, at_s: float) -> None:
    silent = [(title, query) for title, query in expressions() if not prometheus.query(query, at_s)]
    assert not silent


def _check_numbers(prometheus: Prometheus, at_s: float, summary: Any) -> None:
    counts = summary["counts"]
    for name in ("offered", "started", "dropped", "lost", "attempts", "retries"):
        assert prometheus.value(f"sum(relayload_{name}_total)", at_s) == counts[name], name
    for outcome, count in counts["by_outcome"].items():
        assert prometheus.value(f'sum(relayload_requests_total{{outcome="{outcome}"}})', at_s) == count
    assert counts["dropped"]
    assert prometheus.value("relayload_cost_usd", at_s) == pytest.approx(float(summary["cost"]["usd"]))
    assert prometheus.value('sum(relayload_tokens_total{type="output"})', at_s) == summary["tokens"]["output"]
    for metric in ("latency", "ttft", "tpot"):
        for percentile in summary["by_stage"]["steady"]["metrics"][metric]["percentiles"]:
            _check_percentile(prometheus, at_s, metric, percentile)


def _check_percentile(prometheus: Prometheus, at_s: float, metric: str, percentile: Any) -> None:
    """Prometheus finds a percentile in the bucket where it is, or beside it where it lies within 0.4 % of the bound."""
    buckets = f'relayload_{metric}_seconds_bucket{{outcome="ok",stage="steady"}}'
    found = prometheus.value(f"histogram_quantile({percentile['p'] / 100}, sum by (le) ({buckets}))", at_s)
    bounds = (0.0, *BOUNDS_S, math.inf)
    number = next(number for number, bound in enumerate(bounds) if found <= bound)
    assert bounds[number - 1] * 0.996 <= percentile["value"] <= bounds[number] * 1.004


def _check_objectives(prometheus: Prometheus, at_s: float, verdict: Any) -> None:
    for objective in verdict["objectives"]:
        named = f'objective="{objective["id"]}"'
        state = objective["verdict"].lower()
        assert prometheus.value(f'relayload_objective_state{{{named},state="{state}"}}', at_s) == 1
        assert prometheus.value(f"relayload_objective_observed{{{named}}}", at_s) == objective["observed"]
        assert prometheus.value(f"relayload_objective_limit{{{named}}}", at_s) == objective["limit"]


def test_promtool_finds_nothing_to_lint(start: Start, profile: Callable[..., Path]) -> None:
    run = start("relayload", "run", profile(), "--metrics-port", "0", "--metrics-linger", _LINGER)
    wait_for(lambda: "metrics at http://" in run.output or run.popen.poll() is not None)
    url = run.output.partition("metrics at ")[2].split()[0]
    text = b""
    while b'relayload_run_state{state="pass"} 1' not in text:
        with urlopen(url, timeout=PATIENCE_S) as response:
            text = response.read()
    done = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b""), done.stdout
    assert run.wait() == 0
