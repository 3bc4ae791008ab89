"""How much each target adds to the first one of a run in which every arrival went to all of them."""

from array import array
from dataclasses import dataclass
from decimal import Decimal
from math import isnan
from typing import NamedTuple

from msgspec import Struct

from relayload.core.metrics.catalog import shown_in
from relayload.core.metrics.cost import paid_at
from relayload.core.metrics.fold import Fold
from relayload.core.metrics.metric import Output
from relayload.core.metrics.paired import Added, added
from relayload.core.model.run import RunInfo
from relayload.core.price import check_money


class AddedAt(Struct, frozen=True, kw_only=True):
    """How much larger one percentile is than at the first target, with the 95 % interval of that, in seconds.

    The bounds are None where the pairs are too few to tell: a p99 takes as many as tell what 368 independent ones do.
    """

    p: float
    base: float
    new: float
    added: float
    low: float | None
    high: float | None
    n: int = 0
    """The number of pairs; 0 in summaries that predate it."""
    effective_n: int = 0
    """The number of independent pairs that would give as much information."""
    pairs_needed: int | None = None
    """About how many pairs like these an interval takes; None where there is one, and in summaries that predate it."""


class Beside(Struct, frozen=True, kw_only=True):
    """One target beside the first. Latencies are of the pairs: arrivals of measured stages that ended ok at both."""

    target: str
    pairs: int
    ok_here_only: int
    """Arrivals of measured stages that ended ok here, and not at the first target."""
    ok_there_only: int
    """Arrivals of measured stages that ended ok at the first target, and not here."""
    latency: tuple[AddedAt, ...] = ()
    ttft: tuple[AddedAt, ...] = ()
    """The added TTFT, of pairs of streams only."""
    usd: Decimal | None = None
    """The cost of the whole run here, warm-up included; None where it is unknown or nothing has a price."""
    saved_usd: Decimal | None = None
    """The difference by which `usd` is below the cost at the first target."""
    saved_share: Decimal | None = None

    def __post_init__(self) -> None:
        check_money(self.usd, self.saved_usd, self.saved_share)


class SideBySide(Struct, frozen=True, kw_only=True):
    """The targets of a run, compared with the first of them."""

    base: str
    base_usd: Decimal | None
    targets: tuple[Beside, ...]


def side_by_side(fold: Fold, run: RunInfo) -> SideBySide | None:
    """Compare targets; None where arrivals went to one target each, or were too many to keep."""
    if run.copies < 2 or fold.condensed:
        return None
    base, *others = run.targets
    return SideBySide(
        base=base,
        base_usd=_usd(fold, run, base),
        targets=tuple(_beside(fold, run, base, name) for name in others),
    )


def _beside(fold: Fold, run: RunInfo, base: str, target: str) -> Beside:
    compared = {metric.name: _compared(fold, base, target, metric.name) for metric in shown_in(Output.SIDE_BY_SIDE)}
    latency = compared["latency"]
    base_usd, usd = _usd(fold, run, base), _usd(fold, run, target)
    saved = None if usd is None or base_usd is None else base_usd - usd
    return Beside(
        target=target,
        pairs=latency.pairs,
        ok_here_only=latency.here_only,
        ok_there_only=latency.there_only,
        **{metric: own.added for metric, own in compared.items()},
        usd=usd,
        saved_usd=saved,
        saved_share=(saved / base_usd).quantize(Decimal("0.0001")) if saved is not None and base_usd else None,
    )


class _Compared(NamedTuple):
    """One metric at two targets: the addition, and how many arrivals have it at both, or at one alone."""

    added: tuple[AddedAt, ...]
    pairs: int
    there_only: int
    here_only: int


def _compared(fold: Fold, base: str, target: str, metric: str) -> _Compared:
    there, here = _answers(fold, base, metric), _answers(fold, target, metric)
    before, after = there.also_in(here), here.also_in(there)
    there_only, here_only = len(there.values) - len(before), len(here.values) - len(after)
    del there, here  # else a run of a million pairs would hold each number twice
    return _Compared(tuple(map(_at, added(before, after))), len(before), there_only, here_only)


@dataclass(frozen=True, slots=True)
class _Answers:
    """The answers of one target in the order of the schedule: the indices of arrivals, and one value each."""

    indices: "array[int]"
    values: "array[float]"

    def also_in(self, other: "_Answers") -> "array[float]":
        """Return the values of the arrivals that the other has as well."""
        if self.indices == other.indices:
            return self.values
        found, place, last = array("d"), 0, len(other.indices)
        for index, value in zip(self.indices, self.values, strict=True):
            while place < last and other.indices[place] < index:
                place += 1
            if place < last and other.indices[place] == index:
                found.append(value)
                place += 1
        return found


def _answers(fold: Fold, target: str, metric: str) -> _Answers:
    """Return the answers of measured arrivals that ended ok; later turns differ between targets and are left out."""
    indices, values = array("q"), array("d")
    for tags, tagged in fold.by_tags.items():
        if tags.ok and tags.plan_tags.measured and tags.plan_tags.target == target:
            indices.extend(tagged.indices)
            values.extend(tagged.columns[metric])
    order = _order(indices, values)
    return _Answers(array("q", map(indices.__getitem__, order)), array("d", map(values.__getitem__, order)))


def _order(indices: "array[int]", values: "array[float]") -> "array[int]":
    """Return the positions of the measured values of arrivals, by index.

    Index and position are sorted as one number, which takes half the memory of sorting by a key.
    """
    size = len(indices)
    rows = enumerate(zip(indices, values, strict=True))
    numbers = sorted([index * size + place for place, (index, value) in rows if index >= 0 and not isnan(value)])
    return array("I", (number % size for number in numbers))


def _at(found: Added) -> AddedAt:
    return AddedAt(
        p=found.p,
        base=found.base,
        new=found.new,
        added=found.value,
        low=found.low,
        high=found.high,
        n=found.n,
        effective_n=found.effective_n,
        pairs_needed=found.pairs_needed,
    )


def _usd(fold: Fold, run: RunInfo, target: str) -> Decimal | None:
    cost = paid_at(target, fold.by_tags, run)
    return cost.usd if cost.by_model else None
