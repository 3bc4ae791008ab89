from typing import Any

import pytest

from relayload.core.metrics.catalog import METRICS
from relayload.core.metrics.metric import Unit
from relayload.core.model.objective_options import ObjectiveOptions, Severity
from relayload.core.objectives.grammar import objective_of, parse, with_options
from relayload.core.objectives.objective import Condition, Objective, Op, Tag
from relayload.core.objectives.validation import unknown_names, within_scenario


@pytest.mark.parametrize(
    ("text", "metric", "aggregate", "op", "limit", "unit"),
    [
        ("ttft.p99 < 120ms", "ttft", "p99", Op.BELOW, 0.120, Unit.SECONDS),
        ("latency.p99.9 <= 1m30s", "latency", "p99.9", Op.AT_MOST, 90.0, Unit.SECONDS),
        ("tpot.avg<20ms", "tpot", "avg", Op.BELOW, 0.020, Unit.SECONDS),
        ("service.max <= 2s", "service", "max", Op.AT_MOST, 2.0, Unit.SECONDS),
        ("late . p95 < 5ms", "late", "p95", Op.BELOW, 0.005, Unit.SECONDS),
        ("output_rate.p5 > 20/s", "output_rate", "p5", Op.ABOVE, 20.0, Unit.PER_SECOND),
        ("errors.rate < 1%", "errors", "rate", Op.BELOW, 0.01, Unit.SHARE),
        ("errors.count == 0", "errors", "count", Op.EQUAL, 0.0, Unit.COUNT),
        ("requests.count >= 1000", "requests", "count", Op.AT_LEAST, 1000.0, Unit.COUNT),
        ("throttled.p99 < 2s", "throttled", "p99", Op.BELOW, 2.0, Unit.SECONDS),
        ("retries.rate < 20%", "retries", "rate", Op.BELOW, 0.2, Unit.SHARE),
        ("retries.count <= 5", "retries", "count", Op.AT_MOST, 5.0, Unit.COUNT),
        ("breaker.trips == 0", "breaker", "trips", Op.EQUAL, 0.0, Unit.COUNT),
        ("breaker.open_time < 1m", "breaker", "open_time", Op.BELOW, 60.0, Unit.SECONDS),
        ("breaker.opened_after < 10s", "breaker", "opened_after", Op.BELOW, 10.0, Unit.SECONDS),
        ("breaker.recovered_after < 90s", "breaker", "recovered_after", Op.BELOW, 90.0, Unit.SECONDS),
        ("throughput.per_second >= 4.5", "throughput", "per_second", Op.AT_LEAST, 4.5, Unit.PER_SECOND),
        ("cost.usd < $2", "cost", "usd", Op.BELOW, 2.0, Unit.USD),
        ("cost.usd <= 0.01", "cost", "usd", Op.AT_MOST, 0.01, Unit.USD),
        ("output_tokens.per_second > 6000/min", "output_tokens", "per_second", Op.ABOVE, 100.0, Unit.PER_SECOND),
    ],
)
def test_an_objective_is_read(text: str, metric: str, aggregate: str, op: Op, limit: float, unit: Unit):
    near: Any = pytest.approx(limit)
    assert parse(text) == Objective(text, metric, aggregate, op, near, unit)


def test_tags_narrow_a_metric():
    objective = parse("latency{scenario=simple, model = o3-mini,stage!=ramp, outcome=ok}.p50 <= 50ms")
    assert objective.tags == (
        Tag("scenario", "simple"),
        Tag("model", "o3-mini"),
        Tag("stage", "ramp", negated=True),
        Tag("outcome", "ok"),
    )
    assert objective.tagged("stage") == (Tag("stage", "ramp", negated=True),)


@pytest.mark.parametrize("kind", ["rate_limited", "server_error", "429", "503", "quota_exhausted", "auth"])
def test_errors_are_told_apart_by_outcome_or_status(kind: str):
    assert parse(f"errors{{kind={kind}}}.count == 0").tags == (Tag("kind", kind),)


def test_some_metrics_have_two_words():
    objective = parse("tool_calls.valid{scenario=a}.rate >= 99%")
    assert (objective.metric, objective.aggregate, objective.limit) == ("tool_calls.valid", "rate", 0.99)
    assert (objective.budget, objective.bounds_what_is_bad) == (pytest.approx(0.01), True)


