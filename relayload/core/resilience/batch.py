"""Works off a list of requests in batches with limited concurrency, and keeps the result of each.

A batch is a barrier, as usual for submitted batches: its items are queued together, and the next batch begins when all
of them have ended. A single batch for the whole list has no barrier.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Generic, NamedTuple, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")
Error = TypeVar("Error")


class ItemState(StrEnum):
    """The progress of an item, which never goes backwards."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class BatchStatus(NamedTuple):
    """The number of items in each state."""

    queued: int
    running: int
    done: int
    failed: int


class BatchOutOfOrder(RuntimeError):
    """A result was reported for an item that is not running."""


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
        """Start the next item and return it with its number; None while none may start."""
        number = self._begun
        if self._stopped or number == len(self._items) or not self._room(number):
            return None
        self._begun += 1
        self._running += 1
        self._states[number] = ItemState.RUNNING
        return number, self._items[number]

    def done(self, number: int, result: Result) -> None:
        """Record the result of an item."""
        self._end(number, ItemState.DONE)
        self._results[number] = result

    def failed(self, number: int, error: Error) -> None:
        """Record why an item has no result."""
        self._end(number, ItemState.FAILED)
        self._errors[number] = error

    def stop(self) -> None:
        """Start no further items. Running ones may still be reported; existing results stay."""
        self._stopped = True

    @property
    def finished(self) -> bool:
        """Whether nothing is running and nothing more will start."""
        return self._running == 0 and (self._stopped or self._begun == len(self._items))

    def status(self) -> BatchStatus:
        """Return the number of items in each state."""
        failed = len(self._errors)
        return BatchStatus(
            queued=len(self._items) - self._begun,
            running=self._running,
            done=self._begun - self._running - failed,
            failed=failed,
        )

    def state(self, number: int) -> ItemState:
        """Return the state of one item."""
        return self._states[number]

    @property
    def results(self) -> list[Result | None]:
        """The results in the order of the items; None for an item without one."""
        return list(self._results)

    @property
    def errors(self) -> dict[int, Error]:
        """The errors of failed items by number, in ascending order."""
        return dict(sorted(self._errors.items()))

    def _room(self, number: int) -> bool:
        """Return whether this item may start: no item of an earlier batch is running, and a slot is free."""
        begins_batch = number % self._batch_size == 0
        return self._running == 0 if begins_batch else self._running < self._max_concurrent

    def _end(self, number: int, state: ItemState) -> None:
        if self._states[number] is not ItemState.RUNNING:
            raise BatchOutOfOrder(f"item {number} is {self._states[number]}, not running")
        self._states[number] = state
        self._running -= 1
