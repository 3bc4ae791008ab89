"""A fixed list of requests in batches, distributed so that workers need not communicate while they send.

There are `max_concurrent` slots for requests in flight. The requests of a batch are assigned to slots in turn, and so
are the slots to workers. Each worker sends in proportion to its slots; with more workers than slots, some are idle.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from relayload.core.traffic.arrivals import Share


@dataclass(frozen=True, slots=True)
class BatchShare:
    """The requests of one worker, in batches of its own. The last one may be smaller."""

    indices: Sequence[int]
    batch_size: int
    max_concurrent: int


@dataclass(frozen=True, slots=True)
class Batches:
    """The whole list of requests."""

    requests: int
    batch_size: int
    max_concurrent: int

    def of(self, share: Share) -> BatchShare:
        """Return a worker's part. The parts add up to the whole, and so do their slots."""
        slots = range(share.number, self.max_concurrent, share.of)
        positions = [at for at in range(self.batch_size) if share.owns(at % self.max_concurrent)]
        starts = range(0, self.requests, self.batch_size)
        indices = [start + at for start in starts for at in positions if start + at < self.requests]
        return BatchShare(indices, len(positions), len(slots))
