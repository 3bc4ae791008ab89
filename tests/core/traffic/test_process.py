"""Arrivals against their exact distributions (Kolmogorov-Smirnov), whatever the rates and the number of workers.

Stretched back by the rate, a process is that of unit rate. A test fails by chance once in ten thousand seeds, and the
seeds are fixed.
"""

import math
from collections.abc import Callable
from itertools import accumulate, islice, pairwise
from random import Random
from statistics import fmean, stdev
from typing import Any

import pytest
from scipy import stats

from relayload.core.traffic.arrivals import schedule
from relayload.core.traffic.leases import Grant
from relayload.core.traffic.process import CONSTANT, POISSON, Bursts, Process, Spacing
from relayload.core.traffic.stages import Stage, rate_segments

LEAST_P = 1e-4
COURSES = {
    "constant": [Stage("steady", 400.0, 10.0)],
    "slow": [Stage("slow", 100_000.0, 2 / 60)],
    "up": [Stage("up", 400.0, 0.0, 20.0)],
    "down": [Stage("down", 400.0, 18.0, 2.0)],
    "stages": [Stage("a", 100.0, 20.0), Stage("pause", 50.0), Stage("b", 100.0, 1.0, 19.0), Stage("c", 50.0, 20.0)],
}


def instants(stages: list[Stage], process: Process, workers: int = 1, seed: int = 1) -> list[float]:
    """Each worker's share of the schedule that it walks itself, all together."""
    shares = [Grant(1, 0, None, number, workers) for number in range(workers)]
    return sorted(
        arrival.intended_at_s
        for share in shares
        for arrival in schedule(stages, None, process, [1.0], seed)
        if share.owns(arrival.index)
    )


def unit_gaps(stages: list[Stage], times: list[float]) -> list[float]:
    """The gaps in numbers of expected arrivals."""
    parts = list(rate_segments(stages))
    reached = []
    for at_s in times:
        part = next(part for part in parts if at_s < part.ends_at_s)
        reached.append(part.expected_until(at_s))
    return [after - before for before, after in pairwise(reached)]


def p_value(gaps: list[float], cdf: str | Callable[[Any], Any]) -> float:
    return float(stats.kstest(gaps, cdf).pvalue)


@pytest.mark.parametrize("course", COURSES)
@pytest.mark.parametrize("workers", [1, 2, 4, 8])
def test_poisson_gaps_are_exponential(course: str, workers: int) -> None:
    times = instants(COURSES[course], POISSON, workers)
    assert len(times) > 3000
    assert p_value(unit_gaps(COURSES[course], times), "expon") > LEAST_P


@pytest.mark.parametrize("course", COURSES)
@pytest.mark.parametrize("cv", [0.25, 0.5, 1.0, 2.0])
def test_gamma_gaps_follow_the_gamma_distribution_of_their_cv(course: str, cv: float) -> None:
    gaps = unit_gaps(COURSES[course], instants(COURSES[course], Process(Spacing.GAMMA, cv)))
    assert p_value(gaps, stats.gamma(1 / cv**2, scale=cv**2).cdf) > LEAST_P


@pytest.mark.parametrize("cv", [0.05, 0.5, 2.0, 4.0, 10.0])
def test_gamma_gaps_are_exact_also_where_they_are_too_small_to_tell_instants_apart(cv: float) -> None:
    gaps = list(islice(Process(Spacing.GAMMA, cv).gaps(1), 1, 10_000))
    assert p_value(gaps, stats.gamma(1 / cv**2, scale=cv**2).cdf) > LEAST_P


@pytest.mark.parametrize("workers", [1, 2, 3, 4, 5, 6, 7, 8])
def test_the_shares_of_all_workers_are_the_gamma_process_that_one_would_send(workers: int) -> None:
    process = Process(Spacing.GAMMA, 2.0)
    times = instants(COURSES["up"], process, workers)
    assert times == instants(COURSES["up"], process)
    assert p_value(unit_gaps(COURSES["up"], times), stats.gamma(0.25, scale=4.0).cdf) > LEAST_P


def test_the_test_would_tell_a_wrong_distribution() -> None:
    gaps = unit_gaps(COURSES["constant"], instants(COURSES["constant"], Process(Spacing.GAMMA, 1.2)))
    assert p_value(gaps, "expon") < LEAST_P


