"""The queue that a relay bounds: how many requests it holds at once, served or waiting, before it refuses more.

A refusal by a full queue comes when the relay holds as many as it ever does. So the queue is told from other failures
by what was in flight at each refusal. The client sees a request a little longer than the relay holds it, which is
allowed for by the time that refusals take.
"""

from bisect import bisect_right
from collections.abc import Sequence
from statistics import median, median_low
from typing import NamedTuple

from msgspec import Struct

_FEWEST = 8
"""With fewer refusals no queue is told."""
_NEARLY = 0.9
"""The share of refusals that must fit."""
_MOST_SLACK = 0.1
"""The part of what is in flight that may be on its way."""


class Span(NamedTuple):
    """When a request was sent and when it ended, in seconds."""

    sent_at_s: float
    ended_at_s: float


class FullQueue(Struct, frozen=True, kw_only=True):
    """A queue that was full."""

    in_flight: int
    """The most requests that the relay holds at once, served or waiting."""
    per_s: float
    """The mean rate of the requests that it took."""

    def __str__(self) -> str:
        return f"a bounded queue refuses more than {self.in_flight} requests at once"


def full_queue(
    taken: Sequence[Span], refused: Sequence[Span], for_s: float, users: int | None = None
) -> FullQueue | None:
    """Return the queue whose bound explains the refusals of a load of that length; None if there is none.

    `users` are those of a closed load, who keep as many in flight whatever the reason of a failure is.
    """
    if len(refused) < _FEWEST or not taken:
        return None
    sent, ended = sorted(span.sent_at_s for span in taken), sorted(span.ended_at_s for span in taken)
    most = max(_in_flight(sent, ended, at_s) for at_s in sent)
    if users is not None and most >= users:
        return None
    per_s = len(taken) / for_s
    slack = 1 + min(_MOST_SLACK * most, per_s * median(span.ended_at_s - span.sent_at_s for span in refused))
    in_flight = [_in_flight(sent, ended, span.sent_at_s) for span in refused]
    full = sum(each >= most - slack for each in in_flight)
    return FullQueue(in_flight=median_low(in_flight), per_s=per_s) if full >= _NEARLY * len(refused) else None


def _in_flight(sent: Sequence[float], ended: Sequence[float], at_s: float) -> int:
    return bisect_right(sent, at_s) - bisect_right(ended, at_s)
