"""Work for a summary and a verdict that can be distributed, independent of who runs it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Task(Generic[T_co]):
    """One piece of work, independent of all others."""

    run: Callable[[], T_co]
    about: str = ""
    """Tasks about the same metric sort the same columns: one process does all of them for less."""


class RunAll(Protocol):
    """Runs tasks and returns their results in order."""

    def __call__(self, tasks: Sequence[Task[T]]) -> list[T]: ...


def one_by_one(tasks: Sequence[Task[T]]) -> list[T]:
    """Run the tasks here, in order."""
    return [task.run() for task in tasks]


def bundles(tasks: Sequence[Task[object]]) -> list[list[int]]:
    """Return the positions of tasks that one process should run together, in order of first occurrence."""
    together: dict[str, list[int]] = {}
    for position, task in enumerate(tasks):
        together.setdefault(task.about or str(position), []).append(position)
    return list(together.values())
