"""The metrics of real runs, received by a collector that decodes them, and by some that misbehave."""

import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import psutil
import pytest
from otlp_receiver import Collector, Received, collector
from support import LOCUSTFILE, Start, relay_stats, saved, wait_for

import relayload
from relayload.fakerelay.process import FakeRelay

WriteProfile = Callable[..., Path]
_SECRET = "Bearer s3cr3t-t0ken"
_CUMULATIVE = 2
_OFTEN = ["--relay-otlp-interval", "0.1"]


@pytest.fixture
def taking() -> Iterator[Collector]:
    with collector() as found:
        yield found


def _states(received: Received) -> str:
    (state,) = (p for p in received.points("relayload.run.state") if p.as_int)
    return str(state.attributes[0].value.string_value)


@pytest.mark.parametrize("processes", [1, 2])
def test_a_collector_gets_the_state_while_the_run_goes_on_and_the_last_one(
    locust: Start, profile: WriteProfile, relay: FakeRelay, taking: Collector, tmp_path: Path, processes: int
) -> None:
    out = tmp_path / "run"
    options = ["--relay-set", f"target.base_url={relay.base_url}", "--relay-otlp", taking.url, *_OFTEN]
    run = locust("--relay-profile", profile(), "--relay-out", out, *options, processes=processes)
    assert run.wait() == 0, run.output
    *while_it_went, last = taking.received
    assert while_it_went
    assert {_states(one) for one in while_it_went} == {"running"}
    offered = [one.value("relayload.offered") for one in while_it_went]
    assert offered == sorted(offered)
    _check_agreement(last, saved(out, "summary.json"), saved(out, "verdict.json"), relay_stats(relay)["requests"])
    _check_resource(last, saved(out, "run.json"))
    assert last.path == "/v1/metrics"


def _check_agreement(last: Received, summary: Any, verdict: Any, sent: int) -> None:
    counts = summary["counts"]
    assert _states(last) == "pass"
    for name in ("offered", "started", "dropped", "lost", "attempts", "retries"):
        assert last.value(f"relayload.{name}") == counts[name]
    assert last.value("relayload.requests") == sent == counts["started"]
    for outcome, count in counts["by_outcome"].items():
        assert last.value("relayload.requests", outcome=outcome) == count
    tokens = summary["tokens"]
    for name, kind in (
        ("input_tokens", "input"),
        ("output_tokens", "output"),
        ("reasoning.output_tokens", "reasoning"),
    ):
        assert last.value("relayload.tokens", type=kind) == tokens[kind]
        assert last.value(f"gen_ai.client.inference.usage.{name}") == tokens[kind]
    for objective in verdict["objectives"]:
        labels = {"objective": objective["id"]}
        assert last.value("relayload.objective.state", state=objective["verdict"].lower(), **labels) == 1
        assert last.value("relayload.objective.limit", **labels) == objective["limit"]
        assert last.value("relayload.objective.observed", **labels) == objective["observed"]
    latency = summary["by_stage"]["steady"]["metrics"]["latency"]
    points = last.points("relayload.latency", stage="steady", outcome="ok")
    assert sum(point.count for point in points) == latency["count"]
    assert sum(point.sum for point in points) == pytest.approx(latency["mean"] * latency["count"], rel=0.004)
    for point in points:
        assert sum(point.positive.bucket_counts) + point.zero_count == point.count
    durations = last.points("gen_ai.client.inference.duration")
    assert sum(point.count for point in durations) == counts["started"]


def _check_resource(last: Received, run: Any) -> None:
    told = {name: value for name, value in last.resource.items() if not name.startswith("telemetry.sdk")}
    assert told == {
        "service.name": "relayload",
        "service.instance.id": str(UUID(run["uid"])),
        "service.version": relayload.__version__,
        "relayload.run.id": run["run_id"],
        "relayload.profile": run["profile"]["name"],
    }
    assert last.scopes == ["relayload"]
    assert last.metrics["relayload.latency"].exponential_histogram.aggregation_temporality == _CUMULATIVE
    assert last.metrics["relayload.requests"].sum.aggregation_temporality == _CUMULATIVE
    assert last.metrics["relayload.requests"].sum.is_monotonic
    (point, *_) = last.points("relayload.latency")
    assert point.start_time_unix_nano < point.time_unix_nano


