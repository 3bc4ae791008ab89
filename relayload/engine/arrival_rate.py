"""Open load: the arrivals of the schedule that are this process's own, each started at its instant.

The schedule is absolute. An executor that was held up starts what is due at once, with the lateness on record;
it never moves the schedule. What cannot be started at all is dropped and counted.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain
from math import inf

from relayload import clock
from relayload.core.model.record import GUARDRAIL
from relayload.core.traffic.arrivals import Arrival, Share
from relayload.engine.greenlet_pool import GreenletPool
from relayload.engine.timer import Timer, new_timer

_LONGEST_WAIT_S = 0.25
"""How long a change of shares may go unnoticed; shorter than the lead with which one is announced."""


_MOST_AT_ONCE = 32
"""Arrivals that are started before the event loop has its turn: a backlog must not hold up what has arrived."""


class DropReason(StrEnum):
    """Why an arrival was not started."""

    MAX_IN_FLIGHT = "max_in_flight"
    LATE = "late"
    GUARDRAIL = GUARDRAIL


@dataclass(frozen=True, slots=True)
class Bounds:
    """What an executor may not do.

    `max_in_flight`: of all workers together; each has its share.
    `latest_s`: starting later than this is a drop, since it could break a limit.
    `forget_s`: past this, another worker may have been given the arrival, so it is left alone.
    """

    max_in_flight: int
    latest_s: float | None = None
    forget_s: float | None = None


class ArrivalRateExecutor:
    """Starts one process's share of the arrivals, in a greenlet each.

    `start(arrival, late_s)` runs in that greenlet; `drop(arrival, reason)` in the event loop, as all the rest here, so
    that waking up for an arrival costs no switch of greenlets.
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
        self._held: Arrival | None = None
        """Taken from the arrivals, and not due yet."""
        self._passed_over: list[Arrival] = []
        self._reassigned = False
        self._shares: list[tuple[float, Share]] = []
        self._begins_at_s = begins_at_s
        self._bounds = bounds
        self._max_in_flight = bounds.max_in_flight
        self._pool = GreenletPool(start)
        self._drop = drop
        self._until_s = inf
        self._timer: Timer | None = None
        self._crash: BaseException | None = None
        self.finished = False

    @property
    def in_flight(self) -> int:
        return self._pool.busy

    @property
    def crash(self) -> BaseException | None:
        """A failure of our own, in a request or here."""
        return self._crash or self._pool.crash

    def assign(self, share: Share, from_s: float) -> None:
        """From that instant of the run on, take this share of the arrivals; at once, that of requests in flight."""
        self._max_in_flight = share.part_of(self._bounds.max_in_flight)
        self._shares.append((from_s, share))
        self._reassigned = True

    def refuse(self, arrival: Arrival) -> None:
        """Arrivals are dropped until the master has heard that a guardrail lets nothing through."""
        self._drop(arrival, DropReason.GUARDRAIL)

    def end_at(self, until_s: float) -> None:
        """Start nothing that is due after that instant of the run."""
        self._until_s = until_s
        if self._timer is not None:
            self._timer.set(clock.now_s())

    def begin(self) -> None:
        """Start every arrival of this process, until the schedule or the run ends: then `finished` is true."""
        self._timer = new_timer(self._on_timer)
        self._timer.set(clock.now_s())

    def abandon(self) -> None:
        """Kill what is in flight, and wait until each has written its record."""
        self._finish()
        self._pool.abandon()
        self._pool.dismiss()

    def _on_timer(self) -> None:
        try:
            wake_at_s = self._advance()
        except BaseException as error:  # ours: the loop would only print it
            self._crash = error
            wake_at_s = None
        if wake_at_s is None or self._timer is None:
            self._finish()
        else:
            self._timer.set(wake_at_s)

    def _finish(self) -> None:
        if self._timer is not None:
            self._timer.close()
            self._timer = None
        self.finished = True

    def _advance(self) -> float | None:
        """Start what is due. Returns when to look again, None at the end."""
        if self._reassigned:
            self._look_again()
        for _ in range(_MOST_AT_ONCE):
            arrival = self._next_own()
            if arrival is None:
                return self._linger()
            now_s, due_at_s = clock.now_s(), self._begins_at_s + arrival.intended_at_s
            if due_at_s > now_s:
                self._held = arrival
                return min(due_at_s, now_s + _LONGEST_WAIT_S)
            self._passed_over.clear()
            self._dispatch(arrival, now_s - due_at_s)
        return clock.now_s()

    def _next_own(self) -> Arrival | None:
        """The next arrival that is ours, until the end; what others own is kept on offer until it is past."""
        arrival, self._held = self._held or next(self._arrivals, None), None
        while arrival is not None and arrival.intended_at_s <= self._until_s:
            if self._owns(arrival):
                return arrival
            self._passed_over.append(arrival)
            arrival = next(self._arrivals, None)
        return None

    def _linger(self) -> float | None:
        """Nothing is left but what others own: wait until that is past, in case it is given to us."""
        now_s = clock.now_s()
        last = self._passed_over[-1] if self._passed_over else None
        if last is None or last.intended_at_s > self._until_s or self._begins_at_s + last.intended_at_s <= now_s:
            return None
        return min(self._begins_at_s + last.intended_at_s, now_s + _LONGEST_WAIT_S)

    def _look_again(self) -> None:
        """Shares have changed: what was passed over and is not due yet may be our own now."""
        now_s = clock.now_s() - self._begins_at_s
        held = () if self._held is None else (self._held,)
        waiting = [arrival for arrival in self._passed_over if arrival.intended_at_s > now_s]
        self._arrivals = chain(waiting, held, self._arrivals)
        self._held = None
        self._passed_over = []
        self._reassigned = False

    def _owns(self, arrival: Arrival) -> bool:
        for from_s, share in reversed(self._shares):
            if from_s <= arrival.intended_at_s:
                return share.owns(arrival.index)
        return False

    def _dispatch(self, arrival: Arrival, late_s: float) -> None:
        bounds = self._bounds
        if bounds.forget_s is not None and late_s > bounds.forget_s:
            return
        if bounds.latest_s is not None and late_s > bounds.latest_s:
            self._drop(arrival, DropReason.LATE)
        elif self._pool.busy >= self._max_in_flight:
            self._drop(arrival, DropReason.MAX_IN_FLIGHT)
        else:
            self._pool.start(arrival, late_s)
