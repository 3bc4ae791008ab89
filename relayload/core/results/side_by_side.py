"""What each target adds to the first one of a run in which every arrival went to all of them."""

import math
from collections.abc import Mapping, Sequence
from decimal import Decimal
from random import Random

from msgspec import Struct

from relayload.core.results.fold import Fold
from relayload.core.results.paired import Added, added
from relayload.core.results.run import RunInfo
from relayload.core.results.targets import paid_at


class AddedAt(Struct, frozen=True, kw_only=True):
    """How much larger one percentile is than at the first target, with the 95 % interval of that, in seconds.

    A bound is None for less than fifty pairs.
    """

    p: float
    base: float
    new: float
    added: float
    low: float | None
    high: float | None


class Beside(Struct, frozen=True, kw_only=True):
    """One target beside the first. Latencies are of the pairs: arrivals of measured stages that ended ok at both."""

    target: str
    pairs: int
    ok_here_only: int
    """Arrivals of measured stages that ended ok here, and not at the first target."""
    ok_there_only: int
    """The other way round."""
    latency: tuple[AddedAt, ...] = ()
    ttft: tuple[AddedAt, ...] = ()
    """Of the pairs of streams."""
    usd: Decimal | None = None
    """What the whole run cost here, warm-up included; None where that is not known, or nothing has a price."""
    saved_usd: Decimal | None = None
    """By which that is below the cost at the first target."""
    saved_share: Decimal | None = None


class SideBySide(Struct, frozen=True, kw_only=True):
    """The targets of a run, compared with the first of them."""

    base: str
    base_usd: Decimal | None
    targets: tuple[Beside, ...]


def side_by_side(fold: Fold, run: RunInfo) -> SideBySide | None:
    """None where arrivals went to one target each."""
    if run.copies < 2:
        return None
    base, *others = run.targets
    answers, usd = _answers(fold, base), _usd(fold, run, base)
    rng = Random(f"{run.run_id}:comparison")
    return SideBySide(
        base=base, base_usd=usd, targets=tuple(_beside(fold, run, name, answers, usd, rng) for name in others)
    )


_Answers = Mapping[int, tuple[float, float]]
"""Latency and TTFT by index, NaN where there was no TTFT."""


def _answers(fold: Fold, target: str) -> _Answers:
    """Of the arrivals of measured stages that ended ok; later turns of a conversation differ between targets."""
    return {
        index: (latency_s, ttft_s)
        for key, cell in fold.cells.items()
        if key.ok and key.place.measured and key.place.target == target
        for index, latency_s, ttft_s in zip(cell.indices, cell.columns["latency"], cell.columns["ttft"], strict=True)
        if index >= 0
    }


def _beside(fold: Fold, run: RunInfo, target: str, there: _Answers, base_usd: Decimal | None, rng: Random) -> Beside:
    here = _answers(fold, target)
    both = sorted(here.keys() & there.keys())
    latencies, ttfts = ([(there[index][place], here[index][place]) for index in both] for place in (0, 1))
    usd = _usd(fold, run, target)
    saved = None if usd is None or base_usd is None else base_usd - usd
    return Beside(
        target=target,
        pairs=len(both),
        ok_here_only=len(here) - len(both),
        ok_there_only=len(there) - len(both),
        latency=_added(latencies, rng),
        ttft=_added([pair for pair in ttfts if not any(map(math.isnan, pair))], rng),
        usd=usd,
        saved_usd=saved,
        saved_share=(saved / base_usd).quantize(Decimal("0.0001")) if saved is not None and base_usd else None,
    )


def _added(pairs: Sequence[tuple[float, float]], rng: Random) -> tuple[AddedAt, ...]:
    return tuple(map(_at, added(pairs, rng)))


def _at(found: Added) -> AddedAt:
    return AddedAt(p=found.p, base=found.base, new=found.new, added=found.value, low=found.low, high=found.high)


def _usd(fold: Fold, run: RunInfo, target: str) -> Decimal | None:
    cost = paid_at(target, fold.cells, run)
    return cost.usd if cost.by_model else None