def test_a_stall_is_bounded_by_a_condition():
    (condition,) = parse("stall{stage=a, chunk_gap >= 1.5s}.count == 0").conditions
    assert (condition.metric, condition.op, condition.limit) == ("chunk_gap", Op.AT_LEAST, 1.5)


def test_goodput_tells_what_a_good_request_is():
    objective = parse("goodput{ttft<200ms, scenario=simple, tpot <= 0.02s,output_rate>5/s}.rate >= 95%")
    assert objective.tags == (Tag("scenario", "simple"),)
    assert objective.conditions == (
        Condition("ttft", Op.BELOW, 0.2, "ttft<200ms"),
        Condition("tpot", Op.AT_MOST, 0.02, "tpot <= 0.02s"),
        Condition("output_rate", Op.ABOVE, 5.0, "output_rate>5/s"),
    )
    assert parse("goodput{latency<1s}.per_second > 3").unit is Unit.PER_SECOND


@pytest.mark.parametrize(
    ("text", "own"),
    [
        ("ttft.p99.9 < 0.2s", "ttft{scenario=a}.p99.9 < 0.2s"),
        ("errors{kind=429}.rate < 1%", "errors{scenario=a, kind=429}.rate < 1%"),
        ("goodput{ttft<0.2s, model=o3}.rate >= 95%", "goodput{scenario=a, model=o3, ttft<0.2s}.rate >= 95%"),
        ("goodput.rate >= 95%", "goodput{scenario=a}.rate >= 95%"),
        ("tool_calls.valid.rate >= 95%", "tool_calls.valid{scenario=a}.rate >= 95%"),
        ("stall{chunk_gap>2s}.count == 0", "stall{scenario=a, chunk_gap>2s}.count == 0"),
    ],
)
def test_an_objective_of_a_scenario_is_on_that_scenario_alone(text: str, own: str):
    assert within_scenario(parse(text), "a") == parse(own)


@pytest.mark.parametrize(
    ("text", "quantile"),
    [("ttft.p99 < 1s", 0.99), ("ttft.p99.95 < 1s", 0.9995), ("ttft.min < 1s", 0.0), ("ttft.max < 1s", 1.0)],
)
def test_percentiles_and_extremes_are_quantiles(text: str, quantile: float):
    assert parse(text).quantile == pytest.approx(quantile, abs=1e-12)


