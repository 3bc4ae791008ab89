import pytest
from support import present

from relayload.core.metrics.metric import Unit
from relayload.core.metrics.time_bins import Bins
from relayload.core.model.objective_options import ObjectiveOptions
from relayload.core.model.record import Outcome
from relayload.core.model.run import StageInfo
from relayload.core.objectives.grammar import parse, with_options
from relayload.core.objectives.objective_series import objective_series

BINS = Bins(10.0, 3)
RUN = {"stages": (StageInfo(name="steady", for_s=30.0),), "ended_at_s": 30.0}
FAILED = {"outcome": Outcome.SERVER_ERROR, "error": "http_500", "status": 500}


@pytest.fixture
def lines(request_line):
    """One a second: 0.5 s in the first ten, 1.5 s in the next ten, and every second one failed in the last."""
    return [
        *(request_line(index, service_s=0.5 if index < 10 else 1.5) for index in range(20)),
        *(request_line(index, service_s=0.5, **(FAILED if index % 2 else {})) for index in range(20, 30)),
    ]


def _series(text, lines, indicators, make_run, **options):
    objective = parse(text)
    if options:
        objective = with_options(objective, ObjectiveOptions(**options))
    return objective_series(objective, indicators([objective], lines, make_run(**RUN)), BINS)


def test_a_percentile_shows_the_share_that_breaks_its_limit(lines, indicators, make_run):
    series = _series("latency.p90 < 1s", lines, indicators, make_run)
    assert (series.what, series.unit) == ("beyond the limit", Unit.SHARE)
    assert series.limit == pytest.approx(0.1)
    assert series.values == (0.0, 1.0, 0.5)
    assert series.requests == (10, 10, 10)


def test_a_percentile_of_one_scenario_has_its_requests_alone(lines, indicators, make_run, request_line):
    other = [request_line(100 + index, scenario="other", intended_at_s=1.0) for index in range(5)]
    series = _series("latency{scenario=other}.p90 < 1s", [*lines, *other], indicators, make_run)
    assert series.values == (0.0, None, None)
    assert series.requests == (5, 0, 0)


def test_an_error_rate_shows_itself(lines, indicators, make_run):
    series = _series("errors.rate < 1%", lines, indicators, make_run)
    assert (series.what, series.limit, series.values) == ("failed", 0.01, (0.0, 0.0, 0.5))


def test_goodput_shows_what_its_lower_limit_leaves(lines, indicators, make_run):
    series = _series("goodput{latency<1s}.rate > 90%", lines, indicators, make_run)
    assert series.what == "not good"
    assert series.limit == pytest.approx(0.1)
    assert series.values == (0.0, 1.0, 0.5)


def test_a_mean_shows_itself(lines, indicators, make_run):
    series = _series("latency.avg < 2s", lines, indicators, make_run)
    assert (series.what, series.limit) == ("mean latency", 2.0)
    assert series.values == pytest.approx((0.501, 1.501, 0.501))


def test_a_rate_counts_where_requests_ended(lines, indicators, make_run):
    series = _series("throughput.per_second > 0.5/s", lines, indicators, make_run)
    assert series.values == pytest.approx((1.0, 0.9, 0.6))


def test_windows_count_where_they_begin(lines, indicators, make_run):
    series = _series("latency.p90 < 1s", lines, indicators, make_run, over_s=15.0)
    assert series.requests == (15, 15, 0)
    assert series.values == (pytest.approx(5 / 15), pytest.approx(10 / 15), None)


@pytest.mark.parametrize("text", ["errors.count < 5", "requests.count > 5", "errors.rate > 5%"])
def test_what_has_no_meaning_within_a_bin_has_no_series(text, lines, indicators, make_run):
    assert _series(text, lines, indicators, make_run) is None


def test_the_bins_add_up_to_the_verdict(lines, indicators, make_run):
    objective = parse("latency.p90 < 1s")
    found = indicators([objective], lines, make_run(**RUN))
    series = present(objective_series(objective, found, BINS))
    bad = found.bad(objective)
    shares = zip(series.values, series.requests, strict=True)
    assert sum(round((share or 0) * n) for share, n in shares) == bad.at_most.k
    assert sum(series.requests) == bad.n
