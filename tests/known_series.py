"""Series of latencies of which the truth is known, and what the statistics say of them.

`benchmarks/verdicts.py` prints the tables of docs/objectives.md from it. All series have 20 requests a second.
"""

import math
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from relayload.core.model.objective_options import ObjectiveOptions
from relayload.core.model.run import ProfileInfo, RunInfo, StageInfo
from relayload.core.model.snapshot import Position, SlotCounts
from relayload.core.model.verdict import Status
from relayload.core.objectives.abort import AbortMonitor
from relayload.core.objectives.grammar import parse, with_options
from relayload.core.objectives.objective import Objective
from relayload.core.objectives.snapshots import MergedSnapshot
from relayload.core.objectives.statistics import BadBounds, BadEvents, Deviations, judge_share, mean_deviation
from relayload.core.stats.ranks import SortedRuns
from relayload.core.stats.sample import TAILS, Moments, percentile
from relayload.core.stats.slotted_values import SlottedValues

PER_SECOND = 20
Values = np.ndarray
Generator = np.random.Generator
_SIGMA = 0.8
_SLOW = 0.08
"""The share of slow requests in the bimodal series."""
_FAST_AND_SLOW = (NormalDist(0.2, 0.03), NormalDist(2.0, 0.3))


@dataclass(frozen=True)
class Series:
    """A stationary series: how to draw so many runs of n values, and its true quantiles."""

    name: str
    draw: Callable[[Generator, int, int], Values]
    """Takes the generator, the number of runs and the length of each; returns an array of that shape."""
    quantile: Callable[[float], float]
    mean: float


def _autoregressive(rho: float) -> Callable[[Generator, int, int], Values]:
    def draw(rng: Generator, runs: int, n: int) -> Values:
        steps = rng.standard_normal((runs, n)) * math.sqrt(1 - rho * rho)
        steps[:, 0] = rng.standard_normal(runs)
        for at in range(1, n if rho else 0):
            steps[:, at] += rho * steps[:, at - 1]
        return np.exp(_SIGMA * steps)

    return draw


def _spells(length: float) -> Callable[[Generator, int, int], Values]:
    """Return slow spells of that mean length, geometric as a Markov chain has them; 1 for independent ones."""

    def draw(rng: Generator, runs: int, n: int) -> Values:
        slow = np.array([clustered(rng, n, _SLOW, length) for _ in range(runs)])
        fast, long = (one.mean + one.stdev * rng.standard_normal((runs, n)) for one in _FAST_AND_SLOW)
        return np.where(slow, long, fast)

    return draw


def clustered(rng: Generator, n: int, share: float, length: float) -> Values:
    """Return which of n requests are bad: that share of them, in clusters of that mean length."""
    if length <= 1 or share >= 1:
        return rng.random(n) < share
    out = np.zeros(n, bool)
    at, bad = 0, bool(rng.random() < share)
    while at < n:
        run = int(rng.geometric(1 / length if bad else share / (1 - share) / length))
        out[at : at + run] = bad
        at, bad = at + run, not bad
    return out


def _queue(load: float, service: bool) -> Callable[[Generator, int, int], Values]:
    """Return the waits of a queue M/M/1 by Lindley's recursion from its stationary state, plus the service times."""

    def draw(rng: Generator, runs: int, n: int) -> Values:
        first = np.where(rng.random(runs) < 1 - load, 0.0, rng.exponential(1 / (1 - load), runs))
        served = rng.exponential(1.0, (runs, n))
        free = np.cumsum(served - rng.exponential(1 / load, (runs, n)), axis=1)
        walked = np.concatenate([first[:, None], first[:, None] + free[:, :-1]], axis=1)
        waits = walked - np.minimum.accumulate(np.minimum(walked, 0.0), axis=1)
        return waits + served if service else waits

    return draw


def _lognormal(p: float) -> float:
    return math.exp(_SIGMA * NormalDist().inv_cdf(p))


def _bimodal(p: float) -> float:
    fast, slow = _FAST_AND_SLOW
    grid = [at / 10_000 for at in range(50_000)]
    return grid[bisect_left(grid, p, key=lambda at: (1 - _SLOW) * fast.cdf(at) + _SLOW * slow.cdf(at))]


def _wait(load: float) -> Callable[[float], float]:
    return lambda p: 0.0 if p <= 1 - load else -math.log((1 - p) / load) / (1 - load)


_MEAN_OF_LOGNORMAL = math.exp(_SIGMA * _SIGMA / 2)
_MEAN_OF_BIMODAL = 0.92 * 0.2 + 0.08 * 2.0
SERIES = (
    Series("independent", _autoregressive(0.0), _lognormal, _MEAN_OF_LOGNORMAL),
    Series("independent, 8 % slow", _spells(1), _bimodal, _MEAN_OF_BIMODAL),
    Series("AR(1) 0.5", _autoregressive(0.5), _lognormal, _MEAN_OF_LOGNORMAL),
    Series("AR(1) 0.9", _autoregressive(0.9), _lognormal, _MEAN_OF_LOGNORMAL),
    Series("AR(1) 0.98", _autoregressive(0.98), _lognormal, _MEAN_OF_LOGNORMAL),
    Series("slow spells of 20", _spells(20), _bimodal, _MEAN_OF_BIMODAL),
    Series("slow spells of 100", _spells(100), _bimodal, _MEAN_OF_BIMODAL),
    Series("M/M/1 at 0.8", _queue(0.8, service=True), lambda p: -math.log(1 - p) / 0.2, 5.0),
    Series("M/M/1 at 0.8, waits", _queue(0.8, service=False), _wait(0.8), 4.0),
    Series("M/M/1 at 0.95, waits", _queue(0.95, service=False), _wait(0.95), 19.0),
)
BY_NAME = {series.name: series for series in SERIES}


