"""Repeats every arrival for each target, so that targets can be compared.

All requests of an arrival are due at the same instant with the same content, so they differ only in the target. Each
target sees the whole schedule; alternating arrivals would give each half of it, at other instants and with another
distribution of gaps. No target profits from a shared cache that another's prompt has just filled, because all are sent
before any is answered.

Being sent first may still help or hurt, so the order follows the Thue-Morse sequence: each of two targets is first in
half of the arrivals, even within one of two, four or eight workers, and the order correlates with no trend. Source:
Allouche & Shallit, The Ubiquitous Prouhet-Thue-Morse Sequence (1999). Where each target must follow each other one as
often, or nothing may foresee the order, it is drawn for every arrival instead.
"""

from collections.abc import Iterable, Iterator
from random import Random

from msgspec import structs

from relayload.core.traffic.arrivals import Arrival


def for_each_target(arrivals: Iterable[Arrival], targets: int, seed: int | None = None) -> Iterator[Arrival]:
    """Yield each arrival once per target, under the same index. There must be at least two targets.

    With a seed the order is drawn.
    """
    for arrival in arrivals:
        for target in order(arrival.index, targets, seed):
            yield structs.replace(arrival, target=target)


def order(index: int, targets: int, seed: int | None = None) -> list[int]:
    """Return the positions of the targets in the order in which an arrival is sent to them; with a seed it is drawn."""
    if seed is not None:
        return Random(f"{seed}:{index}:order").sample(range(targets), targets)
    first = _digit_sum(index, targets)
    return [(first + step) % targets for step in range(targets)]


def _digit_sum(number: int, base: int) -> int:
    total = 0
    while number:
        number, digit = divmod(number, base)
        total += digit
    return total
