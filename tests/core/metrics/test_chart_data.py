import math
from decimal import Decimal

import pytest
from msgspec import structs

from relayload.core.metrics.chart_data import chart_data
from relayload.core.metrics.decode_rate import decoded_in
from relayload.core.metrics.percentile_bands import bands_of
from relayload.core.metrics.selection import Selection
from relayload.core.metrics.summarize import summarize
from relayload.core.metrics.tails import tail_of
from relayload.core.metrics.time_bins import MOST_BINS, Bins
from relayload.core.metrics.values_by_bin import ByBin
from relayload.core.model.record import Attempt, FailureKind, Outcome
from relayload.core.model.run import StageInfo
from relayload.core.price import Price

REFUSED = {"outcome": Outcome.RATE_LIMITED, "error": "http_429", "status": 429}


def _charts(fold, run):
    return chart_data(fold, summarize(fold, run))


@pytest.mark.parametrize(
    ("last_s", "step_s", "count"),
    [(0.2, 1, 1), (239, 1, 240), (240, 2, 121), (3599, 20, 180), (200_000, 1200, 167), (4e6, 28800, 139)],
)
def test_bins_are_round_and_few_whatever_the_length_of_the_run(request_line, folded, last_s, step_s, count):
    bins = Bins.of(folded([request_line(0, intended_at_s=float(last_s))]))
    assert (bins.step_s, bins.count) == (step_s, count)
    assert bins.count <= MOST_BINS


def test_bins_of_condensed_requests_are_whole_slots(request_line, folded):
    fold = folded([request_line(index, intended_at_s=index * 10.0) for index in range(400)], most_exact=10)
    assert fold.condensed
    assert Bins.of(fold).step_s % fold.slot_s == 0


def test_what_lies_outside_counts_in_the_nearest_bin():
    assert [Bins(2.0, 3).number(at_s) for at_s in (-1.0, 0.0, 1.9, 2.0, 5.9, 99.0)] == [0, 0, 0, 1, 2, 2]


def test_requests_are_in_flight_from_when_they_are_due_until_they_end(request_line, make_run, folded):
    fold = folded([request_line(0, service_s=2.2), request_line(1, service_s=0.3), request_line(2, service_s=0.3)])
    assert _charts(fold, make_run()).in_flight == (1, 1, 0)


def test_nothing_is_in_flight_at_the_end(request_line, make_run, folded):
    fold = folded([request_line(index, service_s=index % 7 + 0.25) for index in range(300)])
    data = _charts(fold, make_run(ended_at_s=300.0))
    assert data.in_flight[-1] == 0
    assert sum(data.ended) == 300


def test_percentiles_of_a_bin_are_those_of_the_ok_requests_that_were_due_in_it(request_line, folded):
    slow = [request_line(index, intended_at_s=1.0 + index / 100, service_s=index / 100) for index in range(1, 100)]
    fold = folded([request_line(0), *slow, request_line(200, intended_at_s=0.5, **REFUSED)])
    bands = bands_of(ByBin(fold, "latency", Bins(1.0, 3)))
    assert bands is not None
    assert bands.counts == (1, 99, 0)
    assert bands.percentiles[50.0] == (pytest.approx(0.501), pytest.approx(0.501), None)
    assert bands.percentiles[99.0][1] == pytest.approx(0.991)


def test_the_heat_map_counts_every_value_once(request_line, folded):
    fold = folded([request_line(index, service_s=1.5**index / 1000) for index in range(30)])
    bands = bands_of(ByBin(fold, "latency", Bins(10.0, 3)))
    assert bands is not None
    assert tuple(map(sum, bands.heat)) == bands.counts == (10, 10, 10)
    assert list(bands.edges) == sorted(bands.edges)


def test_equal_values_have_one_row(request_line, folded):
    bands = bands_of(ByBin(folded([request_line(index) for index in range(3)]), "ttft", Bins(1.0, 3)))
    assert bands is not None
    assert bands.heat == ((1,), (1,), (1,))


def test_bands_of_histograms_are_within_their_error(request_line, folded):
    lines = [request_line(index, intended_at_s=index / 10, service_s=0.1 + index / 100) for index in range(500)]
    exact, condensed = (folded(lines, most_exact=most) for most in (1000, 10))
    each = [bands_of(ByBin(fold, "latency", Bins(10.0, 5))) for fold in (exact, condensed)]
    assert each[0] is not None
    assert each[1] is not None
    for p, values in each[0].percentiles.items():
        assert each[1].percentiles[p] == pytest.approx(values, rel=0.004)


def test_a_metric_that_nothing_has_has_no_band_and_no_tail(request_line, folded, make_run):
    fold = folded([request_line(0, ttft_s=None, ttfo_s=None)])
    assert bands_of(ByBin(fold, "ttft", Bins(1.0, 1))) is None
    data = _charts(fold, make_run())
    assert (set(data.bands), set(data.tails)) == ({"latency"}, {"latency"})


def test_the_tail_agrees_with_the_percentiles_of_the_summary(request_line, folded, make_run):
    fold = folded(
        [request_line(index, intended_at_s=index / 20, service_s=0.1 + index % 977 / 1000) for index in range(2000)]
    )
    summary = summarize(fold, make_run())
    assert summary.metrics.latency is not None
    tail = chart_data(fold, summary).tails["latency"]
    by_p = {point.p: point for point in tail.points}
    for percentile in summary.metrics.latency.percentiles:
        own = by_p[percentile.p]
        assert (own.value, own.low, own.high) == (percentile.value, percentile.low, percentile.high)
    assert tail.most == summary.metrics.latency.max


