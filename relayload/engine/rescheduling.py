"""A schedule that is made anew in the middle of a run, since its rate was changed."""

from collections.abc import Iterator
from itertools import chain, islice

import gevent

from relayload.core.traffic.arrivals import Arrival

_AT_ONCE = 500
"""Arrivals that are passed over per turn of the event loop: about a millisecond."""


def due_after(arrivals: Iterator[Arrival], after_s: float) -> Iterator[Arrival]:
    """Return those that are due after an instant. Other greenlets go on while the others are passed over."""
    while piece := list(islice(arrivals, _AT_ONCE)):
        if piece[-1].intended_at_s > after_s:
            return chain((arrival for arrival in piece if arrival.intended_at_s > after_s), arrivals)
        gevent.sleep(0)
    return iter(())
