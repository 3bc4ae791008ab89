"""Compares two sets of runs: has anything become worse by more than is tolerated?

Requests of one run are slow together, and runs differ from one another without any change: pooled requests raise a
false alarm four times in five. So each run gives one number per measure, and the sets are compared by their runs: by
the Hodges-Lehmann shift of the logarithms, which is a ratio, and the exact test of Mann and Whitney.

    FAIL          the new runs are worse by more than the tolerance (Holm's correction over all measures)
    PASS          they are not worse by that much; a share of requests, not by more than so many can tell
    INCONCLUSIVE  neither is proven; always so below six runs a side

Runs that can't be trusted, or that were cut short, are left out. The usual cause is a slow relay: so to prove that the
new side is not worse, each of its left-out runs counts as worse than all others. A side can't pass by losing its bad
runs.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from statistics import median

from msgspec import Struct

from relayload.core.comparison.measures import Measure
from relayload.core.exit_codes import ExitCode
from relayload.core.model.verdict import Status
from relayload.core.stats.rank_sum import Shift, holm, p_above, p_below, p_different, shift

ENOUGH_RUNS = 6
ALPHA = 0.025
"""One-sided, to match the ends of the 95 % interval."""
LEAST_SHARE = 0.001
"""The least tolerance of a share: a part of a tiny base share would be no tolerance at all."""
_TOLD_APART = 4.0
"""The difference between shares, in binomial standard errors, that as many requests tell apart nearly always.

It is 1.96 for the test, and 2.05 so that 98 % of comparisons without a change pass.
"""
_ALL = 700.0
"""A shift beyond any scale, for measures that may be lost entirely and so can't become worse."""
_EXIT_CODES = {
    Status.PASS: ExitCode.PASS,
    Status.FAIL: ExitCode.FAIL,
    Status.INCONCLUSIVE: ExitCode.UNPROVEN,
    Status.INVALID: ExitCode.UNPROVEN,
}

Run = Mapping[str, Measure]


class Effect(Struct, frozen=True, kw_only=True):
    """The change of one measure. `change` is -0.1 for a tenth less; for a share it is the difference."""

    name: str
    unit: str
    relative: bool
    base: float
    """The median of the base runs."""
    new: float
    change: float
    low: float | None
    """With `high`, the 95 % interval of the change."""
    high: float | None
    between_runs: bool
    """The interval covers differences between runs; else only those between requests of one run."""
    p: float | None
    """The p-value of no change; None below six runs a side."""
    verdict: Status


class Side(StrEnum):
    """One of the two sets of runs."""

    BASE = "base"
    NEW = "new"


class LeftOut(Struct, frozen=True, kw_only=True):
    """A run that was not compared."""

    side: Side
    run: str
    why: str


