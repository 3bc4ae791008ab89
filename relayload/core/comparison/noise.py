"""How much runs of one system differ, and so the smallest change that `compare` could prove.

The runs of a set are of the same profile and the same relay: what differs between them is noise. With the standard
deviation s of a measure over them, on the scale on which a change is a shift (logarithms, or the share itself), the
change that the test of `compare` proves in four comparisons of five is

    c(n, m) s,   n runs a side, m measures

where c is the 80th percentile, over pairs of samples of n standard normal values, of how far the end of the test's
interval lies from no shift, at the level that Holm's correction gives to the first of m measures. By symmetry it is
also the least tolerance at which the same system passes as often: a smaller one leaves most comparisons undecided.

The standard deviation of few runs is itself uncertain: the ends of its 95 % interval are those of normal values, with
the quantiles of chi-squared by Wilson and Hilferty, The Distribution of Chi-Square (1931).
"""

import math
from collections.abc import Sequence
from functools import cache
from random import Random
from statistics import NormalDist, median, stdev

from msgspec import Struct

from relayload.core.comparison.compare import ALPHA, ENOUGH_RUNS, LEAST_SHARE, LeftOut, Run
from relayload.core.comparison.measures import Measure
from relayload.core.stats.rank_sum import shift

RUNS_A_SIDE = (3, 6, 10)
FEWEST = 3
"""Runs below which nothing is said of how much they differ."""
_POWER = 0.8
_SIMULATED = 2000


class Provable(Struct, frozen=True, kw_only=True):
    """The smallest change that `compare` proves in four comparisons of five with so many runs a side.

    A ratio less one where the measure's change is one (0.08 is 8 %), else a difference of shares; None where no change
    can be proven. `low` and `high` are the 95 % interval, which is wide where few runs were measured.
    """

    runs: int
    change: float | None
    low: float | None = None
    high: float | None = None


class MeasureNoise(Struct, frozen=True, kw_only=True):
    """How much one measure differs between runs. `spread` is the standard deviation, a ratio less one or in shares."""

    name: str
    unit: str
    relative: bool
    median: float
    min: float
    max: float
    spread: float
    provable: tuple[Provable, ...]

    def provable_with(self, runs: int) -> float | None:
        """Return the smallest provable change with so many runs a side; None if there is none, or it was not told."""
        return next((each.change for each in self.provable if each.runs == runs), None)

    def in_words(self, change: float) -> str:
        """Return a change of the measure in percent, or in percentage points if it is a share."""
        return f"{change * 100:.2g}{'%' if self.relative else 'pp'}"


class Noise(Struct, frozen=True, kw_only=True):
    """The content of `relayload noise --json`."""

    runs: int
    """The number of runs that were compared with one another."""
    measures: tuple[MeasureNoise, ...]
    left_out: tuple[LeftOut, ...] = ()
    warnings: tuple[str, ...] = ()
    schema_version: int = 1


def noise(
    runs: Sequence[Run],
    runs_a_side: Sequence[int] = RUNS_A_SIDE,
    left_out: Sequence[LeftOut] = (),
    warnings: Sequence[str] = (),
) -> Noise:
    """Return how much the runs differ by every measure that all of them have; by none below three runs."""
    names = [name for name in runs[0] if all(name in run for run in runs)] if len(runs) >= FEWEST else []
    measures = tuple(_measure_noise([run[name] for run in runs], runs_a_side, len(names)) for name in names)
    return Noise(runs=len(runs), measures=measures, left_out=tuple(left_out), warnings=tuple(warnings))


def _measure_noise(found: Sequence[Measure], runs_a_side: Sequence[int], measures: int) -> MeasureNoise:
    first, values = found[0], [measure.value for measure in found]
    spread = stdev(first.scaled(value) for value in values)
    return MeasureNoise(
        name=first.name,
        unit=first.unit,
        relative=first.relative,
        median=median(values),
        min=min(values),
        max=max(values),
        spread=math.expm1(spread) if first.relative else spread,
        provable=tuple(_provable(first, spread, len(found), runs, measures) for runs in runs_a_side),
    )


def _provable(measure: Measure, spread: float, measured: int, runs: int, measures: int) -> Provable:
    if runs < ENOUGH_RUNS:
        return Provable(runs=runs, change=None)
    factor = _factor(runs, measures)
    if factor is None:
        return Provable(runs=runs, change=None)
    low, high = (spread * math.sqrt((measured - 1) / _chi_squared(p, measured - 1)) for p in (0.975, 0.025))
    change, low, high = (_unscaled(measure, factor * each) for each in (spread, low, high))
    return Provable(runs=runs, change=change, low=low, high=high)


def _unscaled(measure: Measure, by: float) -> float:
    if not measure.relative:
        return max(LEAST_SHARE, by)
    return math.expm1(by) if measure.more_is_worse else -math.expm1(-by)


@cache
def _factor(runs: int, measures: int) -> float | None:
    """Return c(n, m); None where so few runs can't reach the corrected level at all."""
    random = Random(f"{runs}:{measures}")
    confidence = 1 - 2 * ALPHA / measures
    needed: list[float] = []
    for _ in range(_SIMULATED):
        base, new = ([random.gauss() for _ in range(runs)] for _ in range(2))
        low = shift(base, new, confidence).low
        if low is None:
            return None
        needed.append(-low)
    return sorted(needed)[math.ceil(_POWER * _SIMULATED) - 1]


def _chi_squared(p: float, freedom: int) -> float:
    """Return a quantile of chi-squared, within 5 % from five degrees of freedom on."""
    part = 2 / (9 * freedom)
    return freedom * max(1e-3, 1 - part + NormalDist().inv_cdf(p) * math.sqrt(part)) ** 3


def undecidable(found: Noise, tolerance: float, runs: int) -> list[str]:
    """Return a sentence for each measure whose noise hides a change of the tolerance, with so many runs a side.

    The tolerance of a share is a part of the share, and at least that of `compare`.
    """
    told: list[str] = []
    for measure in found.measures:
        least, tolerated = measure.provable_with(runs), _of(measure, tolerance)
        if least is not None and tolerated < least and measure.spread > 0:
            hides = f"{runs} runs a side tell {measure.in_words(least)} from noise at best"
            told.append(f"{measure.name}: {hides}, which is more than the tolerated {measure.in_words(tolerated)}")
    return told


def _of(measure: MeasureNoise, tolerance: float) -> float:
    return tolerance if measure.relative else max(LEAST_SHARE, tolerance * measure.median)
