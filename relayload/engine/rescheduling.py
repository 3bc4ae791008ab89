"""A schedule that is made anew in the middle of a run, since its rate was changed."""

from collections.abc import Iterator
from itertools import chain, islice

import gevent

from relayload.core.traffic.arrivals import Arrival

_AT_ONCE = 500
"""Arrivals that are passed over per turn of the event loop: about a millisecond."""
_PAUSE_S = 1e-6
"""Not 0: gevent looks at timers and sockets again only after fifty greenlets that wait for nothing."""


def due_after(arrivals: Iterator[Arrival], after_s: float, ahead: int = 0) -> Iterator[Arrival]:
    """Return those that are due after an instant, of which so many are needed at once.

    Other greenlets go on while the others are passed over and these are read.
    """
    found: list[Arrival] = []
    while len(found) <= ahead and (piece := list(islice(arrivals, _AT_ONCE))):
        found += (arrival for arrival in piece if arrival.intended_at_s > after_s)
        gevent.sleep(_PAUSE_S)
    return chain(found, arrivals)