def test_the_tail_ends_where_no_value_is_left_beyond(request_line, folded):
    tail = tail_of(Selection(folded([request_line(index) for index in range(100)]).by_tags), "latency")
    assert tail is not None
    assert tail.points[-1].p == 99.0
    assert tail.curve[-1][0] == 99.0


def test_tokens_are_spread_from_the_first_to_the_last(request_line, folded):
    # Sent at 1 ms with the first of 100 tokens at 1.001 s and the last one at 4.001 s.
    fold = folded([request_line(0, service_s=4.0, ttft_s=1.0, last_token_s=4.0, output_tokens=90)])
    rates = decoded_in([tagged.columns for tagged in fold.by_tags.values()], Bins(1.0, 5))
    assert rates == pytest.approx([0.0, 29.97, 30.0, 30.0, 0.03])


def test_tokens_that_came_at_once_count_then(request_line, folded):
    plain = request_line(0, service_s=1.5, ttft_s=None, output_tokens=7)
    at_once = request_line(2, service_s=1.5, ttft_s=0.5, last_token_s=0.5, output_tokens=4)
    fold = folded([plain, at_once])
    rates = decoded_in([tagged.columns for tagged in fold.by_tags.values()], Bins(1.0, 4))
    assert rates == [0, 7, 4, 0]


def test_no_token_is_lost_or_made_up(request_line, folded, make_run):
    lines = [request_line(index, service_s=0.2 + index % 13, output_tokens=index + 1) for index in range(200)]
    for most_exact in (1000, 10):
        data = _charts(folded(lines, most_exact=most_exact), make_run(ended_at_s=200.0))
        assert sum(data.output_tokens) == pytest.approx(200 * 201 / 2)
        assert data.spread_by_ends is (most_exact == 10)


def test_errors_have_their_kind_and_when_they_were_seen(request_line, folded, make_run):
    lines = [
        request_line(0),
        request_line(3, service_s=0.1, **REFUSED),
        request_line(7, service_s=0.1, **REFUSED),
        request_line(5, outcome=Outcome.TIMED_OUT, error="total_timeout"),
    ]
    first, second = _charts(folded(lines), make_run()).errors
    assert (first.outcome, first.error, first.status, first.first_s, first.last_s) == (
        "rate_limited",
        "http_429",
        429,
        3,
        7,
    )
    assert first.ended_in == (0, 0, 0, 1, 0, 0, 0, 1)
    assert (second.outcome, second.first_s, second.last_s) == ("timed_out", 5, 5)


def test_retries_and_waits_are_where_they_were(request_line, folded, make_run):
    tried = Attempt(outcome=Outcome.SERVER_ERROR, kind=FailureKind.SERVER_ERROR, sent_at_s=0.1, service_s=0.2)
    retried = request_line(0, retried=(tried,), sent_at_s=2.5, latency_s=3.0)
    waited = [request_line(index, throttled_s=wait_s) for index, wait_s in ((1, 0.5), (2, 0.0))]
    data = _charts(folded([retried, *waited]), make_run())
    assert data.retries == (0, 0, 1)
    assert data.quota_waits is not None
    assert data.quota_waits.requests == (0, 1, 0)
    assert data.quota_waits.seconds == (0.0, 0.5, 0.0)


def test_without_waits_there_are_none(request_line, folded, make_run):
    assert _charts(folded([request_line(0)]), make_run()).quota_waits is None


def test_the_dollars_add_up_to_the_cost(request_line, folded, make_run):
    run = make_run(prices={"o3": Price(input=Decimal(10), output=Decimal(20))})
    fold = folded([request_line(index) for index in range(50)], run=run)
    summary = summarize(fold, run)
    usd = chart_data(fold, summary).usd
    assert usd is not None
    assert usd[-1] == pytest.approx(float(summary.cost.usd or 0))
    assert list(usd) == sorted(usd)


def test_without_a_price_there_are_no_dollars(request_line, folded, make_run):
    assert _charts(folded([request_line(0)]), make_run()).usd is None


def test_a_run_without_requests_has_empty_series(folded, make_run, end_line):
    data = _charts(folded([end_line(0)]), make_run(stages=(StageInfo(name="a", for_s=1.0),)))
    assert data.in_flight == (0,)
    assert not data.bands
    assert not data.slowest


def test_folds_of_parts_have_the_slowest_of_the_whole(request_line, folded):
    lines = [request_line(index, service_s=math.sin(index) + 2) for index in range(400)]
    whole, left, right = folded(lines), folded(lines[::2]), folded(lines[1::2])
    left.merge(right)
    assert left.slowest.records == whole.slowest.records
    assert len(whole.slowest.records) == 50
    assert whole.slowest.records[0].latency_s == max(record.latency_s for record in lines)


def test_equally_slow_requests_are_in_the_order_of_the_schedule(request_line, folded):
    lines = [structs.replace(request_line(index), latency_s=1.0) for index in range(120)]
    fold = folded(reversed(lines))
    assert [record.index for record in fold.slowest.records] == list(range(50))
