"""Jobs shared out over forked processes, which see everything the parent has read without copying it."""

import os
import signal
import sys
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import chain
from multiprocessing import get_all_start_methods, get_context
from multiprocessing.connection import Connection
from typing import TypeVar

from relayload.core.results.jobs import Job, RunAll, bundles, one_by_one

T = TypeVar("T")

_MOST_PROCESSES = 4
_MOST_TICKETS = 4096
"""As many as any pipe holds without a reader."""
_TICKET_BYTES = 2


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


def _run_forked(processes: int, jobs: Sequence[Job[T]]) -> list[T]:
    """Whoever is free takes the next bundle of jobs. An exception of a job is raised here."""
    shared = _for_tickets(bundles(jobs))
    tickets = _Tickets(len(shared))
    work = partial(_taken, jobs, shared, tickets)
    children = [_Child(work) for _ in range(min(processes, len(shared)) - 1)]
    try:
        done = work()
        for child in children:
            done |= child.results()
    finally:
        for child in children:
            child.stop()
        tickets.close()
    return [done[position] for position in range(len(jobs))]


def _for_tickets(bundled: Sequence[Sequence[int]]) -> list[list[int]]:
    """The bundles, taken together if there are too many."""
    return [list(chain.from_iterable(bundled[first::_MOST_TICKETS])) for first in range(len(bundled))[:_MOST_TICKETS]]


def _taken(jobs: Sequence[Job[T]], shared: Sequence[Sequence[int]], tickets: "_Tickets") -> dict[int, T]:
    """The results of those jobs whose tickets could be had."""
    return {position: jobs[position].run() for ticket in tickets for position in shared[ticket]}


class _Tickets:
    """Numbers that several processes take from one pipe, each once."""

    def __init__(self, count: int) -> None:
        self._reader, writer = os.pipe()
        os.write(writer, b"".join(ticket.to_bytes(_TICKET_BYTES, "big") for ticket in range(count)))
        os.close(writer)

    def __iter__(self) -> Iterator[int]:
        while ticket := os.read(self._reader, _TICKET_BYTES):
            yield int.from_bytes(ticket, "big")

    def close(self) -> None:
        os.close(self._reader)


class _Child:
    """A forked process that does its part and sends back what that gave, or the exception that ended it."""

    def __init__(self, work: "partial[dict[int, T]]") -> None:
        context = get_context("fork")
        self._reader, writer = context.Pipe(duplex=False)
        self._process = context.Process(target=_work, args=(work, writer))
        self._process.start()
        writer.close()

    def results(self) -> dict[int, T]:
        answer: dict[int, T] | BaseException = self._reader.recv()
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def stop(self) -> None:
        self._reader.close()
        self._process.terminate()
        self._process.join()


def _work(work: "partial[dict[int, T]]", writer: Connection) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # the parent ends it so, which is nothing to tell of
    try:
        writer.send(work())
    except BaseException as error:  # the parent raises it
        writer.send(error)