def test_relayload_run_sends_and_headers_stay_secret(
    start: Start, profile: WriteProfile, taking: Collector, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    headers = {"OTEL_EXPORTER_OTLP_HEADERS": f"authorization={_SECRET},x-tenant=a"}
    run = start("relayload", "run", profile(), "--otlp", taking.url, "--out", out, "-v", **headers)
    assert run.wait() == 0, run.output
    assert f"otlp: sending metrics to {taking.url}/v1/metrics every 10s" in run.output
    assert _states(taking.received[-1]) == "pass"
    sent = {name.lower(): value for name, value in taking.received[-1].headers.items()}
    assert (sent["authorization"], sent["x-tenant"]) == (_SECRET, "a")
    written = run.output.encode() + b"".join(path.read_bytes() for path in out.rglob("*") if path.is_file())
    assert b"s3cr3t" not in written


@pytest.mark.parametrize(
    ("variable", "suffix", "path"),
    [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "", "/v1/metrics"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "/base/", "/base/v1/metrics"),
        ("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "/own", "/own"),
    ],
)
def test_the_environment_alone_is_enough(
    start: Start, profile: WriteProfile, taking: Collector, variable: str, suffix: str, path: str
) -> None:
    named = {"OTEL_SERVICE_NAME": "load", "OTEL_RESOURCE_ATTRIBUTES": "team=a", "OTEL_METRIC_EXPORT_INTERVAL": "100"}
    run = start("relayload", "run", profile(), **{variable: taking.url + suffix}, **named)
    assert run.wait() == 0, run.output
    assert len(taking.received) > 1
    last = taking.received[-1]
    assert last.path == path
    assert (last.resource["service.name"], last.resource["team"]) == ("load", "a")


def test_metrics_are_switched_off_as_elsewhere(start: Start, profile: WriteProfile, taking: Collector) -> None:
    environ = {"OTEL_EXPORTER_OTLP_ENDPOINT": taking.url, "OTEL_METRICS_EXPORTER": "none"}
    run = start("relayload", "run", profile(), **environ)
    assert run.wait() == 0, run.output
    assert taking.requests == 0


def _with_status(status: int) -> Callable[[Collector], None]:
    return lambda found: setattr(found, "status", status)


@pytest.mark.parametrize(
    ("prepare", "why"),
    [
        (_with_status(500), "it answered with status 500"),
        (_with_status(401), "it answered with status 401"),
        (_with_status(302), "it redirected to elsewhere.example, which is not followed"),
        (lambda found: setattr(found, "rejected", 7), r"it refused 7 points: too many \x1b[31mseries"),
    ],
)
def test_a_collector_that_refuses_is_told_once_and_changes_no_verdict(
    locust: Start, profile: WriteProfile, prepare: Callable[[Collector], None], why: str
) -> None:
    with collector(prepare) as refusing:
        run = locust("--relay-profile", profile(), "--relay-otlp", refusing.url, *_OFTEN)
        assert run.wait() == 0, run.output
        told = f"otlp: metrics did not arrive at {refusing.url}/v1/metrics: {why}; the run goes on"
        assert run.output.count(told) == 1
        exports = refusing.requests
    failed = f"otlp: {exports} of {exports} exports to {refusing.url}/v1/metrics failed, and the last state did not"
    assert f"{failed} arrive: {why}" in run.output
    assert "PASS" in run.output


def test_a_collector_that_is_not_there_is_told(start: Start, profile: WriteProfile, port: int, tmp_path: Path) -> None:
    environ = {"OTEL_EXPORTER_OTLP_TIMEOUT": "0.5"}
    run = start("relayload", "run", profile(), "--otlp", f"http://127.0.0.1:{port}", **environ)
    assert run.wait() == 0, run.output
    assert "the last state did not arrive: it can't be reached, or hung up" in run.output


def test_a_collector_that_does_not_answer_holds_up_neither_load_nor_end(
    locust: Start, profile: WriteProfile, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    options = ["--relay-out", out, *_OFTEN]
    with collector(lambda found: found.held.clear()) as silent:
        environ = {"OTEL_EXPORTER_OTLP_TIMEOUT": "1"}
        run = locust("--relay-profile", profile(), "--relay-otlp", silent.url, *options, **environ)
        assert run.wait() == 0, run.output
        assert not silent.received
    assert "and the last state did not arrive: it" in run.output
    counts = saved(out, "summary.json")["counts"]
    assert counts["started"] == counts["offered"] == counts["ok"]


def test_the_last_state_arrives_after_a_signal(locust: Start, profile: WriteProfile, taking: Collector) -> None:
    run = locust("--relay-profile", profile(seconds=100), "--relay-otlp", taking.url, *_OFTEN)
    wait_for(lambda: taking.received and taking.received[-1].value("relayload.requests"))
    run.signal(signal.SIGTERM)
    assert run.wait() == 143, run.output
    assert _states(taking.received[-1]) != "running"
    assert "otlp: metrics did not arrive" not in run.output


def test_a_process_that_sends_no_more_is_told_and_replaced(
    locust: Start, profile: WriteProfile, taking: Collector
) -> None:
    run = locust("--relay-profile", profile(seconds=100), "--relay-otlp", taking.url, *_OFTEN)
    wait_for(lambda: taking.received)
    (sender,) = (
        child for child in psutil.Process(run.popen.pid).children() if "relayload.otlp_sender" in child.cmdline()
    )
    sender.kill()
    wait_for(lambda: "the process that sends is gone; the run goes on" in run.output)
    known = len(taking.received)
    wait_for(lambda: len(taking.received) > known)
    run.signal(signal.SIGTERM)
    assert run.wait() == 143, run.output
    assert _states(taking.received[-1]) != "running"


@pytest.mark.parametrize("semconv", ["otel-1.41", "none"])
def test_the_profile_chooses_the_names(locust: Start, profile: WriteProfile, taking: Collector, semconv: str) -> None:
    run = locust("--relay-profile", profile(more=f"telemetry: {{semconv: {semconv}}}\n"), "--relay-otlp", taking.url)
    assert run.wait() == 0, run.output
    names = {name for name in taking.received[-1].metrics if name.startswith("gen_ai.")}
    old = {"gen_ai.client.operation.duration", "gen_ai.client.operation.time_to_first_chunk"}
    assert names == (old | {"gen_ai.client.token.usage"} if semconv == "otel-1.41" else set())


def test_locusts_own_exporter_gets_counters_and_gauges(
    start: Start, profile: WriteProfile, taking: Collector, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    environ = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": taking.url,
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
        "OTEL_METRIC_EXPORT_INTERVAL": "100",
        "OTEL_TRACES_EXPORTER": "none",
        "OTEL_LOGS_EXPORTER": "none",
    }
    command = ["locust", "-f", LOCUSTFILE, "--headless", "--only-summary", "--otel"]
    run = start(*command, "--relay-profile", profile(), "--relay-out", out, anew=True, **environ)
    assert run.wait() == 0, run.output
    last, counts = taking.received[-1], saved(out, "summary.json")["counts"]
    assert sorted(last.scopes) == ["locust", "relayload"]
    assert last.value("relayload.requests") == counts["started"]
    assert last.value("relayload.run.state", state="pass") == 1
    assert "relayload.latency" not in last.metrics
    assert last.resource["service.name"] == "locust"


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--relay-otlp", "collector:4318"], "expected the URL of a collector, such as http://"),
        (["--relay-otlp", "http://user:s3cr3t@collector:4318"], "without credentials"),
        (["--relay-otlp", "http://collector", "--relay-otlp-interval", "0"], "write seconds from 0.1 to 3600"),
        (["--relay-otlp-interval", "5"], "the interval needs the URL of a collector"),
    ],
)
def test_wrong_options_are_told_with_what_to_write(
    locust: Start, profile: WriteProfile, options: list[str], told: str
) -> None:
    run = locust("--relay-profile", profile(), *options)
    assert run.wait() == 2, run.output
    assert told in run.output
    assert "s3cr3t" not in run.output.replace("http://user:s3cr3t@collector:4318", "")
