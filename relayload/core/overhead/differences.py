"""What a relay adds at each percentile, and whether that is above what the direct way differs from itself by.

The same estimator tells both: the interval of the direct way against itself (A/A) holds every difference that chance,
the order of sending and whatever else has nothing to do with a relay may have made. Its farther end is the floor. Below
it a difference is not measurable, whatever its own interval says; above it, one is measured if its interval leaves out
0. So a relay that adds nothing is accused in less than the 5 % in which its interval leaves out 0 by chance.
"""

from collections.abc import Iterator, Mapping, Sequence
from statistics import median

from msgspec.structs import replace

from relayload.core.metrics.paired import Added, added
from relayload.core.overhead.exchanges import QUANTITIES, Pair, Quantity
from relayload.core.overhead.findings import AddedPercentile, Finding, Measure

Floor = Mapping[tuple[str, float, bool], float | None]
"""By quantity, percentile and whether it is one of the differences of pairs."""
_MIDDLE = 50.0


def floor_of(measures: Sequence[Measure]) -> dict[tuple[str, float, bool], float | None]:
    """Return the floor that the direct way against itself shows."""
    return {(measure.name, at.p, at.per_pair): at.floor for measure in measures for at in measure.percentiles}


def measures(pairs: Sequence[Pair], floor: Floor | None = None) -> tuple[Measure, ...]:
    """Return the differences of each quantity that any pair has.

    Without a floor the pairs are those of the direct way against itself, and make one.
    """
    found = ((name, tuple(_compared(name, quantity, pairs, floor))) for name, quantity in QUANTITIES.items())
    return tuple(Measure(name=name, unit=QUANTITIES[name].unit, percentiles=judged) for name, judged in found if judged)


def _compared(name: str, quantity: Quantity, pairs: Sequence[Pair], floor: Floor | None) -> Iterator[AddedPercentile]:
    values = [(quantity.read(pair.direct), quantity.read(pair.relay)) for pair in pairs]
    both = [(direct, relay) for direct, relay in values if direct is not None and relay is not None]
    if not both:
        return
    before, after = [direct for direct, _ in both], [relay for _, relay in both]
    usual = median(before)
    middle = _per_pair(before, after)
    known = _farther_end(middle, quantity, usual) if floor is None else floor.get((name, _MIDDLE, True))
    yield replace(_judged(middle, known), per_pair=True, direct=usual, relay=median(after))
    for found in added(before, after, quantity.percentiles):
        known = _farther_end(found, quantity, found.base) if floor is None else floor.get((name, found.p, False))
        yield _judged(found, known)


def _per_pair(before: Sequence[float], after: Sequence[float]) -> Added:
    """Return the median of the differences of pairs.

    What both requests of a pair have in common is in no difference, so its interval is the narrowest.
    """
    differences = [relay - direct for direct, relay in zip(before, after, strict=True)]
    (found,) = added([0.0] * len(differences), differences, [_MIDDLE])
    return found


def _judged(found: Added, floor: float | None) -> AddedPercentile:
    return AddedPercentile(
        p=found.p,
        direct=found.base,
        relay=found.new,
        added=found.value,
        low=found.low,
        high=found.high,
        floor=floor,
        pairs=found.n,
        effective_pairs=found.effective_n,
        pairs_needed=found.pairs_needed,
        finding=_finding(found, floor),
    )


def _finding(found: Added, floor: float | None) -> Finding:
    if found.low is None or found.high is None or floor is None:
        return Finding.TOO_FEW
    if abs(found.value) <= floor:
        return Finding.NOT_MEASURABLE
    return Finding.UNPROVEN if found.low <= 0 <= found.high else Finding.MEASURED


def _farther_end(at: Added, quantity: Quantity, usual: float) -> float | None:
    """Return the floor that an interval of A/A makes, and at least what is resolved of the usual value."""
    if at.low is None or at.high is None:
        return None
    return max(abs(at.low), abs(at.high), quantity.resolution * usual)
