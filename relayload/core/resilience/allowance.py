"""Leases a cap to workers in small parts, so that they never pass it together, whoever hangs or dies.

The master gives out of a pool. What it has ever given counts as spent; only its holder can hand it back. All numbers
are totals of the run, so messages that are lost or repeated do no harm.
"""

from collections.abc import Sequence

from msgspec import Struct


class Draw(Struct, frozen=True):
    """What a worker says of its part of a cap."""

    spent: int = 0
    returned: int = 0
    """What it has handed back, ever."""
    waiting: int = 0
    """What its first request needs for which its part was too small; 0 while none waits."""
    needs: int = 0
    """What it would like to have unspent until its next renewal."""


class Allowance(Struct, frozen=True):
    """What the master answers."""

    given: int = 0
    """What the worker was given, ever: it may spend that less what it has handed back."""
    hand_back: bool = False
    """Others wait for what this worker has not spent."""
    nothing_left: bool = False
    """What its waiting request needs can't be had any more."""


NOTHING_SAID = Draw()


class Cap:
    """The master's account of one cap. It takes the draws of a worker in the order in which they were sent."""

    def __init__(self, amount: int) -> None:
        self._amount = amount
        self._given: dict[int, int] = {}
        self._draws: dict[int, Draw] = {}

    def renew(self, worker: int, draw: Draw, alive: Sequence[int]) -> Allowance:
        """Return the new part of a worker. `alive` are the workers whose leases are not over, this one among them."""
        self._draws[worker] = draw
        first = next((one for one in alive if self._lacks(one)), worker)
        if first == worker:
            self._give(worker, len(alive))
        others = sum(self._unspent(one) for one in alive if one != worker)
        return Allowance(
            given=self._given.get(worker, 0),
            hand_back=first != worker,
            nothing_left=self._lacks(worker) > self._pool + others,
        )

    def concerns(self, worker: int, alive: Sequence[int]) -> bool:
        """Return whether a worker should have another answer to what it last said.

        There is enough by now of what it lacks, or others lack what it has not spent.
        """
        if lacks := self._lacks(worker):
            return lacks <= self._pool
        return self._unspent(worker) > 0 and any(self._lacks(one) > self._pool for one in alive)

    @property
    def given(self) -> int:
        """What all workers were given and have not handed back."""
        return self._amount - self._pool

    @property
    def spent(self) -> int:
        """What the workers have told that they spent."""
        return sum(draw.spent for draw in self._draws.values())

    @property
    def _pool(self) -> int:
        return self._amount - sum(self._given.values()) + sum(draw.returned for draw in self._draws.values())

    def _give(self, worker: int, workers: int) -> None:
        """Give what the worker needs, but at most an even part of what is left, unless a request waits for more."""
        lacks, pool = self._lacks(worker), self._pool
        wanted = max(lacks, self._draws[worker].needs - self._unspent(worker))
        more = min(wanted, max(lacks, pool // workers))
        if 0 < more <= pool:
            self._given[worker] = self._given.get(worker, 0) + more

    def _lacks(self, worker: int) -> int:
        """Return what a worker's waiting request lacks; 0 if none waits."""
        waiting = self._draws.get(worker, NOTHING_SAID).waiting
        return max(0, waiting - self._unspent(worker)) if waiting else 0

    def _unspent(self, worker: int) -> int:
        draw = self._draws.get(worker, NOTHING_SAID)
        return self._given.get(worker, 0) - draw.returned - draw.spent