@pytest.mark.parametrize("cv", [0.2, 1.0, 3.0])
def test_the_first_gamma_gap_is_what_is_left_of_one_at_a_random_instant(cv: float) -> None:
    firsts = [next(Process(Spacing.GAMMA, cv).gaps(seed)) for seed in range(4000)]
    # The residual of a gap X has the density P(X > t) / E(X), here E(X) = 1.
    gap = stats.gamma(1 / cv**2, scale=cv**2)
    longer = stats.gamma(1 / cv**2 + 1, scale=cv**2)
    assert p_value(firsts, lambda t: t * gap.sf(t) + longer.cdf(t)) > LEAST_P


@pytest.mark.parametrize("process", [POISSON, Process(Spacing.GAMMA, 3.0), Process(Spacing.GAMMA, 0.3)])
def test_even_a_short_stage_expects_as_many_arrivals_as_its_rate_says(process: Process) -> None:
    stages = [Stage("short", 1.0, 4.0)]
    counts = [len(instants(stages, process, seed=seed)) for seed in range(4000)]
    assert fmean(counts) == pytest.approx(4.0, abs=4 * stdev(counts) / math.sqrt(len(counts)))


def test_constant_gaps_begin_with_none() -> None:
    assert list(islice(CONSTANT.gaps(3), 4)) == [0.0, 1.0, 1.0, 1.0]


def test_poisson_gaps_are_those_of_the_standard_library() -> None:
    draw = Random("9:arrivals").expovariate
    assert list(islice(POISSON.gaps(9), 100)) == [draw(1.0) for _ in range(100)]


def test_fixed_bursts_come_at_their_times_and_keep_the_mean() -> None:
    stages = [Stage("steady", 30.0, 10.0)]
    times = instants(stages, Process(Spacing.CONSTANT, bursts=Bursts(2.0, 3.0)))
    assert len(times) == 300
    assert all(at_s % 5.0 < 2.0 for at_s in times)
    assert [round(at_s, 3) for at_s in times[:3]] == [0.0, 0.04, 0.08]


def test_within_a_burst_arrivals_are_as_they_are_told() -> None:
    stages = [Stage("steady", 1000.0, 5.0)]
    bursts = Bursts(2.0, 3.0)
    times = instants(stages, Process(Spacing.POISSON, bursts=bursts))
    parts = list(rate_segments(stages, bursts.windows(1), bursts.factor))
    reached = [next(p for p in parts if at_s < p.ends_at_s).expected_until(at_s) for at_s in times]
    assert p_value([b - a for a, b in pairwise([0.0, *reached])], "expon") > LEAST_P


def test_drawn_bursts_have_exponential_lengths_with_their_means() -> None:
    windows = list(islice(Bursts(2.0, 3.0, exponential=True).windows(5), 4000))
    on = [ends - begins for begins, ends in windows]
    off = [begins - ended for (_, ended), (begins, _) in pairwise(windows)]
    assert p_value(on, stats.expon(scale=2.0).cdf) > LEAST_P
    assert p_value(off, stats.expon(scale=3.0).cdf) > LEAST_P


def test_drawn_bursts_are_on_from_the_start_as_often_as_at_any_time() -> None:
    begins = [next(Bursts(2.0, 3.0, exponential=True).windows(seed))[0] for seed in range(2000)]
    assert sum(begin == 0.0 for begin in begins) == pytest.approx(800, abs=90)
    assert p_value([begin for begin in begins if begin], stats.expon(scale=3.0).cdf) > LEAST_P


def test_bursts_are_drawn_from_a_stream_of_their_own() -> None:
    process = Process(Spacing.POISSON, bursts=Bursts(2.0, 3.0, exponential=True))
    assert list(islice(process.gaps(4), 50)) == list(islice(POISSON.gaps(4), 50))


def test_gaps_of_mean_one_add_up() -> None:
    for cv in (0.5, 2.0):
        total = list(accumulate(islice(Process(Spacing.GAMMA, cv).gaps(2), 20_000)))[-1]
        assert total == pytest.approx(20_000, rel=4 * cv / math.sqrt(20_000))
