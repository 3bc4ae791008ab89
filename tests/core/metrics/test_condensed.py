"""Folds of more requests than are kept each, beside folds that keep all."""

import json
import random
from collections.abc import Sequence

import msgspec
import pytest
from support import present

from relayload.core.metrics.condensed import MOST_SLOTS, Condensed, slot_width_s
from relayload.core.metrics.fold import Fold
from relayload.core.metrics.selection import Selection, Series
from relayload.core.metrics.summarize import summarize
from relayload.core.model.objective_options import ObjectiveOptions
from relayload.core.model.record import GapErrors, Line, Outcome
from relayload.core.model.run import RunInfo, StageInfo, TargetInfo
from relayload.core.objectives.grammar import parse, with_options
from relayload.core.objectives.indicator_counts import ObjectiveCounts
from relayload.core.objectives.verdict import assess
from relayload.core.stats.histogram import bucket, middle_s

_STAGES = (StageInfo(name="warm", for_s=100.0, warmup=True), StageInfo(name="steady", for_s=1900.0))


@pytest.fixture(scope="module")
def lines(request_line, drop_line) -> list[Line]:
    """4,000 requests in 2,000 s, slower in the middle; some are refused, some have no token, some are dropped."""
    rng, made = random.Random(3), []
    for index in range(4000):
        due_at_s = index / 2
        service_s = rng.lognormvariate(-1.0, 0.5) * (3.0 if 900 <= due_at_s < 1000 else 1.0)
        place = {
            "stage": "warm" if due_at_s < 100 else "steady",
            "measured": due_at_s >= 100,
            "intended_at_s": due_at_s,
        }
        gaps = (bucket(service_s / 50), 40, bucket(service_s / 20), 10)
        changes = {
            "chunk_gaps": gaps,
            "service_s": service_s,
            "ttft_s": service_s / 3,
            "ttfo_s": service_s / 2,
            "worker": index % 3,
        }
        if index >= 2000 and index % 3 == 0:
            changes |= {"ttft_error_s": service_s / 6, "ttfo_error_s": service_s / 9, "gap_errors": GapErrors(0.01, 5)}
        scenario = rng.choice(["simple", "simple", "proof"])
        if index % 50 == 7:
            changes = {"service_s": 0.01, "outcome": Outcome.RATE_LIMITED, "error": "http_429", "status": 429}
        elif scenario == "proof":
            changes |= {"ttft_s": None, "ttfo_s": None, "output_tokens": rng.randint(1, 300), "throttled_s": 0.25}
        if index % 200 == 11:
            made.append(drop_line(index, **place))
        else:
            made.append(request_line(index, late_s=rng.expovariate(2000), scenario=scenario, **place, **changes))
    return made


def _fold(lines: Sequence[Line], objectives=(), pieces: int = 1, run: RunInfo | None = None, **changes) -> Fold:
    def counts() -> ObjectiveCounts | None:
        return None if run is None else ObjectiveCounts(objectives, run)

    whole = Fold(counts=counts(), **changes)
    for first in range(pieces):
        piece = Fold(counts=counts(), **changes)
        own = lines[first::pieces]
        for at in range(0, len(own), 100):
            piece.extend(own[at : at + 100])
        whole.merge(piece)
    return whole


def test_values_of_too_many_requests_are_known_to_within_four_in_a_thousand(lines, make_run):
    run = make_run(stages=_STAGES, ended_at_s=2000.0, offered=4000)
    exact, condensed = (summarize(_fold(lines, most_exact=most), run) for most in (10_000, 1000))
    assert (exact.counts, exact.errors, exact.tokens) == (condensed.counts, condensed.errors, condensed.tokens)
    assert condensed.quota == exact.quota
    assert condensed.rates == exact.rates
    for metric in ("latency", "service", "ttft", "ttfo", "tpot", "throttled"):
        one, other = getattr(exact.metrics, metric), getattr(condensed.metrics, metric)
        assert (one.count, one.mean, one.stddev) == pytest.approx((other.count, other.mean, other.stddev), rel=0.004)
        assert [known.value for known in other.percentiles] == pytest.approx(
            [known.value for known in one.percentiles], rel=0.004, abs=1e-6
        )
        assert [known.value - known.too_late for known in other.percentiles] == pytest.approx(
            [known.value - known.too_late for known in one.percentiles], rel=0.008, abs=1e-6
        )
        assert any(known.too_late for known in one.percentiles) is (metric in ("ttft", "ttfo"))
    assert {name: present(group.metrics.latency).count for name, group in condensed.by_scenario.items()} == {
        name: present(group.metrics.latency).count for name, group in exact.by_scenario.items()
    }
    assert "3,980 requests are too many to keep each" in " ".join(condensed.warnings)


