"""A fixed list of requests in batches, with so many in flight at once."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Batches:
    """The whole list of requests. A batch begins when the one before has ended; the last one may be smaller."""

    requests: int
    batch_size: int
    max_concurrent: int
