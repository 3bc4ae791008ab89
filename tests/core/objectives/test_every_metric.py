"""Every metric of the catalog, judged after a run and watched during one."""

from collections.abc import Iterator
from decimal import Decimal
from itertools import product

import pytest
from live import LiveRun

from relayload.core.metrics.catalog import METRICS, PER_REQUEST
from relayload.core.metrics.metric import Asked, Metric, Per, Unit
from relayload.core.model.audited import Audited
from relayload.core.model.objective_options import ObjectiveOptions
from relayload.core.model.record import Attempt, BreakerState, Outcome
from relayload.core.model.run import StageInfo
from relayload.core.model.verdict import Status
from relayload.core.objectives.grammar import parse, with_options
from relayload.core.objectives.sample_forecast import Sent, sample_forecast
from relayload.core.objectives.verdict import assess
from relayload.core.price import Price
from relayload.core.stats.histogram import bucket
from relayload.core.traffic.plan import StagePlan

TINY = {
    Unit.SECONDS: "1ms",
    Unit.PER_SECOND: "0.001/s",
    Unit.SHARE: "1%",
    Unit.COUNT: "1",
    Unit.USD: "$0.001",
    Unit.FACTOR: "0.5",
}
HUGE = {Unit.SECONDS: "1h", Unit.PER_SECOND: "100000/s", Unit.SHARE: "99%"}
ASKED = [
    (metric, "p90" if aggregate == "pN" else aggregate)
    for metric in METRICS.values()
    for aggregate in metric.aggregates
]
PROVABLE = [(metric, asked) for metric, asked in ASKED if asked.replace("p90", "pN") in metric.provable]
IN_WINDOWS = [(metric, asked) for metric, asked in ASKED if asked not in metric.windowless]


CONDITIONS = {Per.REQUEST: "{latency<1s}", Per.CHUNK: "{chunk_gap>1s}"}


def _id(value: object) -> str:
    return value.name if isinstance(value, Metric) else str(value)


def _broken(metric: Metric, asked: str) -> str:
    """An objective that the lines below break by far. No later request mends a least value that is too small."""
    unit = metric.aggregates["pN" if asked == "p90" else asked]
    name = metric.name + (CONDITIONS[metric.conditional] if metric.conditional else "")
    floor = asked == "min" or (metric.more_is_better and asked != "max")
    return f"{name}.{asked} > {HUGE[unit]}" if floor else f"{name}.{asked} < {TINY[unit]}"


@pytest.fixture
def run(make_run):
    price = Price(input=Decimal(1), output=Decimal(1))
    stages = (StageInfo(name="steady", for_s=100.0),)
    return make_run(stages=stages, prices={"o3": price}, streaming=("simple",), reference="vendor")


@pytest.fixture
def lines(request_line, breaker_line):
    return [*_lines(request_line, breaker_line, 200), *_audited("sums", 20)]


def _lines(request_line, breaker_line, n: int):
    """So many slow streams in lumps, each at its second attempt, of which every third failed; and a breaker."""
    limited = Attempt(outcome=Outcome.RATE_LIMITED, status=429)
    failed = {"outcome": Outcome.SERVER_ERROR, "error": "http_500", "status": 500}
    streams = [
        request_line(
            index,
            intended_at_s=100.0 * index / n,
            service_s=20.0 + index % 7,
            ttft_s=3.0,
            ttfo_s=4.0,
            late_s=0.5,
            throttled_s=2.0,
            retried=(limited,),
            last_token_s=19.0,
            chunks=21,
            chunk_gaps=(0, 12, bucket(2.0), 8),
            tool_calls=1,
            fits_schema=False,
            **(failed if index % 3 == 2 else {}),
        )
        for index in range(n)
    ]
    trips = [
        breaker_line(at_s, before, after, since_s=at_s - 1.0)
        for at_s, before, after in (
            (10.0, BreakerState.CLOSED, BreakerState.OPEN),
            (40.0, BreakerState.OPEN, BreakerState.HALF_OPEN),
            (50.0, BreakerState.HALF_OPEN, BreakerState.CLOSED),
            (60.0, BreakerState.CLOSED, BreakerState.OPEN),
        )
    ]
    return [*streams, *trips]