def test_a_slow_spell_is_still_seen_in_the_effective_size(lines, make_run):
    run = make_run(stages=_STAGES, ended_at_s=2000.0)
    exact, condensed = (
        present(summarize(_fold(lines, most_exact=most), run).metrics.latency) for most in (10_000, 1000)
    )
    assert condensed.effective_count == pytest.approx(exact.effective_count, rel=0.5)
    assert condensed.effective_count < condensed.count / 5


def test_the_timeline_has_a_step_per_slot(lines, make_run):
    run = make_run(stages=_STAGES, ended_at_s=2000.0)
    exact, condensed = (summarize(_fold(lines, most_exact=most), run) for most in (10_000, 1000))
    assert condensed.timeline_step_s == 4.0
    assert len(condensed.timeline) == 501, "some ended after the last slot in which any was due"
    assert sum(step.offered for step in condensed.timeline) == sum(step.offered for step in exact.timeline) == 4000
    assert sum(step.failed for step in condensed.timeline) == condensed.counts.started - condensed.counts.ok
    slowest = max(condensed.timeline[:500], key=lambda step: present(step.latency_p50_s))
    assert 900 <= slowest.at_s < 1000


@pytest.fixture(scope="module")
def together(lines, make_run):
    run = make_run(stages=_STAGES, ended_at_s=2000.0, offered=4000)
    return assess(_OBJECTIVES, _fold(lines, _OBJECTIVES, run=run, most_exact=1000), run)


@pytest.mark.parametrize(
    "pieces", [1, pytest.param(2, marks=pytest.mark.slow), 3, pytest.param(7, marks=pytest.mark.slow)]
)
def test_it_is_the_same_however_the_lines_were_shared_out(pieces, together, lines, make_run):
    run = make_run(stages=_STAGES, ended_at_s=2000.0, offered=4000)
    scattered = random.Random(pieces).sample(lines, len(lines))
    shared = assess(_OBJECTIVES, _fold(scattered, _OBJECTIVES, pieces, run=run, most_exact=1000), run)
    assert _rounded(shared) == _rounded(together)


def _rounded(assessed):
    """Sums of floats depend on their order by a rounding."""
    return json.loads(msgspec.json.encode(assessed), parse_float=lambda text: float(f"{float(text):.9g}"))


_OBJECTIVES = [
    parse("ttft.p95 < 400ms"),
    parse("latency.p90 < 5s"),
    parse("latency{outcome=ok}.avg < 1s"),
    parse("output_rate.p10 > 2/s"),
    parse("late.p99 < 50ms"),
    parse("errors.rate < 3%"),
    parse("goodput{ttft<500ms, tpot<200ms}.rate >= 95%"),
    parse("throughput.per_second > 1"),
    with_options(parse("latency.p50 < 600ms"), ObjectiveOptions(over_s=30.0, for_windows=2)),
    with_options(parse("chunk_gap.p90 < 40ms"), ObjectiveOptions(over_s=30.0)),
    parse("chunk_gap.p95 < 1s"),
    with_options(parse("goodput{latency<1s}.rate >= 70%"), ObjectiveOptions(over_s=60.0)),
    with_options(parse("errors.rate < 20%"), ObjectiveOptions(over_s=60.0)),
    with_options(parse("output_tokens.per_second > 1"), ObjectiveOptions(over_s=60.0)),
]


def test_objectives_come_out_as_if_every_request_were_kept(lines, make_run):
    run = make_run(stages=_STAGES, ended_at_s=2000.0, offered=4000)
    (_, exact), (_, condensed) = (
        assess(_OBJECTIVES, _fold(lines, _OBJECTIVES, run=run, most_exact=most), run) for most in (10_000, 1000)
    )
    for one, other in zip(exact.objectives, condensed.objectives, strict=True):
        assert (other.expr, other.verdict, other.n) == (one.expr, one.verdict, one.n)
        assert other.observed == pytest.approx(one.observed, rel=0.004)
        assert other.k == (None if one.k is None else pytest.approx(one.k, rel=0.05, abs=3))
        if one.windows:
            assert other.windows == one.windows


