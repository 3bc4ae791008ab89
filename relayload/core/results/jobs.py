"""Work that may be shared out: what a summary needs done, without saying by whom."""

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

T = TypeVar("T")


class RunAll(Protocol):
    """Runs independent jobs and returns their results in order."""

    def __call__(self, jobs: Sequence[Callable[[], T]]) -> list[T]: ...


def one_by_one(jobs: Sequence[Callable[[], T]]) -> list[T]:
    """Run the jobs here, in order."""
    return [job() for job in jobs]
