import random
from collections import Counter
from dataclasses import replace
from decimal import Decimal

import pytest

from relayload.core.comparison.compare import LeftOut, Side, compare
from relayload.core.comparison.measures import Measure, measures
from relayload.core.model.record import Outcome
from relayload.core.model.verdict import Status
from relayload.core.objectives.verdict import assess
from relayload.core.price import Price

NAMES = ("latency.p50", "latency.p95", "latency.p99", "ttft.p50", "ttft.p95", "ttft.p99", "cost.usd_per_ok")


def _run(rng: random.Random, slower: float = 1.0, noise: float = 0.05, errors: float = 0.0) -> dict[str, Measure]:
    """A run whose measures have the noise of their run in common, and some of their own."""
    common = rng.gauss(0, noise)
    found = [Measure(name, "s", slower * 2.718 ** (common + rng.gauss(0, noise / 2))) for name in NAMES]
    found.append(Measure("throughput.per_second", "/s", 10 / slower, more_is_worse=False))
    found.append(Measure("errors.rate", "share", errors, relative=False))
    return {measure.name: measure for measure in found}


def _runs(seed: int, count: int = 6, **changes: float) -> list[dict[str, Measure]]:
    rng = random.Random(seed)
    return [_run(rng, **changes) for _ in range(count)]


def test_a_large_change_for_the_worse_is_proven_by_six_runs_a_side():
    found = compare(_runs(1, noise=0.02), _runs(2, slower=1.5, noise=0.02), 0.1)
    assert (found.verdict, found.exit_code) == (Status.FAIL, 3)
    by_name = {effect.name: effect for effect in found.effects}
    assert by_name["latency.p95"].verdict is Status.FAIL
    assert by_name["latency.p95"].change == pytest.approx(0.5, abs=0.1)
    assert by_name["latency.p95"].between_runs
    assert by_name["throughput.per_second"].change == pytest.approx(-1 / 3)
    assert by_name["throughput.per_second"].verdict is Status.FAIL
    assert by_name["errors.rate"].verdict is Status.PASS
    assert "latency.p95 became worse" in found.reasons


def test_a_change_for_the_better_passes():
    found = compare(_runs(1), _runs(2, slower=0.7), 0.1)
    assert (found.verdict, found.exit_code, found.reasons) == (Status.PASS, 0, ())


def test_no_change_passes_where_runs_are_alike_and_is_undecided_where_they_are_not():
    assert compare(_runs(1, noise=0.01), _runs(2, noise=0.01), 0.1).verdict is Status.PASS
    assert compare(_runs(1, noise=0.3), _runs(2, noise=0.3), 0.1).verdict is Status.INCONCLUSIVE


@pytest.mark.parametrize("counts", [(1, 1), (5, 6), (6, 5)])
def test_fewer_than_six_runs_can_not_tell(counts: tuple[int, int]):
    found = compare(_runs(1, counts[0]), _runs(2, counts[1], slower=3.0), 0.1)
    assert (found.verdict, found.exit_code) == (Status.INCONCLUSIVE, 4)
    assert found.reasons == ("fewer than 6 runs a side can't tell noise from change: write relayload run --repeat 6",)
    assert found.effects[0].change == pytest.approx(2.0, abs=0.6)
    assert found.effects[0].p is None


@pytest.mark.parametrize("sets", [60, pytest.param(1000, marks=pytest.mark.slow)])
def test_runs_that_differ_by_noise_alone_hardly_ever_fail(sets: int):
    pairs = [(_runs(2 * seed), _runs(2 * seed + 1)) for seed in range(sets)]
    assert sum(compare(base, new, 0.0).verdict is Status.FAIL for base, new in pairs) <= 0.05 * sets
    assert not any(compare(base, new, 0.1).verdict is Status.FAIL for base, new in pairs)


def test_a_change_within_the_tolerance_is_no_failure():
    assert compare(_runs(1, noise=0.01), _runs(2, slower=1.2, noise=0.01), 0.3).verdict is Status.PASS
    assert compare(_runs(1, noise=0.01), _runs(2, slower=1.2, noise=0.01), 0.1).verdict is Status.FAIL