class Comparison(Struct, frozen=True, kw_only=True):
    """The content of `relayload compare --json`."""

    verdict: Status
    exit_code: int
    tolerance: float
    base_runs: int
    """The number of base runs that were compared; `new_runs` likewise."""
    new_runs: int
    effects: tuple[Effect, ...]
    reasons: tuple[str, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    warnings: tuple[str, ...] = ()
    schema_version: int = 1

    def left_out_of(self, side: Side) -> int:
        """Return how many runs of that side were not compared."""
        return _count(self.left_out, side)


def compare(
    base: Sequence[Run],
    new: Sequence[Run],
    tolerance: float,
    warnings: Sequence[str] = (),
    left_out: Sequence[LeftOut] = (),
) -> Comparison:
    """Compare two sets of runs by every measure that all of them have; INVALID where a side has none."""
    if not base or not new:
        return _refused(len(base), len(new), tolerance, left_out)
    unseen = _count(left_out, Side.NEW)
    enough = min(len(base), len(new)) >= ENOUGH_RUNS
    names = [name for name in base[0] if all(name in run for run in (*base, *new))]
    pairs = [([run[name] for run in base], [run[name] for run in new]) for name in names]
    worse = holm([_p_worse(*pair, tolerance) for pair in pairs]) if enough else [1.0] * len(pairs)
    effects = tuple(_effect(*pair, tolerance, p, enough, unseen) for pair, p in zip(pairs, worse, strict=True))
    status = _whole(effects)
    return Comparison(
        verdict=status,
        exit_code=_EXIT_CODES[status],
        tolerance=tolerance,
        base_runs=len(base),
        new_runs=len(new),
        effects=effects,
        reasons=(*_reasons(effects, enough, left_out), *_unseen_reason(base, new, tolerance, status, unseen)),
        left_out=tuple(left_out),
        warnings=(*warnings, *_missing((*base, *new), names)),
    )


def _missing(runs: Sequence[Run], compared: Sequence[str]) -> list[str]:
    """Return the measures that only some of the runs have."""
    names = dict.fromkeys(name for run in runs for name in run if name not in compared)
    return [f"not every run has {', '.join(names)}"] if names else []


def _count(left_out: Sequence[LeftOut], side: Side) -> int:
    return sum(run.side is side for run in left_out)


def _refused(base_runs: int, new_runs: int, tolerance: float, left_out: Sequence[LeftOut]) -> Comparison:
    """Return the result where a side has no trustworthy run, so that nothing is compared."""
    empty = [side for side, runs in ((Side.BASE, base_runs), (Side.NEW, new_runs)) if not runs]
    return Comparison(
        verdict=Status.INVALID,
        exit_code=_EXIT_CODES[Status.INVALID],
        tolerance=tolerance,
        base_runs=base_runs,
        new_runs=new_runs,
        effects=(),
        reasons=tuple(f"no {side} run is left to compare" for side in empty),
        left_out=tuple(left_out),
    )


def _whole(effects: Sequence[Effect]) -> Status:
    statuses = {effect.verdict for effect in effects}
    if Status.FAIL in statuses:
        return Status.FAIL
    return Status.PASS if statuses == {Status.PASS} else Status.INCONCLUSIVE


def _reasons(effects: Sequence[Effect], enough: bool, left_out: Sequence[LeftOut]) -> tuple[str, ...]:
    if not effects:
        return ("the runs have no measure in common",)
    if not enough:
        needed = ENOUGH_RUNS + max(_count(left_out, side) for side in Side)
        few = f"fewer than {ENOUGH_RUNS} runs a side can't tell noise from change"
        return (f"{few}: write relayload run --repeat {needed}",)
    return tuple(f"{effect.name} became worse" for effect in effects if effect.verdict is Status.FAIL)


def _unseen_reason(base: Sequence[Run], new: Sequence[Run], tolerance: float, status: Status, unseen: int) -> list[str]:
    """Return the reason if the left-out runs alone prevent a proof."""
    if not unseen or status is not Status.INCONCLUSIVE or compare(base, new, tolerance).verdict is not Status.PASS:
        return []
    return [
        f"too many new runs were left out, {unseen} of {unseen + len(new)}: had they been worse, it would be no PASS"
    ]


def _effect(
    base: Sequence[Measure], new: Sequence[Measure], tolerance: float, p_worse: float, enough: bool, unseen: int
) -> Effect:
    first = base[0]
    found = shift(_scaled(base), _scaled(new))
    between = found.low is not None
    if not between and len(base) == len(new) == 1:
        found = _within(base[0], new[0])
    unscaled: Callable[[float], float] = math.expm1 if first.relative else float
    return Effect(
        name=first.name,
        unit=first.unit,
        relative=first.relative,
        base=median(measure.value for measure in base),
        new=median(measure.value for measure in new),
        change=unscaled(found.value),
        low=None if found.low is None else unscaled(found.low),
        high=None if found.high is None else unscaled(found.high),
        between_runs=between,
        p=p_different(_scaled(base), _scaled(new)) if enough else None,
        verdict=_status(base, new, tolerance, p_worse, unseen) if enough else Status.INCONCLUSIVE,
    )


def _status(base: Sequence[Measure], new: Sequence[Measure], tolerance: float, p_worse: float, unseen: int) -> Status:
    if p_worse <= ALPHA:
        return Status.FAIL
    return Status.PASS if _p_not_worse(base, new, tolerance, unseen) <= ALPHA else Status.INCONCLUSIVE


def _p_worse(base: Sequence[Measure], new: Sequence[Measure], tolerance: float) -> float:
    """Return the p-value of "not worse by more than the tolerance"."""
    by = _tolerated(base, tolerance)
    if base[0].more_is_worse:
        return p_above(_scaled(base), _scaled(new), by)
    return p_below(_scaled(base), _scaled(new), by)


def _p_not_worse(base: Sequence[Measure], new: Sequence[Measure], tolerance: float, unseen: int) -> float:
    """Return the p-value of "worse by the tolerance or more", with this many unseen new runs worse than all others."""
    by = _tolerated(base, tolerance, at_least=_told_apart(base, new))
    if base[0].more_is_worse:
        return p_below(_scaled(base), [*_scaled(new), *[math.inf] * unseen], by)
    return p_above(_scaled(base), [*_scaled(new), *[-math.inf] * unseen], by)


def _tolerated(base: Sequence[Measure], tolerance: float, at_least: float = LEAST_SHARE) -> float:
    """Return the tolerated shift on the scale of the measure; for a share a part of the base's, or `at_least`."""
    first = base[0]
    if tolerance >= 1 and not first.more_is_worse:
        return -_ALL
    if not first.relative:
        by = max(at_least, tolerance * median(measure.value for measure in base))
        return by if first.more_is_worse else -by
    return math.log1p(tolerance) if first.more_is_worse else math.log1p(-tolerance)


def worse_from(base: Sequence[Measure], tolerance: float) -> float:
    """Return the change beyond which a measure is worse by more than is tolerated; below 0 where less is worse."""
    by = _tolerated(base, tolerance)
    return math.expm1(by) if base[0].relative else by


def _told_apart(base: Sequence[Measure], new: Sequence[Measure]) -> float:
    """Return the difference between two shares that so many requests tell apart: 4 √(p (1 - p) (1/n₁ + 1/n₂)).

    These runs could hardly prove a smaller one absent, since independent failures alone differ by as much.
    """
    sides = [_pooled(side) for side in (base, new)]
    n = [of for _, of in sides]
    if not all(n):
        return LEAST_SHARE
    share = sum(part for part, _ in sides) / sum(n)
    return max(LEAST_SHARE, _TOLD_APART * math.sqrt(share * (1 - share) * sum(1 / of for of in n)))


def _pooled(measures: Sequence[Measure]) -> tuple[float, int]:
    """Return the requests that a share counts, and all of them, over several runs; zeros if that is unknown."""
    known = [(measure.value * measure.of, measure.of) for measure in measures if measure.of]
    return math.fsum(part for part, _ in known), sum(of for _, of in known)


def _within(base: Measure, new: Measure) -> Shift:
    """Compare one run with one by their own intervals, which understate the differences between runs."""
    value = new.scaled(new.value) - base.scaled(base.value)
    low = None if new.low is None or base.high is None else new.scaled(new.low) - base.scaled(base.high)
    high = None if new.high is None or base.low is None else new.scaled(new.high) - base.scaled(base.low)
    return Shift(value, low, high)


def _scaled(measures: Sequence[Measure]) -> list[float]:
    return [measure.scaled(measure.value) for measure in measures]
