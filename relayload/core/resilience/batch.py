"""A list of requests worked off in batches, at most so many at once: which comes next, and what came of each.

A batch is a barrier, as people who submit batches mean it: its items are queued together, and the next batch begins
when all of them are through. One batch for the whole list has no barrier within.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Generic, NamedTuple, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")
Error = TypeVar("Error")


class ItemState(StrEnum):
    """How far an item is. Nothing goes back."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class BatchStatus(NamedTuple):
    """How many items are where; together they are all."""

    queued: int
    running: int
    done: int
    failed: int


class BatchOutOfOrder(RuntimeError):
    """An item was reported that is not running."""


class Batch(Generic[Item, Result, Error]):
    """The queue of one list of items. A failed item is one error, and never hides the others.

    Without `batch_size`, all items are one batch; without `max_concurrent`, a batch runs at once.
    """

    def __init__(
        self, items: Sequence[Item], *, batch_size: int | None = None, max_concurrent: int | None = None
    ) -> None:
        for name, value in (("batch_size", batch_size), ("max_concurrent", max_concurrent)):
            if value is not None and value < 1:
                raise ValueError(f"expected {name} to be at least 1, got {value}")
        self._items = items
        self._batch_size = batch_size or max(1, len(items))
        self._max_concurrent = max_concurrent or max(1, len(items))
        self._states = [ItemState.QUEUED] * len(items)
        self._results: list[Result | None] = [None] * len(items)
        self._errors: dict[int, Error] = {}
        self._begun = 0
        self._running = 0
        self._stopped = False

    def next_item(self) -> tuple[int, Item] | None:
        """The number of the next item and the item, which runs from now on; None while none may begin."""
        number = self._begun
        if self._stopped or number == len(self._items) or not self._room(number):
            return None
        self._begun += 1
        self._running += 1
        self._states[number] = ItemState.RUNNING
        return number, self._items[number]

    def done(self, number: int, result: Result) -> None:
        """The item has its result."""
        self._end(number, ItemState.DONE)
        self._results[number] = result

    def failed(self, number: int, error: Error) -> None:
        """The item has no result, for this reason."""
        self._end(number, ItemState.FAILED)
        self._errors[number] = error

    def stop(self) -> None:
        """Let no further item begin. Those that run may still be reported; what is there stays."""
        self._stopped = True

    @property
    def finished(self) -> bool:
        """Whether nothing runs and nothing more will begin."""
        return self._running == 0 and (self._stopped or self._begun == len(self._items))

    def status(self) -> BatchStatus:
        """How many items are where."""
        failed = len(self._errors)
        return BatchStatus(
            queued=len(self._items) - self._begun,
            running=self._running,
            done=self._begun - self._running - failed,
            failed=failed,
        )

    def state(self, number: int) -> ItemState:
        """How far one item is."""
        return self._states[number]

    @property
    def results(self) -> list[Result | None]:
        """In the order of the items, None where there is none."""
        return list(self._results)

    @property
    def errors(self) -> dict[int, Error]:
        """Why items failed, by their numbers in ascending order."""
        return dict(sorted(self._errors.items()))

    def _room(self, number: int) -> bool:
        """Whether this item may join those that run: none of them is of an earlier batch."""
        begins_batch = number % self._batch_size == 0
        return self._running == 0 if begins_batch else self._running < self._max_concurrent

    def _end(self, number: int, state: ItemState) -> None:
        if self._states[number] is not ItemState.RUNNING:
            raise BatchOutOfOrder(f"item {number} is {self._states[number]}, not running")
        self._states[number] = state
        self._running -= 1