@pytest.mark.parametrize("tolerance", [1.0, 2.0, 25.0])
def test_what_may_be_lost_altogether_is_never_worse(tolerance: float):
    good = Measure("goodput{ttft<1s}.rate", "share", 0.9, more_is_worse=False, relative=False)
    rate = Measure("goodput{ttft<1s}.per_second", "/s", 9.0, more_is_worse=False)
    base = [{measure.name: measure for measure in (good, rate)}] * 6
    new = [{name: replace(measure, value=0.0) for name, measure in run.items()} for run in base]
    assert [effect.verdict for effect in compare(base, new, tolerance).effects] == [Status.PASS] * 2


def test_what_may_double_may_not_triple():
    by_name = {effect.name: effect for effect in compare(_runs(1), _runs(2, slower=3.0), 1.0).effects}
    assert by_name["latency.p95"].verdict is Status.FAIL
    assert by_name["throughput.per_second"].verdict is Status.PASS
    assert compare(_runs(1), _runs(2, slower=3.0), 3.0).verdict is Status.PASS


@pytest.mark.parametrize(
    ("before", "after", "word"),
    [(0.0, 0.0, Status.PASS), (0.0, 0.0005, Status.PASS), (0.0, 0.01, Status.FAIL), (0.1, 0.105, Status.PASS)],
)
def test_errors_are_compared_by_their_difference(before: float, after: float, word: Status):
    found = compare(_runs(1, errors=before), _runs(2, errors=after), 0.1)
    (errors,) = [effect for effect in found.effects if effect.name == "errors.rate"]
    assert errors.verdict is word
    assert errors.change == pytest.approx(after - before)


REQUESTS = 3000
REPEATED = pytest.mark.parametrize("sets", [25, pytest.param(400, marks=pytest.mark.slow)])


def _failing(rng: random.Random, count: int, share: float) -> list[dict[str, Measure]]:
    """Runs that differ by 1.5 % in what they measure, of 3,000 requests that fail independently."""
    runs = [_run(rng, noise=0.015) for _ in range(count)]
    for run in runs:
        failed = sum(rng.random() < share for _ in range(REQUESTS))
        run["errors.rate"] = Measure("errors.rate", "share", failed / REQUESTS, relative=False, of=REQUESTS)
    return runs


def _verdicts(sets: int, count: int, share: float) -> Counter[Status]:
    """The verdicts of so many sets of `count` runs a side, of which 0.4 % fail before and `share` after."""
    rng = random.Random(f"{count}:{share}")
    pairs = [(_failing(rng, count, 0.004), _failing(rng, count, share)) for _ in range(sets)]
    return Counter(compare(base, new, 0.1).verdict for base, new in pairs)


@REPEATED
@pytest.mark.parametrize("count", [6, 10])
def test_the_same_failures_pass_although_runs_differ_by_chance(count: int, sets: int):
    verdicts = _verdicts(sets, count, 0.004)
    assert verdicts[Status.PASS] >= 0.9 * sets
    assert verdicts[Status.FAIL] <= 0.01 * sets


@REPEATED
@pytest.mark.parametrize(("count", "share", "fails"), [(6, 0.012, 0.9), (10, 0.008, 0.8)])
def test_several_times_the_failures_fail(count: int, share: float, fails: float, sets: int):
    verdicts = _verdicts(sets, count, share)
    assert verdicts[Status.FAIL] >= fails * sets
    assert not verdicts[Status.PASS]


@pytest.mark.parametrize(("of", "word"), [(500, Status.PASS), (500_000, Status.INCONCLUSIVE)])
def test_a_share_passes_within_what_so_many_requests_can_tell(of: int, word: Status):
    """Where 6 x 500 requests fail once in a hundred, they tell 1.03 points apart: 4 √(0.01 · 0.99 · 2 / 3,000)."""
    before = [Measure("errors.rate", "share", share, relative=False, of=of) for share in (0.007, 0.013) * 3]
    after = [replace(measure, value=measure.value + 0.001) for measure in before]
    found = compare([{"errors.rate": each} for each in before], [{"errors.rate": each} for each in after], 0.1)
    assert found.verdict is word


def test_nothing_left_is_the_worst_of_all():
    throughput = {value: {"t": Measure("t", "/s", value, more_is_worse=False)} for value in (10.0, 0.0)}
    found = compare([throughput[10.0]] * 6, [throughput[0.0]] * 6, 0.1)
    assert (found.verdict, found.effects[0].change) == (Status.FAIL, pytest.approx(-1.0))
    goodput = {value: {"g": Measure("g", "share", value, more_is_worse=False, relative=False)} for value in (0.9, 0.0)}
    worse = compare([goodput[0.9]] * 6, [goodput[0.0]] * 6, 0.1)
    assert (worse.verdict, worse.effects[0].change) == (Status.FAIL, -0.9)
    assert compare([goodput[0.0]] * 6, [goodput[0.9]] * 6, 0.1).verdict is Status.PASS


