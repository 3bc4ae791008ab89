"""The master's monotonic clock, as a worker knows it."""

from collections.abc import Callable

import gevent
from gevent.event import Event

from relayload import clock
from relayload.core.stats.clock_offset import ClockOffset, Exchange
from relayload.engine.host import host_id
from relayload.engine.messages import Assignment, ClockReading
from relayload.engine.run_clock import RunClock

_FIRST = 5
"""Exchanges before the offset is good enough to begin with: the answer to one of them rarely waits for anything."""
_PAUSE_S = 1.0


class MasterClock:
    """Asks a master on another host for its time, and keeps the clock of the current run right by it."""

    def __init__(self, ask: Callable[[ClockReading], None]) -> None:
        self._ask = ask
        self._host_id = ""
        self._answers = 0
        self._answered = Event()
        self._offset = ClockOffset()
        self._run_clock: RunClock | None = None

    def follow(self) -> None:
        """Ask for ever, unless the master turns out to be on this host. Run this in a greenlet of its own."""
        while self._host_id != host_id():
            self._answered.clear()
            self._ask(ClockReading(asked_at_s=clock.now_s()))
            self._answered.wait(_PAUSE_S)
            self._correct()
            if self._answers >= _FIRST:
                gevent.sleep(_PAUSE_S)

    def on_answer(self, reading: ClockReading) -> None:
        """Take note of the master's answer."""
        now_s = clock.now_s()
        if reading.host_id != self._host_id:  # another master
            self._host_id, self._answers, self._offset = reading.host_id, 0, ClockOffset()
        self._answers += 1
        self._answered.set()
        self._offset.add(Exchange(reading.asked_at_s, reading.received_at_s, reading.answered_at_s, now_s))

    def run_clock(self, assignment: Assignment) -> RunClock | None:
        """Return the clock of a run that this worker joins; None while the master's clock is not known well enough."""
        if assignment.host_id == host_id():
            self._run_clock = None
            return RunClock(assignment.begins_at_s)
        offset_s, error_s = self._offset.offset_s, self._offset.error_s(clock.now_s())
        if assignment.host_id != self._host_id or self._answers < _FIRST or offset_s is None or error_s is None:
            return None
        self._run_clock = RunClock(assignment.begins_at_s, offset_s, error_s)
        return self._run_clock

    def _correct(self) -> None:
        offset_s, error_s = self._offset.offset_s, self._offset.error_s(clock.now_s())
        if self._run_clock is not None and offset_s is not None and error_s is not None:
            self._run_clock.correct(offset_s, error_s)


def answered(reading: ClockReading, received_at_s: float) -> ClockReading:
    """Return the answer to a question that was received at an instant of this process's clock. Send it at once."""
    return ClockReading(
        asked_at_s=reading.asked_at_s,
        received_at_s=received_at_s,
        answered_at_s=clock.now_s(),
        host_id=host_id(),
    )
