"""Jobs shared out over forked processes, which see everything the parent has read without copying it."""

import os
import sys
from collections.abc import Callable, Sequence
from functools import partial
from multiprocessing import get_all_start_methods, get_context
from multiprocessing.connection import Connection
from typing import TypeVar

from relayload.core.results.jobs import RunAll, one_by_one

T = TypeVar("T")

_MOST_PROCESSES = 4


def processes_at_hand() -> int:
    """How many processes may share the work: 1 where forking is not possible or not safe.

    A process under gevent's hub must not be forked behind its back.
    """
    if "fork" not in get_all_start_methods() or "gevent" in sys.modules:
        return 1
    return min(_MOST_PROCESSES, len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1)


def over(processes: int) -> RunAll:
    """What runs jobs in that many processes, this one among them."""
    return one_by_one if processes < 2 else partial(_run_forked, processes)


def _run_forked(processes: int, jobs: Sequence[Callable[[], T]]) -> list[T]:
    """Deal the jobs out in turn. An exception of a job is raised here."""
    hands = [range(first, len(jobs), processes) for first in range(min(processes, len(jobs)))]
    children = [_Child([jobs[number] for number in hand]) for hand in hands[1:]]
    try:
        dealt = [one_by_one([jobs[number] for number in hand]) for hand in hands[:1]]
        dealt += [child.results() for child in children]
    finally:
        for child in children:
            child.stop()
    return [dealt[number % len(hands)][number // len(hands)] for number in range(len(jobs))]


class _Child:
    """A forked process that runs some jobs and sends back what they gave, or the exception that ended them."""

    def __init__(self, jobs: Sequence[Callable[[], object]]) -> None:
        context = get_context("fork")
        self._reader, writer = context.Pipe(duplex=False)
        self._process = context.Process(target=_work, args=(jobs, writer))
        self._process.start()
        writer.close()

    def results(self) -> list[T]:
        answer: list[T] | BaseException = self._reader.recv()
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def stop(self) -> None:
        self._reader.close()
        self._process.terminate()
        self._process.join()


def _work(jobs: Sequence[Callable[[], object]], writer: Connection) -> None:
    try:
        writer.send(one_by_one(jobs))
    except BaseException as error:  # the parent raises it
        writer.send(error)
