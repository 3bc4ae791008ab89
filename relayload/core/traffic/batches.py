"""A fixed list of requests in batches, dealt out so that workers need not talk while they send.

There are `max_concurrent` places for requests in flight. The requests of a batch take the places in turn, from the
first on, and so do the workers. So each has as much to send as it has places to send from, and where there are more
workers than places, some have nothing to do.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from relayload.core.traffic.arrivals import Share


@dataclass(frozen=True, slots=True)
class BatchShare:
    """What one worker sends: batches of its own, the last one perhaps smaller."""

    indices: Sequence[int]
    batch_size: int
    max_concurrent: int


@dataclass(frozen=True, slots=True)
class Batches:
    """The whole list."""

    requests: int
    batch_size: int
    max_concurrent: int

    def of(self, share: Share) -> BatchShare:
        """A worker's part: all parts together are the whole, and so are their places."""
        places = range(share.number, self.max_concurrent, share.of)
        positions = [at for at in range(self.batch_size) if share.owns(at % self.max_concurrent)]
        starts = range(0, self.requests, self.batch_size)
        indices = [start + at for start in starts for at in positions if start + at < self.requests]
        return BatchShare(indices, len(positions), len(places))
