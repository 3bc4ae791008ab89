"""Work that may be shared out: what a summary and a verdict need done, without saying by whom."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Task(Generic[T_co]):
    """One piece of work, which needs no other."""

    run: Callable[[], T_co]
    about: str = ""
    """Tasks about the same metric sort the same columns: whoever has done one of them does the others for less."""


class RunAll(Protocol):
    """Runs tasks and returns their results in order."""

    def __call__(self, tasks: Sequence[Task[T]]) -> list[T]: ...


def one_by_one(tasks: Sequence[Task[T]]) -> list[T]:
    """Run the tasks here, in order."""
    return [task.run() for task in tasks]


def bundles(tasks: Sequence[Task[object]]) -> list[list[int]]:
    """The positions of tasks that are better done by the same hand, in the order in which they first come."""
    together: dict[str, list[int]] = {}
    for position, task in enumerate(tasks):
        together.setdefault(task.about or str(position), []).append(position)
    return list(together.values())
