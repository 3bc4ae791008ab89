"""Every metric of the catalog beside every reader: it is there, or its entry says why not."""

import re
from collections.abc import Mapping
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from relayload.core.comparison.measures import measures
from relayload.core.comparison.repeats import RunLine
from relayload.core.metrics.catalog import METRICS
from relayload.core.metrics.metric import Metric, Output
from relayload.core.metrics.side_by_side import Beside
from relayload.core.metrics.summary import Second, Summary
from relayload.core.model.progress import Progress
from relayload.core.model.record import Line, Record
from relayload.core.model.run import TargetInfo
from relayload.core.model.snapshot import Snapshot
from relayload.core.model.verdict import Verdict
from relayload.core.objectives.snapshots import SnapshotMaker
from relayload.core.stats.histogram import bucket
from relayload.report.markdown import render_markdown
from relayload.report.openmetrics import render_openmetrics
from relayload.report.otava import COLUMNS, METRIC_COLUMNS, row
from relayload.report.side_by_side import render_side_by_side
from relayload.report.text import render_summary

DISTRIBUTIONS = [metric for metric in METRICS.values() if metric.distribution]
NUMBERS = [metric for metric in METRICS.values() if not metric.distribution]
OBJECTIVES_PAGE = (Path(__file__).parents[2] / "docs" / "objectives.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def lines(request_line) -> list[Line]:
    """Fifty streams to each of two targets, in which every distribution was measured."""
    return [
        request_line(
            index,
            target=target,
            intended_at_s=float(index),
            service_s=0.5 + index % 7 / 100,
            ttft_s=0.1 + index % 5 / 100,
            ttfo_s=0.2,
            throttled_s=0.01,
            chunk_gaps=(bucket(0.04), 9),
        )
        for index in range(50)
        for target in ("direct", "relay")
    ]


@pytest.fixture(scope="module")
def run(judged, lines) -> tuple[Summary, Verdict]:
    targets = dict.fromkeys(("direct", "relay"), TargetInfo(base_url="http://127.0.0.1:1/v1"))
    return judged(["errors.rate < 1%"], lines, targets=targets, paired=True, offered=100)


@pytest.fixture(scope="module")
def snapshot(lines, make_run) -> Snapshot:
    maker = SnapshotMaker(0, [], make_run())
    maker.add(replace(line, throttled_s=0.0) if isinstance(line, Record) else line for line in lines)
    return maker.snapshot(100.0)


def _is_shown(metric: Metric, output: Output, summary: Summary, verdict: Verdict, snapshot: Snapshot) -> bool:
    """Whether a reader finds numbers of the metric there."""
    match output:
        case Output.SUMMARY:
            return metric.name in msgspec.to_builtins(summary)["metrics"]
        case Output.TABLES:
            return re.search(rf"^(all)? +{metric.label} +100 ", render_summary(summary), re.MULTILINE) is not None
        case Output.MARKDOWN:
            return f"| {metric.label} | 100 |" in render_markdown(summary, verdict)
        case Output.OPENMETRICS:
            return f'relayload_{metric.name}_seconds{{quantile="0.5"}} ' in render_openmetrics(summary, verdict)
        case Output.OTAVA:
            known = dict(zip(COLUMNS, row(summary, verdict), strict=True))
            return known.get(f"{metric.name}_p50_s", "nan") != "nan"
        case Output.COMPARISON:
            return f"{metric.name}.p50" in measures(summary, verdict)
        case Output.TIMELINE:
            return f"{metric.name}_p50_s" in msgspec.to_builtins(summary)["timeline"][0]
        case Output.SNAPSHOT:
            return metric.name in snapshot.slots[0].histograms
        case Output.SIDE_BY_SIDE:
            assert summary.comparison is not None
            return (
                re.search(rf"^{metric.label} +p50 ", render_side_by_side(summary.comparison), re.MULTILINE) is not None
            )


@pytest.mark.parametrize("output", Output)
@pytest.mark.parametrize("metric", DISTRIBUTIONS, ids=lambda metric: metric.name)
def test_a_distribution_is_shown_or_its_entry_says_why_not(
    metric: Metric, output: Output, run: tuple[Summary, Verdict], snapshot
):
    shown = _is_shown(metric, output, *run, snapshot)
    assert shown is (output not in metric.left_out), metric.left_out.get(output)


FIELDS_OF_PERCENTILES: Mapping[type[msgspec.Struct], str] = {
    Second: "{}_p50_s",
    Progress: "{}_p50_s",
    RunLine: "{}_p50_s",
    Beside: "{}",
}
"""Structs whose fields are part of a format: a metric that is to be shown there needs some more."""


@pytest.mark.parametrize("struct", FIELDS_OF_PERCENTILES)
@pytest.mark.parametrize("metric", DISTRIBUTIONS, ids=lambda metric: metric.name)
def test_structs_with_percentiles_have_those_of_the_timeline(metric: Metric, struct: type[msgspec.Struct]):
    field = FIELDS_OF_PERCENTILES[struct].format(metric.name)
    assert (field in struct.__struct_fields__) is metric.shown_in(Output.TIMELINE)


OF_AUDIT = ("usage", "model", "answers.checked")
IN_SUMMARY = {
    "errors": "errors",
    "retries": "counts.retries",
    "requests": "counts.started",
    "throughput": "rates.ok_per_s",
    "output_tokens": "rates.output_tokens_per_s",
    "breaker": "breaker.trips",
    "batch": "batch",
    "cost": "cost.usd",
    **dict.fromkeys(OF_AUDIT, "audit"),
}
IN_OPENMETRICS = {
    "errors": "requests",
    "retries": "retries",
    "requests": "started",
    "throughput": "ok_per_second",
    "output_tokens": "output_tokens_per_second",
}
IN_OTAVA = {
    "errors": "errors_rate",
    "throughput": "ok_per_s",
    "output_tokens": "output_tokens_per_s",
    "cost": "usd_per_ok",
}
_BY_OBJECTIVE = "an objective asks for it, so it is among those that were observed"
_NOT_COMPARABLE = "it depends on how much was sent: the rates and shares of a run can be compared"
OF_ANSWERS = ("tool_calls.valid", "structured_output.valid", "stream.broken", "stream.coalesced", "stall")
WHY_NOT = {
    ("goodput", "summary"): "without an objective there are no conditions, so it is in the verdict",
    ("goodput", "openmetrics"): _BY_OBJECTIVE,
    ("breaker", "openmetrics"): _BY_OBJECTIVE,
    ("batch", "openmetrics"): _BY_OBJECTIVE,
    ("cost", "openmetrics"): _BY_OBJECTIVE,
    ("retries", "otava"): _NOT_COMPARABLE,
    ("requests", "otava"): _NOT_COMPARABLE,
    ("breaker", "otava"): _NOT_COMPARABLE,
    ("batch", "otava"): _NOT_COMPARABLE,
    ("goodput", "otava"): "its conditions may differ from run to run",
    **{(name, output): _BY_OBJECTIVE for name in OF_AUDIT for output in ("openmetrics", "otava")},
    **{(name, output): _BY_OBJECTIVE for name in OF_ANSWERS for output in ("summary", "openmetrics", "otava")},
}


@pytest.mark.parametrize("metric", NUMBERS, ids=lambda metric: metric.name)
def test_a_number_of_the_run_is_shown_or_it_is_said_why_not(metric: Metric, run):
    summary, verdict = run
    shown = {
        "summary": metric.name in IN_SUMMARY and _has(msgspec.to_builtins(summary), IN_SUMMARY[metric.name]),
        "openmetrics": metric.name in IN_OPENMETRICS
        and f"\n# TYPE relayload_{IN_OPENMETRICS[metric.name]} " in render_openmetrics(summary, verdict),
        "otava": IN_OTAVA.get(metric.name) in METRIC_COLUMNS,
    }
    for output, there in shown.items():
        assert there is ((metric.name, output) not in WHY_NOT), output


def _has(written: dict, path: str) -> bool:
    for name in path.split("."):
        if name not in written:
            return False
        written = written[name]
    return True


@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)
def test_the_page_on_objectives_says_what_it_measures(metric: Metric):
    assert re.search(
        rf"^\| `{re.escape(metric.name)}` \|.*\| {re.escape(metric.help)}(, see below)? \|$",
        OBJECTIVES_PAGE,
        re.MULTILINE,
    )


def test_the_page_lists_metrics_in_the_order_of_the_catalog():
    assert re.findall(r"^\| `([\w.]+)` \| `", OBJECTIVES_PAGE, re.MULTILINE) == list(METRICS)