@pytest.mark.parametrize("text", ["ttft.avg < 1s", "errors.rate < 1%", "requests.count > 0"])
def test_other_aggregates_are_no_quantiles(text: str):
    assert parse(text).quantile is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "ttft p99 < 1s",
            "expected metric.aggregate < value, got 'ttft p99 < 1s': did you mean 'ttft.p99 < 1s'?",
        ),
        ("", "expected an objective such as 'ttft.p99 < 800ms' or 'errors.rate < 1%', got ''"),
        ("ttft.p99 <", "expected an objective such as 'ttft.p99 < 800ms' or 'errors.rate < 1%', got 'ttft.p99 <'"),
        ("tfft.p99 < 1s", "unknown metric 'tfft': did you mean 'ttft.p99 < 1s'?"),
        (
            "zzz.p99 < 1s",
            "unknown metric 'zzz': expected one of latency, service, ttft, ttfo, tpot, chunk_gap, late, throttled, "
            "output_rate, errors, retries, requests, throughput, output_tokens, goodput, tool_calls.valid, "
            "structured_output.valid, stream.broken, stream.coalesced, stall, breaker, batch, cost, usage, model, "
            "answers.checked",
        ),
        (
            "errors{outcome=ok}.rate < 1%",
            "unknown tag of errors 'outcome': expected one of scenario, model, stage, target, key, kind",
        ),
        ("ttft{stage}.p99 < 1s", "expected a tag such as 'stage=steady' or 'outcome!=ok', got 'stage'"),
        ("latency{outcome=okay}.p99 < 1s", "unknown outcome 'okay': did you mean 'ok'?"),
        ("errors{kind=rate_limit}.count == 0", "unknown kind of error 'rate_limit': did you mean 'rate_limited'?"),
        ("retries{kind=auht}.count == 0", "unknown kind of error 'auht': did you mean 'auth'?"),
        ("goodput{tfft<1s}.rate > 95%", "unknown metric of a request 'tfft': did you mean 'ttft'?"),
        (
            "goodput{ttft=1s}.rate > 95%",
            "expected a condition such as 'ttft<200ms' or a tag such as 'stage=steady', got 'ttft=1s'",
        ),
        ("tool_calls.rate > 95%", "unknown metric 'tool_calls': did you mean 'tool_calls.valid.rate > 95%'?"),
        ("stall.count == 0", "expected one bound, such as stall{chunk_gap>2s}.count"),
        ("stall{chunk_gap>1s, chunk_gap>2s}.count == 0", "expected one bound, such as stall{chunk_gap>2s}.count"),
        (
            "stall{chunk_gap<2s}.count == 0",
            "a stall is a gap above its bound, and 'chunk_gap<2s' is one below: write stall{chunk_gap>2s}",
        ),
        (
            "stall{chunk_gap <= 500ms}.count == 0",
            "a stall is a gap above its bound, and 'chunk_gap <= 500ms' is one below: write stall{chunk_gap > 500ms}",
        ),
        ("stall{ttft>2s}.count == 0", "unknown metric of a chunk 'ttft': expected one of chunk_gap"),
        ("goodput{ttft<1}.rate > 95%", "ttft: expected a duration such as '800ms', '30s' or '1h30m', got '1'"),
        ("ttft{latency<1s}.p99 < 1s", "expected a tag such as 'stage=steady' or 'outcome!=ok', got 'latency<1s'"),
        ("breaker{model=o3}.trips == 0", "unknown tag of breaker 'model': expected one of scope, target"),
        (
            "breaker.open_tim < 1s",
            "unknown aggregate of breaker 'open_tim': did you mean 'open_time'?",
        ),
        ("errors.p99 < 1%", "unknown aggregate of errors 'p99': expected one of rate, count"),
        ("ttft.p100 < 1s", "expected a percentile between 0 and 100 such as 'p99', or 'min' or 'max', got 'p100'"),
        ("ttft.p0 < 1s", "expected a percentile between 0 and 100 such as 'p99', or 'min' or 'max', got 'p0'"),
        ("ttft.pN < 1s", "unknown aggregate of ttft 'pN': expected one of p50, p90, p95, p99, p99.9, avg, min, max"),
        ("ttft.mean < 1s", "unknown aggregate of ttft 'mean': did you mean 'ttft.avg < 1s'?"),
        ("ttft.median < 1s", "unknown aggregate of ttft 'median': did you mean 'ttft.p50 < 1s'?"),
        ("errors.mean < 1", "unknown aggregate of errors 'mean': expected one of rate, count"),
        (
            "ttft.p99 < 120",
            "ttft.p99: expected a duration such as '800ms', '30s' or '1h30m', got '120'; "
            "did you mean 'ttft.p99 < 120ms'?",
        ),
        (
            "errors.rate < 0.01",
            "errors.rate: expected a share such as '1%', got '0.01'; did you mean 'errors.rate < 1%'?",
        ),
        ("errors.count < 1%", "errors.count: expected a number such as '100', got '1%'"),
        (
            "output_rate.p5 > 20",
            "output_rate.p5: expected a rate such as '5/s' or '300/min', got '20'; "
            "did you mean 'output_rate.p5 > 20/s'?",
        ),
        ("cost.usd < 2€", "cost.usd: expected dollars such as '$5' or '$0.01', got '2€'"),
        ("errors.count = 0", "expected '==' to compare, got '='; did you mean 'errors.count == 0'?"),
        ("ttft.p50 = 1s", "expected ttft to be compared with <, <=, > or >=, got '='"),
        (
            "errors{kind=429, kind=503}.count == 0",
            "nothing is both kind=429 and kind=503: write an objective for each",
        ),
        (
            "errors{kind!=429, kind=429}.count == 0",
            "nothing is both kind=429 and kind!=429: leave one of them out",
        ),
        (
            "errors{kind=429, kind!=rate_limited}.count == 0",
            "nothing is both kind=429 and kind!=rate_limited: leave one of them out",
        ),
        (
            "ttft{stage=steady, stage!=steady}.p50 < 1s",
            "nothing is both stage=steady and stage!=steady: leave one of them out",
        ),
        ("ttft.p99 == 1s", "expected ttft to be compared with <, <=, > or >=, got '=='"),
    ],
)
def test_a_fault_says_what_is_wrong_and_what_to_write(text: str, message: str):
    with pytest.raises(ValueError) as error:  # noqa: PT011 (the whole message is compared)
        parse(text)
    assert str(error.value) == message


