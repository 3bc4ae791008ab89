"""Closes the relay's listening socket for the windows of `refuse_connection`."""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import Protocol

from relayload.fakerelay.fault import Fault
from relayload.fakerelay.faults import RefuseConnection
from relayload.fakerelay.ticker import Ticker


class Listener(Protocol):
    """A listening socket that can be closed and reopened."""

    def shut(self) -> None: ...

    async def reopen(self) -> None: ...


class ListenerFaults:
    """Closes and reopens a listener at the instants given by faults."""

    def __init__(self, ticker: Ticker, listener: Listener) -> None:
        self._ticker = ticker
        self._listener = listener
        self._schedule = 0
        self._begun = False
        self._planned: tuple[Sequence[Fault], float] = ((), 0.0)
        self._reopening: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """Start the planned schedule, now that the listener is listening."""
        self._begun = True
        self.schedule(*self._planned)

    def schedule(self, faults: Sequence[Fault], started_at_s: float) -> None:
        """Take the windows from the faults, replacing an earlier schedule."""
        self._planned = (faults, started_at_s)
        if not self._begun:
            return
        self._schedule += 1
        for shut_s, open_s in _shut_spans(faults):
            self._at(started_at_s + shut_s, self._listener.shut)
            self._at(started_at_s + open_s, self._reopen)

    def _at(self, due_at_s: float, act: Callable[[], None]) -> None:
        self._ticker.at(due_at_s, partial(self._act, self._schedule, act))

    def _act(self, schedule: int, act: Callable[[], None], _now_s: float) -> None:
        if schedule == self._schedule:
            act()

    def _reopen(self) -> None:
        self._reopening = asyncio.get_running_loop().create_task(self._listener.reopen())


def _shut_spans(faults: Sequence[Fault]) -> list[tuple[float, float]]:
    """Return start and end of the times without a listener; overlapping or adjacent windows are merged."""
    windows = [(fault.from_s, fault.to) for fault in faults if isinstance(fault, RefuseConnection) and fault.to]
    spans: list[tuple[float, float]] = []
    for begins_s, ends_s in sorted(windows):
        if spans and begins_s <= spans[-1][1]:
            spans[-1] = spans[-1][0], max(spans[-1][1], ends_s)
        else:
            spans.append((begins_s, ends_s))
    return spans
