"""How late each arrival may start without breaking a limit.

Let at most m arrivals start in any window of w seconds. If every arrival starts w or more before its m-th successor
is due, no m + 1 of them start within w: the last of them is never early, and the first starts w before it is due.
"""

from collections.abc import Iterable, Iterator
from itertools import groupby, islice, tee
from math import inf
from operator import attrgetter

from msgspec.structs import replace

from relayload.core.errors import AuthorError
from relayload.core.traffic.arrivals import Arrival
from relayload.core.traffic.limits import Limits

_INDEX = attrgetter("index")


def with_slack(arrivals: Iterable[Arrival], limits: Limits) -> Iterator[Arrival]:
    """Yield the arrivals, in order of time, with their `slack_s`.

    It reads ahead by as many as a limit allows. The copies of an arrival for several targets count as one. Raises
    AuthorError at a row of a trace that can't be read, after the arrivals before it.
    """
    fault: list[AuthorError] = []
    own, *others = tee(_until_fault(arrivals, fault), 1 + len(limits.windows))
    successors = [
        (window_s, islice(_due_at_s(other), most, None))
        for (window_s, most), other in zip(limits.windows, others, strict=True)
    ]
    for _, copies in groupby(own, _INDEX):
        latest_s = min((next(due_at_s, inf) - window_s for window_s, due_at_s in successors), default=inf)
        for arrival in copies:
            yield replace(arrival, slack_s=latest_s - arrival.intended_at_s)
    if fault:
        raise fault[0]


def _until_fault(arrivals: Iterable[Arrival], fault: list[AuthorError]) -> Iterator[Arrival]:
    try:
        yield from arrivals
    except AuthorError as error:
        fault.append(error)


def _due_at_s(arrivals: Iterable[Arrival]) -> Iterator[float]:
    return (next(copies).intended_at_s for _, copies in groupby(arrivals, _INDEX))