def _audited(kind: str, n: int) -> Iterator[Audited]:
    """Answers of two targets, of which one adds a hidden prompt, is always wrong, and answers in other letters."""
    for number, target in product(range(n), ("vendor", "relay")):
        yield Audited(
            index=number,
            worker=0,
            scenario=f"audit_{kind}",
            stage="steady",
            model="o3",
            measured=True,
            intended_at_s=float(number),
            target=target,
            request=f"{number:x}",
            encoding="o200k_base",
            counted_input=100 + 10 * number,
            input_tokens=100 + 10 * number + 2000 * (target == "relay"),
            counted_output=10 + 10 * number,
            output_tokens=10 + 10 * number,
            counted_reasoning=0,
            question=f"{kind}:{number // 4}",
            passed=None if kind == "open" else target == "vendor",
            text=f"{'abcd' if target == 'vendor' else 'wxyz'}{number % 4}" * 20,
        )


@pytest.mark.parametrize("most_exact", [1000, 10])
@pytest.mark.parametrize(("metric", "asked"), ASKED, ids=_id)
def test_every_aggregate_is_judged_after_a_run(metric, asked, most_exact, run, lines, make_run, folded):
    if metric.name == "batch":
        run = make_run(load_kind="batch", requests=200)
    answers = _audited("open", 40) if metric.name == "model" else ()
    objective = parse(_broken(metric, asked))
    fold = folded([*lines, *answers], [objective], run, most_exact=most_exact)
    (judged,) = assess([objective], fold, run, tables=False)[1].objectives
    assert judged.verdict is Status.FAIL
    assert judged.n > 0


@pytest.mark.parametrize("most_exact", [1000, 10])
@pytest.mark.parametrize(("metric", "asked"), IN_WINDOWS, ids=_id)
def test_every_aggregate_that_has_windows_is_judged_in_them(metric, asked, most_exact, run, lines, folded):
    objective = with_options(parse(_broken(metric, asked)), ObjectiveOptions(over_s=50.0, for_windows=2))
    fold = folded(lines, [objective], run, most_exact=most_exact)
    (judged,) = assess([objective], fold, run, tables=False)[1].objectives
    assert (judged.verdict, judged.windows.broken if judged.windows else None) == (Status.FAIL, 2)


@pytest.mark.parametrize(("metric", "asked"), PROVABLE, ids=_id)
def test_every_provable_aggregate_ends_a_run_that_breaks_it(metric, asked, run, request_line, breaker_line):
    """All are slow from the first on: the more a limit allows, the longer one backlog may explain that."""
    lines = _lines(request_line, breaker_line, 1500)
    text = _broken(metric, asked)
    text = text.replace(".p90", ".p10") if metric.more_is_better else text
    objectives = [with_options(parse(text), ObjectiveOptions(abort=True))]
    live = LiveRun(objectives, run)
    live.add(lines)
    assert live.breach(100.0) is not None


@pytest.mark.parametrize("name", PER_REQUEST)
def test_every_metric_of_requests_is_a_condition_of_goodput(name: str, run, lines, folded):
    metric = METRICS[name]
    limit = f"> {HUGE[metric.unit]}" if metric.more_is_better else f"< {TINY[metric.unit]}"
    objective = parse(f"goodput{{{name} {limit}}}.rate > 50%")
    fold = folded(lines, [objective], run)
    (judged,) = assess([objective], fold, run, tables=False)[1].objectives
    assert (judged.observed, judged.verdict) == (0.0, Status.FAIL)


@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)
def test_a_plan_promises_every_metric_its_samples(metric: Metric):
    objective = parse(_broken(metric, next(iter(metric.aggregates)).replace("pN", "p90")))
    stages = (StagePlan(name="steady", for_s=100.0, warmup=False, by_scenario={"simple": 9000, "plain": 1000}),)
    scenarios = {"simple": Sent({"o3": 1.0}, asked=frozenset(Asked)), "plain": Sent({"o3": 1.0}, asked=frozenset())}
    counted = 9000 if metric.asked else 10_000
    assert sample_forecast(objective, stages, scenarios).samples == (counted if metric.per is Per.REQUEST else None)


def test_the_nearest_names_are_those_of_the_catalog():
    with pytest.raises(ValueError, match=f"expected one of {', '.join(METRICS)}$"):
        parse("xyz.p99 < 1s")
    for name in METRICS:
        with pytest.raises(ValueError, match=f"did you mean '{name}"):
            parse(f"{name}_.nothing < 1s")
