import asyncio
from typing import Any

import pytest

from relayload.fakerelay.faults import RefuseConnection
from relayload.fakerelay.listener_faults import ListenerFaults


class Listener:
    """Notes what is asked of it."""

    def __init__(self) -> None:
        self.acts: list[str] = []

    def shut(self) -> None:
        self.acts.append("shut")

    async def reopen(self) -> None:
        self.acts.append("open")


class Ticker:
    """Runs what was asked for in the order in which it is due."""

    def __init__(self) -> None:
        self.jobs: list = []

    def at(self, due_at_s: float, job) -> None:
        self.jobs.append((due_at_s, len(self.jobs), job))

    async def run(self) -> list[float]:
        for due_at_s, _, job in sorted(self.jobs):
            job(due_at_s)
            await asyncio.sleep(0)
        return sorted(due_at_s for due_at_s, _, _ in self.jobs)


@pytest.mark.parametrize(
    ("windows", "instants"),
    [
        ([(10, 20), (30, 40)], [110, 120, 130, 140]),
        ([(10, 20), (20, 30)], [110, 130]),
        ([(15, 25), (10, 20)], [110, 125]),
        ([(10, 40), (20, 30)], [110, 140]),
    ],
)
def test_the_door_is_shut_as_long_as_any_window_says(windows, instants):
    listener = Listener()
    ticker: Any = Ticker()
    faults = [RefuseConnection(kind="refuse_connection", **{"from": f"{a}s", "to": f"{b}s"}) for a, b in windows]

    async def run() -> list[float]:
        listener_faults = ListenerFaults(ticker, listener)
        listener_faults.schedule(faults, 100.0)
        listener_faults.begin()
        return await ticker.run()

    assert asyncio.run(run()) == instants
    assert listener.acts == ["shut", "open"] * (len(instants) // 2)