def test_one_run_against_one_shows_what_their_own_intervals_leave_open():
    base = {"latency.p99": Measure("latency.p99", "s", 1.0, 0.9, 1.1)}
    new = {"latency.p99": Measure("latency.p99", "s", 2.0, 1.8, 2.2)}
    (effect,) = compare([base], [new], 0.1).effects
    assert (effect.change, effect.low, effect.high) == pytest.approx((1.0, 1.8 / 1.1 - 1, 2.2 / 0.9 - 1))
    assert not effect.between_runs


def test_two_runs_a_side_show_their_shift_and_no_interval():
    base, new = ([{"l": Measure("l", "s", value, 0.9, 1.1)} for value in values] for values in ((1.0, 4.0), (2.0, 8.0)))
    (effect,) = compare(base, new, 0.1).effects
    assert (effect.change, effect.low, effect.high) == (pytest.approx(1.0), None, None)


def test_only_what_all_runs_have_is_compared():
    base, new = _runs(1), _runs(2)
    del new[3]["ttft.p99"]
    found = compare(base, new, 0.1)
    assert "ttft.p99" not in {effect.name for effect in found.effects}
    assert found.warnings == ("not every run has ttft.p99",)
    nothing = compare(base, [{}] * 6, 0.1)
    assert (nothing.verdict, nothing.reasons) == (Status.INCONCLUSIVE, ("the runs have no measure in common",))


def test_the_measures_of_a_run_are_those_of_its_summary(request_line, make_run, folded):
    lines = [request_line(index, service_s=0.1 + 0.001 * index) for index in range(100)]
    lines += [request_line(index, outcome=Outcome.TIMED_OUT, error="timeout") for index in range(100, 125)]
    run = make_run(prices={"o3": Price(input=Decimal(10), output=Decimal(40))})
    summary, verdict = assess([], folded(lines), run)
    found = measures(summary, verdict)
    assert found["latency.p50"].value == pytest.approx(0.15)
    assert found["throughput.per_second"].value == 1.0
    assert (found["errors.rate"].value, found["errors.rate"].of) == (0.2, 125)
    assert found["cost.usd_per_ok"].value == pytest.approx((20 * 10 + 10 * 40) / 1e6)
    assert {name.split(".")[0] for name in found} == {"latency", "ttft", "throughput", "errors", "cost"}


def _left_out(side: Side, count: int) -> list[LeftOut]:
    return [LeftOut(side=side, run=f"run-{number}", why="INVALID: it was killed") for number in range(count)]


@pytest.mark.parametrize(("count", "word"), [(1, Status.PASS), (2, Status.INCONCLUSIVE)])
def test_runs_pass_only_if_those_left_out_of_the_new_could_have_been_the_worst(count: int, word: Status):
    base, new = _runs(1, noise=0.01), _runs(2, slower=0.7, noise=0.01)
    found = compare(base, new, 0.1, left_out=_left_out(Side.NEW, count))
    assert (found.verdict, {effect.verdict for effect in found.effects}) == (word, {word})
    assert found.left_out_of(Side.NEW) == count
    told = f"too many new runs were left out, {count} of {6 + count}: had they been worse, it would be no PASS"
    assert found.reasons == (() if word is Status.PASS else (told,))


def test_what_was_left_out_of_the_base_makes_no_run_better():
    base, new = _runs(1, noise=0.01), _runs(2, slower=0.7, noise=0.01)
    assert compare(base, new, 0.1, left_out=_left_out(Side.BASE, 5)).verdict is Status.PASS


def test_what_was_left_out_never_makes_a_run_fail():
    base, new = _runs(1, noise=0.3), _runs(2, noise=0.3)
    found = compare(base, new, 0.1, left_out=_left_out(Side.NEW, 9))
    assert (found.verdict, found.reasons) == (Status.INCONCLUSIVE, ())


@pytest.mark.parametrize(("before", "after"), [(0, 6), (6, 0), (0, 0)])
def test_a_side_without_runs_is_invalid(before: int, after: int):
    found = compare(_runs(1, before), _runs(2, after), 0.1)
    assert (found.verdict, found.exit_code, found.effects) == (Status.INVALID, 4, ())
    assert len(found.reasons) == (before == 0) + (after == 0)
