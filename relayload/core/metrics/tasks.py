"""Work that may be shared out: what a summary and a verdict need done, without saying by whom."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Job(Generic[T_co]):
    """One piece of work, which needs no other."""

    run: Callable[[], T_co]
    about: str = ""
    """Jobs about the same metric sort the same columns: whoever has done one of them does the others for less."""


class RunAll(Protocol):
    """Runs jobs and returns their results in order."""

    def __call__(self, jobs: Sequence[Job[T]]) -> list[T]: ...


def one_by_one(jobs: Sequence[Job[T]]) -> list[T]:
    """Run the jobs here, in order."""
    return [job.run() for job in jobs]


def bundles(jobs: Sequence[Job[object]]) -> list[list[int]]:
    """The positions of jobs that are better done by the same hand, in the order in which they first come."""
    together: dict[str, list[int]] = {}
    for position, job in enumerate(jobs):
        together.setdefault(job.about or str(position), []).append(position)
    return list(together.values())