class Sampled:
    """One run of a series as a sample, in slots of a second."""

    def __init__(self, values: Values) -> None:
        ordered = np.sort(values).tolist()
        self.ordered = SortedRuns([ordered])
        self.moments = Moments.of(ordered)
        seconds = range(0, len(values), PER_SECOND)
        self._slotted = SlottedValues((at, np.sort(values[at : at + PER_SECOND]).tolist()) for at in seconds)
        self.effective_n = min(self.effective_above(self.ordered.quantile(tail)) for tail in TAILS)

    def effective_above(self, threshold: float) -> int:
        return self._slotted.effective_above(threshold)


def by_second(bad: Values) -> list[tuple[int, int]]:
    """Return the bad and all requests of each second."""
    counts = np.add.reduceat(bad.astype(int), range(0, len(bad), PER_SECOND)).tolist()
    sizes = [PER_SECOND] * (len(bad) // PER_SECOND) + [len(bad) % PER_SECOND or PER_SECOND]
    return list(zip(counts, sizes, strict=False))


def coverage(
    series: Series, n: int, runs: int, percentiles: Sequence[float], seed: int = 0
) -> dict[float, tuple[float, float]]:
    """Return in which share of runs the interval of each percentile holds the truth, and in which it has both ends.

    An end that is not told holds.
    """
    held, told = Counter[float](), Counter[float]()
    for values in series.draw(np.random.default_rng(seed), runs, n):
        sample = Sampled(values)
        for p in percentiles:
            found, truth = percentile(sample, p), series.quantile(p / 100)
            held[p] += (found.low is None or found.low <= truth) and (found.high is None or truth <= found.high)
            told[p] += found.low is not None and found.high is not None
    return {p: (held[p] / runs, told[p] / runs) for p in percentiles}


def coverage_of_the_mean(series: Series, n: int, runs: int, seed: int = 0) -> float:
    """Return in which share of runs the interval of the mean holds the truth, if one is told."""
    held = 0
    for values in series.draw(np.random.default_rng(seed), runs, n):
        found = mean_deviation(deviations(values, series.mean))
        assert found is not None
        held += abs(found.mean) <= found.margin(0.95)
    return held / runs


def deviations(values: Values, limit: float) -> list[Deviations]:
    """Return the deviations from a limit by second."""
    off = values - limit
    seconds = range(0, len(values), PER_SECOND)
    totals, squares = (np.add.reduceat(one, seconds).tolist() for one in (off, off * off))
    return [Deviations(total, PER_SECOND, square) for total, square in zip(totals, squares, strict=True)]


@dataclass(frozen=True)
class Verdicts:
    """The share of runs with each verdict."""

    failed: float
    passed: float
    proven: float
    compared: float
    """The share that a bare comparison of the observed percentile with its limit would have failed."""


def verdicts(series: Series, n: int, runs: int, p: float, ratio: float = 1.0, seed: int = 0) -> Verdicts:
    """Judge a percentile whose true value is `ratio` times its limit."""
    limit, budget = series.quantile(p / 100) / ratio, 1 - p / 100
    found, proven, missed = [], 0, 0
    for values in series.draw(np.random.default_rng(seed), runs, n):
        bad = values >= limit if limit else values > limit
        seen = BadEvents(by_second(bad))
        holds = seen.k <= budget * n
        tail_n = None if values.max() * 2 < limit else Sampled(values).effective_n
        status, is_proven = judge_share(BadBounds(seen, seen), budget, holds=holds, tail_n=tail_n)
        found.append(status)
        proven += bool(is_proven)
        missed += not holds
    return Verdicts(found.count(Status.FAIL) / runs, found.count(Status.PASS) / runs, proven / runs, missed / runs)


def stopped(expr: str, runs: Iterator[Values]) -> list[int]:
    """Return after how many requests `expr` with `abort: true` ends each run, given which are bad; 0 for never."""
    objective = with_options(parse(expr), ObjectiveOptions(abort=True))
    return [_stopped(objective, by_second(bad)) for bad in runs]


def _stopped(objective: Objective, seconds: list[tuple[int, int]]) -> int:
    info = ProfileInfo(name="x", sha256="x")
    stages = (StageInfo(name="s", for_s=1e6),)
    run = RunInfo(run_id="x", profile=info, started_at="", load_kind="open", stages=stages, workers=1, base_url="")
    monitor, merged, n = AbortMonitor([objective]), MergedSnapshot([objective], run), 0
    for second, (bad, count) in enumerate(seconds):
        counts = SlotCounts(n=count, bad_at_least=bad, bad_at_most=bad, ended_ok=count)
        merged.counts[objective].put(Position(0, second, "a"), [counts])
        n += count
        if monitor.breach(merged, float(second + 1)):
            return n
    return 0


def bad_latencies(series: Series, limit: float, runs: int, n: int, seed: int = 0) -> Iterator[Values]:
    """Yield which requests of each run are beyond a limit."""
    return (
        values >= limit if limit else values > limit for values in series.draw(np.random.default_rng(seed), runs, n)
    )


def bad_requests(share: float, length: float, runs: int, n: int, seed: int = 0) -> Iterator[Values]:
    """Yield which requests of each run fail, in clusters of that mean length."""
    rng = np.random.default_rng(seed)
    return (clustered(rng, n, share, length) for _ in range(runs))