def test_names_that_a_profile_does_not_know_are_told():
    objective = parse("ttft{scenario=simpel, model=o3, stage!=steady}.p99 < 1s")
    assert unknown_names(objective, scenarios=["simple"], models=["o3"], stages=["warm"]) == [
        "unknown scenario 'simpel': did you mean 'simple'?",
        "unknown stage 'steady': expected one of warm",
    ]


def test_a_breaker_that_there_is_not_would_never_trip():
    known = {"scenarios": ["simple"], "models": ["o3"], "stages": ["warm"]}
    objective = parse("breaker{scope=o33}.trips == 0")
    assert unknown_names(objective, **known, scopes=["o3"]) == ["unknown scope 'o33': did you mean 'o3'?"]
    assert unknown_names(objective, **known) == []


def test_a_target_can_only_be_named_where_there_are_several():
    known = {"scenarios": ["simple"], "models": ["o3"], "stages": ["warm"]}
    objective = parse("ttft{target=relya}.p99 < 1s")
    assert unknown_names(objective, **known) == ["there is one target: leave out 'target=relya'"]
    assert unknown_names(objective, **known, targets=["direct", "relay"]) == [
        "unknown target 'relya': did you mean 'relay'?"
    ]


@pytest.mark.parametrize(
    ("op", "value", "holds"),
    [("<", 1.0, False), ("<=", 1.0, True), (">", 1.0, False), (">=", 1.0, True), ("==", 1.0, True), ("!=", 1.0, False)],
)
def test_an_op_compares_the_value_with_the_limit(op: str, value: float, holds: bool):
    assert Op(op).holds(value, 1.0) is holds


def test_every_metric_is_named_like_its_key():
    assert {name: metric.name for name, metric in METRICS.items()} == {name: name for name in METRICS}


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("ttft.p99 < 1s", {"for_windows": 2}, "'for' counts windows: write 'over', too, such as over: 30s"),
        ("cost.usd < $1", {"over_s": 30.0}, "cost.usd can't be told in windows: leave out 'over'"),
        ("cost.usd < $2", {"over_s": 30.0}, "cost.usd can't be told in windows: leave out 'over'"),
        (
            "chunk_gap.avg < 1s",
            {"abort": True},
            "'chunk_gap.avg < 1s' can't be proven broken before the end: leave out 'abort'",
        ),
        (
            "chunk_gap.p99 < 1s",
            {"over_s": 0.5},
            "gaps are counted second by second: expected over: 1s or more, got 0.5s",
        ),
        (
            "breaker.opened_after < 1s",
            {"over_s": 9.0},
            "breaker.opened_after can't be told in windows: leave out 'over'",
        ),
        ("ttft.p99 < 1s", {"abort_after_s": 9.0}, "'abort_after' needs abort: true"),
        (
            "requests.count >= 100",
            {"abort": True},
            "'requests.count >= 100' can't be proven broken before the end: leave out 'abort'",
        ),
        (
            "errors.rate > 50%",
            {"abort": True},
            "'errors.rate > 50%' can't be proven broken before the end: leave out 'abort'",
        ),
        (
            "ttft.p99 < 1s",
            {"abort": True, "severity": Severity.WARN},
            "a warning does not end a run: leave out 'abort' or severity: warn",
        ),
    ],
)
def test_terms_that_do_not_go_with_an_objective_are_told(text: str, options, message: str):
    with pytest.raises(ValueError) as error:  # noqa: PT011 (the whole message is compared)
        with_options(parse(text), ObjectiveOptions(**options))
    assert str(error.value) == message


@pytest.mark.parametrize(
    "text",
    [
        "ttft.p99 < 1s",
        "output_rate.p5 > 9/s",
        "errors.count == 0",
        "goodput{ttft<1s}.rate >= 9%",
        "breaker.trips < 3",
        "tool_calls.valid.rate >= 99%",
        "stream.broken.rate < 1%",
        "stall{chunk_gap>2s}.count == 0",
    ],
)
def test_what_is_bad_and_does_not_go_away_may_end_a_run(text: str):
    assert with_options(parse(text), ObjectiveOptions(abort=True)).options.abort


def test_an_objective_is_kept_as_it_was_asked():
    plain = parse("ttft.p99 < 1s")
    assert plain.spec == plain.id == "ttft.p99 < 1s"
    assert objective_of(plain.spec) == plain
    tail = with_options(plain, ObjectiveOptions(id="tail", over_s=30.0))
    assert (tail.id, objective_of(tail.spec)) == ("tail", tail)
