"""Two sets of runs against one another: has anything become worse by more than is tolerated?

Requests of one run are slow together, and runs differ from one another though nothing was changed: pooled, requests
raise a false alarm four times in five. So each run gives one number per measure, and the sets are compared by their
runs: by the Hodges-Lehmann shift of the logarithms, which is a ratio, and the exact test of Mann and Whitney.

    FAIL          the new runs are worse by more than the tolerance (Holm's correction over all measures)
    PASS          they are not worse by that much
    INCONCLUSIVE  neither is proven; always so below six runs a side

Runs that can't be believed, or that were cut short, are left out. Most often it is a slow relay that spoils a run: so
where not being worse is to be proven, each new run that was left out counts as worse than all others. A side that has
lost its bad runs can't pass for that.
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
_ALPHA = 0.025
"""One-sided, as the ends of the 95 % interval have it."""
_LEAST_SHARE = 0.001
"""Where hardly any request fails, a part of the few that do would be no tolerance at all."""
_ALL = 700.0
"""By so much nothing falls on any scale, so that what may be lost altogether can't become worse."""
_EXIT_CODES = {
    Status.PASS: ExitCode.PASS,
    Status.FAIL: ExitCode.FAIL,
    Status.INCONCLUSIVE: ExitCode.UNPROVEN,
    Status.INVALID: ExitCode.UNPROVEN,
}

Run = Mapping[str, Measure]


class Effect(Struct, frozen=True, kw_only=True):
    """What became of one measure. `change` is -0.1 for a tenth less; of a share it is the difference."""

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
    """The interval knows how runs differ; else only how requests of one run do."""
    p: float | None
    """Of there being no change; None below six runs a side."""
    verdict: Status


class Side(StrEnum):
    """Which of the two sets."""

    BASE = "base"
    NEW = "new"


class LeftOut(Struct, frozen=True, kw_only=True):
    """A run that was given and not compared."""

    side: Side
    run: str
    why: str


class Comparison(Struct, frozen=True, kw_only=True):
    """What `relayload compare --json` tells."""

    verdict: Status
    exit_code: int
    tolerance: float
    base_runs: int
    """That were compared, as those of `new_runs`."""
    new_runs: int
    effects: tuple[Effect, ...]
    reasons: tuple[str, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    warnings: tuple[str, ...] = ()
    schema_version: int = 1

    def left_out_of(self, side: Side) -> int:
        """How many runs of that side were not compared."""
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
    """What some runs have and others have not."""
    names = dict.fromkeys(name for run in runs for name in run if name not in compared)
    return [f"not every run has {', '.join(names)}"] if names else []


def _count(left_out: Sequence[LeftOut], side: Side) -> int:
    return sum(run.side is side for run in left_out)


def _refused(base_runs: int, new_runs: int, tolerance: float, left_out: Sequence[LeftOut]) -> Comparison:
    """What is told where a side has no run that can be believed, so that nothing is compared."""
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
    """Where it is for what was left out alone that nothing is proven."""
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
    told: Callable[[float], float] = math.expm1 if first.relative else float
    return Effect(
        name=first.name,
        unit=first.unit,
        relative=first.relative,
        base=median(measure.value for measure in base),
        new=median(measure.value for measure in new),
        change=told(found.value),
        low=None if found.low is None else told(found.low),
        high=None if found.high is None else told(found.high),
        between_runs=between,
        p=p_different(_scaled(base), _scaled(new)) if enough else None,
        verdict=_word(base, new, tolerance, p_worse, unseen) if enough else Status.INCONCLUSIVE,
    )


def _word(base: Sequence[Measure], new: Sequence[Measure], tolerance: float, p_worse: float, unseen: int) -> Status:
    if p_worse <= _ALPHA:
        return Status.FAIL
    return Status.PASS if _p_not_worse(base, new, tolerance, unseen) <= _ALPHA else Status.INCONCLUSIVE


def _p_worse(base: Sequence[Measure], new: Sequence[Measure], tolerance: float) -> float:
    """P-value of "not worse by more than the tolerance"."""
    by = _tolerated(base, tolerance)
    if base[0].more_is_worse:
        return p_above(_scaled(base), _scaled(new), by)
    return p_below(_scaled(base), _scaled(new), by)


def _p_not_worse(base: Sequence[Measure], new: Sequence[Measure], tolerance: float, unseen: int) -> float:
    """P-value of "worse by the tolerance or more", where so many further new runs are worse than all others."""
    by = _tolerated(base, tolerance)
    if base[0].more_is_worse:
        return p_below(_scaled(base), [*_scaled(new), *[math.inf] * unseen], by)
    return p_above(_scaled(base), [*_scaled(new), *[-math.inf] * unseen], by)


def _tolerated(base: Sequence[Measure], tolerance: float) -> float:
    """The shift that is tolerated, on the scale of the measure; of a share that part of the base's, or 0.1 %."""
    first = base[0]
    if tolerance >= 1 and not first.more_is_worse:
        return -_ALL
    if not first.relative:
        by = max(_LEAST_SHARE, tolerance * median(measure.value for measure in base))
        return by if first.more_is_worse else -by
    return math.log1p(tolerance) if first.more_is_worse else math.log1p(-tolerance)


def _within(base: Measure, new: Measure) -> Shift:
    """One run against one: what their own intervals leave open, which is less than what another run would show."""
    value = new.scaled(new.value) - base.scaled(base.value)
    low = None if new.low is None or base.high is None else new.scaled(new.low) - base.scaled(base.high)
    high = None if new.high is None or base.low is None else new.scaled(new.high) - base.scaled(base.low)
    return Shift(value, low, high)


def _scaled(measures: Sequence[Measure]) -> list[float]:
    return [measure.scaled(measure.value) for measure in measures]
