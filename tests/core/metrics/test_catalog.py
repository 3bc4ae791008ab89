import math

import pytest

from relayload.core.metrics.catalog import METRICS, PER_CHUNK, PER_REQUEST, shown_in
from relayload.core.metrics.columns import Columns
from relayload.core.metrics.condensed import Condensed
from relayload.core.metrics.metric import Output, Per
from relayload.core.metrics.reading import OfAnswer, OfRequest, output_rate
from relayload.core.metrics.rows import Rows
from relayload.core.model.record import Attempt, Record
from relayload.core.stats.ranks import together

STREAMED = {
    "throttled_s": 0.3,
    "service_s": 2.0,
    "ttft_s": 0.5,
    "ttfo_s": 0.75,
    "last_token_s": 2.0,
    "output_tokens": 16,
    "streamed_tokens": 16,
}
VALUES = {
    "latency": 2.001,
    "service": 2.0,
    "ttft": 0.5,
    "ttfo": 0.75,
    "tpot": 0.1,
    "late": 0.001,
    "throttled": 0.3,
    "output_rate": 8.0,
}
"""What a request like that has of each metric."""


@pytest.fixture
def columns(request_line) -> Columns:
    records = [request_line(index, **STREAMED) for index in range(3)]
    columns = Columns()
    columns.extend(Rows(records, [record.attempts[-1] for record in records]))
    return columns


def test_every_metric_of_requests_is_read_from_records(columns: Columns):
    assert {name: columns[name].tolist() for name in PER_REQUEST} == {
        name: [value] * 3 for name, value in VALUES.items()
    }


def test_every_metric_of_requests_is_kept_of_more_requests_than_are_kept_each(columns: Columns):
    condensed = Condensed(1.0)
    condensed.add(columns)
    found = {name: together([condensed.ordered(name)]).at(1) for name in PER_REQUEST}
    assert found == pytest.approx(VALUES, rel=0.004)


@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)
def test_what_an_entry_reads_is_there_to_be_read(metric):
    holder = {OfRequest: Record, OfAnswer: Attempt}.get(type(metric.reading))
    assert holder is None or metric.reading.field in holder.__struct_fields__
    assert (metric.reading is not None) is (metric.name in PER_REQUEST)


def test_attempts_record_one_kind_of_value_per_chunk():
    assert list(PER_CHUNK) == ["chunk_gap"], "another one needs a field of its own in Attempt, and its own GapCounts"


@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)
def test_an_entry_says_what_it_measures_and_why_it_is_left_out(metric):
    assert metric.help
    assert metric.label
    assert all(reason for reason in metric.left_out.values())
    assert metric.distribution or not metric.left_out
    assert {*metric.windowless, *metric.provable} <= {*metric.aggregates}
    assert metric.distribution or metric.per is not Per.CHUNK


@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)
def test_what_is_not_in_a_summary_is_in_nothing_that_is_made_of_one(metric):
    assert Output.SUMMARY not in metric.left_out or {*metric.left_out} == {*Output}


@pytest.mark.parametrize(
    ("output", "names"),
    [
        (Output.SUMMARY, "latency service ttft ttfo tpot chunk_gap late throttled"),
        (Output.OPENMETRICS, "latency service ttft ttfo tpot chunk_gap late"),
        (Output.TABLES, "latency ttft tpot"),
        (Output.MARKDOWN, "latency ttft tpot"),
        (Output.OTAVA, "latency ttft tpot"),
        (Output.COMPARISON, "latency ttft"),
        (Output.TIMELINE, "latency ttft"),
        (Output.SIDE_BY_SIDE, "latency ttft"),
    ],
)
def test_outputs_show_metrics_in_the_order_that_their_readers_know(output: Output, names: str):
    assert [metric.name for metric in shown_in(output)] == names.split()


@pytest.mark.parametrize(
    ("ttft", "last_token", "rate"), [(0.5, 2.0, 5.0), (math.nan, math.nan, 2.5), (0.0, 0.0, math.nan)]
)
def test_output_tokens_are_counted_until_the_last_of_them_or_else_the_last_byte(ttft, last_token, rate):
    columns = {"service": [4.0], "ttft": [ttft], "last_token": [last_token], "output_tokens": [10.0]}
    assert output_rate(columns.__getitem__) == pytest.approx([rate], nan_ok=True)
