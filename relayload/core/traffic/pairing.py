"""Every arrival once for each target, so that targets can be compared.

All requests of an arrival are due at the same instant and say the same, so what differs between them is the target:
each target sees the whole schedule, where arrivals dealt out in turn would leave each half of it, at other instants and
with gaps of another distribution. None of them can profit from a cache that another one's prompt has just filled
behind both, since they are sent before any is answered.

What is sent first may still have it easier or harder, so the order changes by the sequence of Thue and Morse: of two
targets either is first in half of the arrivals, also among those of one of two, four or eight workers, and no trend
follows it. Source: Allouche & Shallit, The Ubiquitous Prouhet-Thue-Morse Sequence (1999).
"""

from collections.abc import Iterable, Iterator

from msgspec import structs

from relayload.core.traffic.arrivals import Arrival


def for_each_target(arrivals: Iterable[Arrival], targets: int) -> Iterator[Arrival]:
    """The arrivals, each as often as there are targets, two or more, and under the same index."""
    for arrival in arrivals:
        first = _digit_sum(arrival.index, targets)
        for step in range(targets):
            yield structs.replace(arrival, target=(first + step) % targets)


def _digit_sum(number: int, base: int) -> int:
    total = 0
    while number:
        number, digit = divmod(number, base)
        total += digit
    return total
