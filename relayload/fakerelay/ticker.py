"""Runs many small jobs at absolute instants with one timer.

A timer for each chunk of each stream would cost more than the chunks. The ticker keeps one heap of jobs and one timer
for its top; all jobs that are due when it wakes run in one go.
"""

import asyncio
import os
import sys
from collections.abc import Callable
from heapq import heappop, heappush
from math import inf
from typing import Protocol

from relayload import clock
from relayload.timerfd import TimerFd

Job = Callable[[float], float | None]
"""Called with the current time when it is due; returns when it is due next, or None if it is done."""

_Entry = tuple[float, int, Job]
"""The due time, a number that orders jobs with equal times, and the job."""

REST_S = 0.0001
"""The least time between two ticks, so that chunks accumulate and sockets are served."""


class Ticker:
    """Runs jobs at instants of `clock.now_s` on the running event loop, using timerfd if available."""

    def __init__(self, *, timerfd: bool = sys.platform == "linux") -> None:
        self._jobs: list[_Entry] = []
        self._urgent: list[_Entry] = []
        self._count = 0
        self._armed_for_s = inf
        self._timer: _Timer = _FdTimer(self._tick) if timerfd else _LoopTimer(self._tick)

    def at(self, due_at_s: float, job: Job, *, urgent: bool = False) -> None:
        """Run a job at an instant, never immediately. Urgent jobs run before all others.

        Only the first run is urgent, because a stream's first token matters most to measurements.
        """
        self._count += 1
        heappush(self._urgent if urgent else self._jobs, (due_at_s, self._count, job))
        if due_at_s < self._armed_for_s:
            self._arm(due_at_s)

    def close(self) -> None:
        """Discard all jobs."""
        self._jobs.clear()
        self._urgent.clear()
        self._timer.close()

    def _arm(self, due_at_s: float) -> None:
        self._armed_for_s = due_at_s
        self._timer.set(due_at_s)

    def _tick(self) -> None:
        self._armed_for_s = -inf  # jobs added meanwhile are considered below
        try:
            self._run_due(clock.now_s())
        finally:
            self._armed_for_s = inf
            due_at_s = self._urgent[0][0] if self._urgent else inf
            if self._jobs:
                due_at_s = min(due_at_s, max(self._jobs[0][0], clock.now_s() + REST_S))
            if due_at_s < inf:
                self._arm(due_at_s)

    def _run_due(self, started_at_s: float) -> None:
        """Run what was due when the tick began, and urgent jobs that have become due since."""
        jobs, urgent = self._jobs, self._urgent
        while True:
            now_s = clock.now_s()
            if urgent and urgent[0][0] <= now_s:
                _, number, job = heappop(urgent)
            elif jobs and jobs[0][0] <= started_at_s:
                _, number, job = heappop(jobs)
            else:
                return
            due_at_s = job(now_s)
            if due_at_s is not None:
                heappush(jobs, (due_at_s, number, job))


class _Timer(Protocol):
    def set(self, due_at_s: float) -> None: ...

    def close(self) -> None: ...


class _LoopTimer:
    """The event loop's own timer, which is rounded to a millisecond."""

    def __init__(self, callback: Callable[[], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._callback = callback
        self._handle: asyncio.TimerHandle | None = None

    def set(self, due_at_s: float) -> None:
        self.close()
        self._handle = self._loop.call_later(due_at_s - clock.now_s(), self._callback)

    def close(self) -> None:
        if self._handle is not None:
            self._handle.cancel()


class _FdTimer:
    """A Linux timerfd, which wakes the loop within 0.1 ms."""

    def __init__(self, callback: Callable[[], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._callback = callback
        self._timer = TimerFd()
        self.set = self._timer.set
        self._loop.add_reader(self._timer.descriptor, self._expired)

    def close(self) -> None:
        self._loop.remove_reader(self._timer.descriptor)
        self._timer.close()

    def _expired(self) -> None:
        try:
            os.read(self._timer.descriptor, 8)
        except BlockingIOError:
            return  # it was set again after it expired
        self._callback()
