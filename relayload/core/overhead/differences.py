"""What a relay adds at each percentile, and whether that is above what the direct way differs from itself by.

The same estimator tells both: the interval of the direct way against itself (A/A) holds every difference that chance,
the order of sending and whatever else has nothing to do with a relay may have made. Its farther end is the floor. Below
it a difference is not measurable, whatever its own interval says; above it, one is measured if its interval leaves out
0. So a relay that adds nothing is accused in less than the 5 % in which its interval leaves out 0 by chance.
"""

from collections.abc import Mapping, Sequence

from relayload.core.metrics.paired import Added, added
from relayload.core.overhead.exchanges import QUANTITIES, Pair, Quantity
from relayload.core.overhead.findings import AddedPercentile, Finding, Measure

Floor = Mapping[tuple[str, float], float | None]
"""By quantity and percentile."""


def floor_of(measures: Sequence[Measure]) -> dict[tuple[str, float], float | None]:
    """Return the floor that the direct way against itself shows."""
    return {(measure.name, at.p): at.floor for measure in measures for at in measure.percentiles}


def measures(pairs: Sequence[Pair], floor: Floor | None = None) -> tuple[Measure, ...]:
    """Return the differences of each quantity that any pair has.

    Without a floor the pairs are those of the direct way against itself, and make one.
    """
    found = ((name, _compared(quantity, pairs)) for name, quantity in QUANTITIES.items())
    return tuple(
        Measure(
            name=name,
            unit=QUANTITIES[name].unit,
            percentiles=tuple(
                _judged(each, _farther_end(each) if floor is None else floor.get((name, each.p))) for each in compared
            ),
        )
        for name, compared in found
        if compared
    )


def _compared(quantity: Quantity, pairs: Sequence[Pair]) -> list[Added]:
    values = [(quantity.read(pair.direct), quantity.read(pair.relay)) for pair in pairs]
    both = [(direct, relay) for direct, relay in values if direct is not None and relay is not None]
    return added([direct for direct, _ in both], [relay for _, relay in both], quantity.percentiles)


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


def _farther_end(at: Added) -> float | None:
    return None if at.low is None or at.high is None else max(abs(at.low), abs(at.high))
