"""One per process: the arrivals of the schedule that are its own, each started at its instant.

The schedule is absolute. A dispatcher that was held up starts what is due at once, with the lateness on record;
it never moves the schedule. What cannot be started at all is dropped and counted.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain
from math import inf

import gevent
from gevent import Greenlet

from relayload import clock
from relayload.core.traffic.arrivals import Arrival, Share
from relayload.swarm.alarm import Alarm, new_alarm

_LONGEST_SLEEP_S = 0.25
"""How long a change of shares may go unnoticed; shorter than the lead with which one is announced."""


class DropReason(StrEnum):
    """Why an arrival was not started."""

    MAX_IN_FLIGHT = "max_in_flight"
    LATE = "late"


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a dispatcher may not do.

    `latest_s`: starting later than this is a drop, since it could break a limit.
    `forget_s`: past this, another worker may have been given the arrival, so it is left alone.
    """

    max_in_flight: int
    latest_s: float | None = None
    forget_s: float | None = None


class Dispatcher:
    """Starts one process's share of the arrivals, a greenlet each.

    `start(arrival, late_s)` runs in that greenlet; `drop(arrival, reason)` in the dispatcher's own.
    """

    def __init__(
        self,
        arrivals: Iterator[Arrival],
        begins_at_s: float,
        bounds: Bounds,
        start: Callable[[Arrival, float], None],
        drop: Callable[[Arrival, DropReason], None],
    ) -> None:
        self._arrivals = arrivals
        self._passed_over: list[Arrival] = []
        self._reassigned = False
        self._shares: list[tuple[float, Share]] = []
        self._begins_at_s = begins_at_s
        self.bounds = bounds
        self._start = start
        self._drop = drop
        self._until_s = inf
        self._in_flight: set[Greenlet] = set()
        self.finished = False
        self.crash: BaseException | None = None

    @property
    def in_flight(self) -> int:
        return len(self._in_flight)

    def assign(self, share: Share, from_s: float) -> None:
        """From that instant of the run on, take this share of the arrivals."""
        self._shares.append((from_s, share))
        self._reassigned = True

    def end_at(self, until_s: float) -> None:
        """Start nothing that is due after that instant of the run."""
        self._until_s = until_s

    def run(self) -> None:
        """Start every arrival of this process, until the schedule or the run ends."""
        alarm = new_alarm()
        try:
            for arrival in self._offered(alarm):
                if self._wait_for(arrival, alarm):
                    self._dispatch(arrival)
        finally:
            alarm.close()
            self.finished = True

    def abandon(self) -> None:
        """Kill what is in flight, and wait until each has written its record."""
        gevent.killall(list(self._in_flight))
        self._in_flight.clear()

    def _offered(self, alarm: Alarm) -> Iterator[Arrival]:
        """The arrivals until the end; what was passed over stays on offer until it is past."""
        while True:
            arrival = next(self._arrivals, None)
            if arrival is not None and arrival.intended_at_s <= self._until_s:
                yield arrival
            elif self._passed_over and self._passed_over[-1].intended_at_s <= self._until_s:
                self._linger(alarm)
            else:
                return

    def _wait_for(self, arrival: Arrival, alarm: Alarm) -> bool:
        """Sleep until an arrival of our own is due; pass over one of somebody else's at once."""
        due_at_s = self._begins_at_s + arrival.intended_at_s
        while self._owns(arrival) and arrival.intended_at_s <= self._until_s:
            now_s = clock.now_s()
            if due_at_s <= now_s:
                self._passed_over.clear()
                return True
            alarm.sleep_until(min(due_at_s, now_s + _LONGEST_SLEEP_S))
            if self._reassigned:
                self._look_again(arrival)
                return False
        if clock.now_s() < due_at_s:
            self._passed_over.append(arrival)
        return False

    def _linger(self, alarm: Alarm) -> None:
        """Nothing is left but what others own: wait a little, in case it is given to us."""
        last_due_at_s = self._begins_at_s + self._passed_over[-1].intended_at_s
        now_s = clock.now_s()
        if now_s >= last_due_at_s:
            self._passed_over.clear()
        else:
            alarm.sleep_until(min(last_due_at_s, now_s + _LONGEST_SLEEP_S))
            if self._reassigned:
                self._look_again()

    def _look_again(self, *held: Arrival) -> None:
        """Shares have changed: what was passed over and is not due yet may be our own now."""
        self._arrivals = chain(self._passed_over, held, self._arrivals)
        self._passed_over = []
        self._reassigned = False

    def _owns(self, arrival: Arrival) -> bool:
        for from_s, share in reversed(self._shares):
            if from_s <= arrival.intended_at_s:
                return share.owns(arrival.index)
        return False

    def _dispatch(self, arrival: Arrival) -> None:
        late_s = clock.now_s() - self._begins_at_s - arrival.intended_at_s
        bounds = self.bounds
        if bounds.forget_s is not None and late_s > bounds.forget_s:
            return
        if bounds.latest_s is not None and late_s > bounds.latest_s:
            self._drop(arrival, DropReason.LATE)
        elif len(self._in_flight) >= bounds.max_in_flight:
            self._drop(arrival, DropReason.MAX_IN_FLIGHT)
        else:
            greenlet = Greenlet(self._start, arrival, late_s)
            self._in_flight.add(greenlet)
            greenlet.rawlink(self._land)
            greenlet.start()

    def _land(self, greenlet: Greenlet) -> None:
        self._in_flight.discard(greenlet)
        if not greenlet.successful():
            self.crash = greenlet.exception
