import math

from msgspec import structs
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from relayload.report.openmetrics import render_openmetrics


def _samples(text: str) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    families = text_string_to_metric_families(text)
    return {(s.name, frozenset(s.labels.items())): s.value for family in families for s in family.samples}


def _of(**labels: str) -> frozenset[tuple[str, str]]:
    return frozenset(labels.items())


def test_a_report_is_read_by_a_parser_of_the_format(judged, some_lines):
    summary, verdict = judged(["latency.p50 < 1s", "errors.rate < 0.1%", "ttft.p99 < 1s"], some_lines)
    samples = _samples(render_openmetrics(summary, verdict))
    assert samples["relayload_exit_code", _of()] == 3
    assert samples["relayload_objective_state", _of(objective="latency.p50 < 1s", state="pass")] == 1
    assert samples["relayload_objective_state", _of(objective="latency.p50 < 1s", state="fail")] == 0
    assert samples["relayload_objective_state", _of(objective="errors.rate < 0.1%", state="pass")] == 0
    assert samples["relayload_objective_limit", _of(objective="errors.rate < 0.1%", unit="share")] == 0.001
    assert samples["relayload_objective_observed", _of(objective="errors.rate < 0.1%", unit="share")] == 0.01
    assert samples["relayload_objective_observed_low", _of(objective="errors.rate < 0.1%", unit="share")] < 0.01
    assert samples["relayload_offered_total", _of()] == 600
    assert samples["relayload_requests_total", _of(outcome="rate_limited")] == 6
    latency = summary.metrics.latency
    assert latency is not None
    assert samples["relayload_latency_seconds", _of(quantile="0.99")] == latency.percentiles[3].value
    assert samples["relayload_latency_seconds", _of(quantile="0.99", scenario="simple")] == latency.percentiles[3].value
    assert samples["relayload_latency_seconds_count", _of()] == 594
    assert math.isclose(samples["relayload_latency_seconds_sum", _of()], latency.mean * 594)


def test_what_was_not_measured_is_absent(judged):
    samples = _samples(render_openmetrics(*judged(["ttft.p99 < 1s"], [])))
    assert ("relayload_objective_state", _of(objective="ttft.p99 < 1s", state="fail")) in samples
    assert not any(name.startswith(("relayload_objective_observed", "relayload_ttft")) for name, _ in samples)


def test_labels_are_escaped(judged, some_lines):
    summary, verdict = judged([], some_lines)
    named = structs.replace(summary, by_scenario={'a "b"\\c\nd': summary.by_scenario["simple"]})
    samples = _samples(render_openmetrics(named, verdict))
    assert ("relayload_latency_seconds", _of(quantile="0.5", scenario='a "b"\\c\nd')) in samples


def test_each_count_says_what_it_counts(judged, some_lines):
    text = render_openmetrics(*judged([], some_lines))
    helps = dict(line.split(" ", 3)[2:] for line in text.splitlines() if line.startswith("# HELP"))
    assert helps["relayload_started"] == "Requests that were started."
    assert helps["relayload_attempts"] == "Tries on the wire."
    assert helps["relayload_retries"] == "Tries after the first of a request."


def test_the_name_of_a_key_is_a_label(judged, request_line):
    lines = [request_line(index, key=key) for index, key in enumerate(("a", "b", "a"))]
    samples = _samples(render_openmetrics(*judged(["errors{key=a}.rate < 1%"], lines, keys=("a", "b"))))
    assert samples["relayload_latency_seconds_count", _of(key="a")] == 2
    assert samples["relayload_latency_seconds_count", _of(key="b")] == 1
    assert samples["relayload_objective_observed", _of(objective="errors{key=a}.rate < 1%", unit="share")] == 0


def test_a_free_tag_is_a_label(judged, request_line):
    lines = [request_line(index, scenario=name) for index, name in enumerate(("chat", "code", "mail"))]
    tags = {"chat": {"team": "web"}, "mail": {"team": "web"}, "code": {"team": "ide"}}
    samples = _samples(render_openmetrics(*judged([], lines, tags=tags)))
    assert samples["relayload_latency_seconds_count", _of(team="web")] == 2
    assert samples["relayload_latency_seconds_count", _of(team="ide")] == 1
