"""The queue that a relay bounds: how many requests it holds at once, served or waiting, before it refuses more.

A full queue refuses whatever finds as many requests in flight, and takes what finds fewer. So it is told from other
failures by how many were in flight when a request was sent. The client sees requests a little longer than the relay
holds them, which is allowed for by the time that refusals take.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from statistics import median, median_low
from typing import NamedTuple

from msgspec import Struct

_FEWEST = 8
"""With fewer refusals no queue is told."""
_NEARLY = 0.9
"""The share of requests that must fit."""
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
    found, at_refusals = ([_in_flight(sent, ended, span.sent_at_s) for span in spans] for spans in (taken, refused))
    held, per_s = median_low(at_refusals), len(taken) / for_s
    slack = 1 + min(_MOST_SLACK * held, per_s * median(span.ended_at_s - span.sent_at_s for span in refused))
    fits = (
        sum(abs(each - held) <= slack for each in at_refusals) >= _NEARLY * len(refused)
        and sum(each <= held + slack - 1 for each in found) >= _NEARLY * len(taken)
        and (users is None or max(found) + 1 < users)
    )
    return FullQueue(in_flight=held, per_s=per_s) if held and fits else None


def _in_flight(sent: Sequence[float], ended: Sequence[float], at_s: float) -> int:
    """Return how many a request finds in flight that is sent then."""
    return bisect_left(sent, at_s) - bisect_right(ended, at_s)