def test_nothing_is_not_more_than_nothing_in_a_histogram_either(request_line, make_run):
    objectives = [
        parse("output_rate.min > 0/s"),
        parse("goodput{output_rate>0/s}.rate >= 50%"),
        parse("throttled.max <= 0s"),
    ]
    lines = [request_line(index, output_tokens=0) for index in range(100)]
    for most in (1000, 10):
        _, verdict = assess(objectives, _fold(lines, objectives, run=make_run(), most_exact=most), make_run())
        assert [judged.verdict.value for judged in verdict.objectives] == ["FAIL", "FAIL", "PASS"]


def test_streams_without_a_token_are_counted_in_histograms_too(request_line, make_run):
    objectives = [
        parse("ttft.p90 < 1s"),
        with_options(parse("ttft.p90 < 1s"), ObjectiveOptions(over_s=50.0)),
        with_options(parse("ttfo.p90 < 1s"), ObjectiveOptions(over_s=50.0)),
    ]
    lines = [
        request_line(index, **({"ttft_s": None, "ttfo_s": None} if index % 5 == 0 else {})) for index in range(100)
    ]
    for most in (1000, 10):
        _, verdict = assess(
            objectives,
            _fold(lines, objectives, run=make_run(streaming=("simple",)), most_exact=most),
            make_run(streaming=("simple",)),
        )
        told = [(judged.verdict.value, judged.k) for judged in verdict.objectives]
        assert told == [("FAIL", 20), ("FAIL", 10), ("FAIL", 10)]


def test_pairs_of_too_many_requests_are_not_compared_and_that_is_told(request_line, make_run):
    targets = {name: TargetInfo(base_url="http://127.0.0.1:1/v1") for name in ("direct", "relay")}
    lines = [request_line(index, target=name) for index in range(100) for name in targets]
    run = make_run(targets=targets, paired=True)
    exact, condensed = (summarize(_fold(lines, most_exact=most), run) for most in (1000, 150))
    assert exact.comparison is not None
    assert condensed.comparison is None
    assert "pairs of requests to several targets are not compared" in condensed.warnings[-1]
    assert condensed.counts == exact.counts


@pytest.mark.parametrize("last_s", [0.0, 1.0, 511.9, 512.0, 1e4, 86_400.0, 1e6])
def test_slots_are_never_more_and_mostly_not_half_as_many(last_s: float):
    slots = int(last_s / slot_width_s(last_s)) + 1
    assert slots <= MOST_SLOTS
    assert slots > MOST_SLOTS / 2 or slot_width_s(last_s) == 1.0


def test_condensed_values_are_counted_in_slots_of_time(request_line, folded):
    """The third request has no first token; slots are a second wide, as the run is short."""
    lines = [
        request_line(index, intended_at_s=due_at_s, service_s=service_s, ttft_s=ttft_s)
        for index, (due_at_s, service_s, ttft_s) in enumerate(
            [(7.5, 2.0, 0.1), (0.5, 1.0, 0.2), (0.9, 1.0, None), (7.9, 3.0, 0.1)]
        )
    ]
    (tagged,) = folded(lines, most_exact=1).by_tags.values()
    middle = {value: middle_s(bucket(value)) for value in (0.1, 0.2, 1.0, 2.0, 3.0)}
    for metric, wanted in (
        ("service", {0: {1.0: 2}, 7: {2.0: 1, 3.0: 1}}),
        ("ttft", {0: {0.2: 1}, 7: {0.1: 2}}),
    ):
        found = tagged.values.by_slot(metric)
        assert isinstance(tagged.values, Condensed)
        assert found.width_s == 1.0
        assert {slot: dict(values.items()) for slot, values in found.slots.items()} == {
            slot: {middle[value]: count for value, count in counts.items()} for slot, counts in wanted.items()
        }


def test_condensed_values_are_worth_about_what_exact_ones_are(request_line, folded):
    """One in ten is slow by chance, and one second in ten of all."""
    rng = random.Random(1)
    for slow in ([rng.random() < 0.1 for _ in range(4000)], [index // 40 % 10 == 3 for index in range(4000)]):
        lines = [
            request_line(index, intended_at_s=index / 40, service_s=5.0 if slow[index] else 0.1)
            for index in range(4000)
        ]
        sizes = [
            Series(Selection(folded(lines, most_exact=most).by_tags), "service").effective_above(1.0)
            for most in (10_000, 10)
        ]
        assert sizes[0] == pytest.approx(sizes[1], rel=0.3)
