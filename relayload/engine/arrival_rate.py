"""Open load: starts the scheduled arrivals that are granted to this process, each at its instant.

The schedule is absolute. An executor that was held up starts overdue arrivals at once and records how late they are; it
never moves the schedule. An arrival that cannot be started is dropped and counted.
"""

from bisect import insort
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain, takewhile
from math import inf
from operator import attrgetter

from relayload import clock
from relayload.core.model.record import GUARDRAIL
from relayload.core.traffic.arrivals import Arrival
from relayload.core.traffic.leases import LEASE_S, Grant
from relayload.engine.greenlet_pool import GreenletPool
from relayload.engine.permit import Permit
from relayload.engine.run_clock import RunClock
from relayload.engine.timer import Timer, new_timer

_LONGEST_WAIT_S = 0.25
"""The longest sleep, so that an end that is announced takes effect in time."""


_MOST_AT_ONCE = 32
"""Arrivals started per turn of the event loop, so that a backlog does not delay the reading of answers."""


class DropReason(StrEnum):
    """The reason why an arrival was not started."""

    MAX_IN_FLIGHT = "max_in_flight"
    LATE = "late"
    LEASE = "lease"
    GUARDRAIL = GUARDRAIL


class ArrivalRateExecutor:
    """Starts the arrivals that are granted to one process, in a greenlet each.

    `start(arrival, late_s)` runs in that greenlet. `drop(arrival, reason)` and everything else here run in the event
    loop, so that waking up for an arrival costs no greenlet switch.
    """

    wanted = ended = 0

    def __init__(
        self,
        arrivals: Iterator[Arrival],
        run_clock: RunClock,
        max_in_flight: int,
        start: Callable[[Arrival, float], None],
        drop: Callable[[Arrival, DropReason], None],
        permit: Permit,
    ) -> None:
        self._arrivals = arrivals
        self._held: Arrival | None = None
        """The next arrival of the schedule, which may still be granted to anybody."""
        self._last: Arrival | None = None
        """The last one that was taken from the schedule, if none is held."""
        self._own: deque[Arrival] = deque()
        """Arrivals of this process that are not due yet."""
        self._passed_over: deque[Arrival] = deque()
        """Arrivals that nobody was granted when they were passed."""
        self._slices: deque[_Slice] = deque()
        self._slice = _NO_SLICE
        self._granted_to = 0
        self._complete = self._ended = self._abandoned = False
        self._granted = self._handled = 0
        self._run_clock = run_clock
        self._max_in_flight = max_in_flight
        self._permit = permit
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
    def ahead(self) -> int:
        """The number of arrivals that are granted to this process and not due yet; 0 if there is no end of them.

        Some that were granted may have fallen off the end of a schedule that became slower.
        """
        return 0 if self.finished else max(0, self._granted - self._handled)

    @property
    def crash(self) -> BaseException | None:
        """An exception of our own code, in a request or in the executor."""
        return self._crash or self._pool.crash

    def take(self, grants: Iterable[Grant], granted_to: int, *, complete: bool, slots: int | None) -> None:
        """Take more arrivals, and this part of `max_in_flight` at once."""
        for grant in grants:
            self._granted += grant.size
            self._take(grant)
        self._granted_to = granted_to
        while self._passed_over and self._passed_over[0].index < granted_to:
            self._passed_over.popleft()
        self._complete = complete
        if slots is not None:
            self._max_in_flight = slots
        if self._timer is not None:
            self._timer.set(clock.now_s())

    def reschedule(self, later: Iterator[Arrival], after_s: float) -> None:
        """Take these arrivals in place of all that are due after an instant: the same indices at other instants."""
        again, rest = self._passed(later)
        for queue in (self._own, self._passed_over):
            kept = [
                again.get(_place(each), each)
                for each in queue
                if each.intended_at_s <= after_s or _place(each) in again
            ]
            queue.clear()
            queue.extend(kept)
        held = () if self._held is None else (self._held,)
        earlier = takewhile(lambda arrival: arrival.intended_at_s <= after_s, chain(held, self._arrivals))
        self._arrivals, self._held = chain(earlier, rest), None
        if self._timer is not None:
            self._timer.set(clock.now_s())
        elif self.finished and not self._abandoned and self._crash is None:
            self.finished = False
            self.begin()

    def refuse(self, arrival: Arrival) -> None:
        """Drop the arrival; the master ends the run when it learns that a guardrail has tripped."""
        self._drop(arrival, DropReason.GUARDRAIL)

    def end_at(self, until_s: float) -> None:
        """Start nothing that is due after `until_s`, in seconds of the run, and await no more grants."""
        self._until_s, self._ended = until_s, True
        if self._timer is not None:
            self._timer.set(clock.now_s())

    def begin(self) -> None:
        """Start arrivals until the schedule or the run ends; `finished` is true from then on."""
        self._timer = new_timer(self._on_timer)
        self._timer.set(clock.now_s())

    def abandon(self) -> None:
        """Kill the requests in flight and wait until each has been recorded."""
        self._abandoned = True
        self._finish()
        self._pool.abandon()
        self._pool.dismiss()

    def _take(self, grant: Grant) -> None:
        for arrival in [each for each in self._passed_over if grant.owns(each.index)]:
            self._passed_over.remove(arrival)
            insort(self._own, arrival, key=attrgetter("index"))
        for piece in self._slices:
            if piece.first == grant.first:
                piece.parts.add(grant.part)
                return
        end = inf if grant.end is None else grant.end
        if self._held is None or self._held.index < end:
            insort(self._slices, _Slice(grant.first, end, grant.of, {grant.part}), key=attrgetter("first"))

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
        """Start what is due. Return the instant of the next wake-up, or None at the end."""
        for _ in range(_MOST_AT_ONCE):
            arrival = self._next_own()
            if arrival is None:
                return None if self._over else clock.now_s() + _LONGEST_WAIT_S
            now_s, due_at_s = clock.now_s(), self._run_clock.begins_at_s + arrival.intended_at_s
            if due_at_s > now_s:
                self._own.appendleft(arrival)
                return min(due_at_s, now_s + _LONGEST_WAIT_S)
            self._handled += 1
            self._dispatch(arrival, now_s, now_s - due_at_s)
        return clock.now_s()

    @property
    def _over(self) -> bool:
        """True once nothing of this process is left, and nothing will be added."""
        if self._ended and self._run_clock.elapsed_s() >= self._until_s:
            return True
        return self._complete and (self._held is None or self._held.intended_at_s > self._until_s)

    def _next_own(self) -> Arrival | None:
        """Return the next arrival of this process; None if there is none, or none yet."""
        if self._own:
            own = self._own.popleft()
            if own.intended_at_s <= self._until_s:
                return own
            self._own.clear()
        arrival, self._held = self._held or next(self._arrivals, None), None
        while arrival is not None and arrival.intended_at_s <= self._until_s:
            piece, index = self._slice, arrival.index
            if piece.first <= index < piece.end:
                if index % piece.of in piece.parts:
                    self._last = arrival
                    return arrival
            elif self._turned_to(index):
                continue
            elif not self._slices and index >= self._granted_to:
                break
            if index >= self._granted_to:
                self._passed_over.append(arrival)
            self._last = arrival
            arrival = next(self._arrivals, None)
        self._held = arrival
        return None

    def _passed(self, later: Iterator[Arrival]) -> tuple[dict[tuple[int, int], Arrival], Iterator[Arrival]]:
        """Return those that this process has passed already, by their place, and the rest."""
        passed: dict[tuple[int, int], Arrival] = {}
        mark = self._held or self._last
        for arrival in later:
            if mark is None or arrival.index > mark.index or (arrival.index == mark.index and _place(mark) in passed):
                return passed, chain((arrival,), later)
            if mark is self._held and _place(arrival) == _place(mark):
                return passed, chain((arrival,), later)
            passed[_place(arrival)] = arrival
        return passed, iter(())

    def _turned_to(self, index: int) -> bool:
        """Look for the slice that has an index; return whether there is one with a share of this process."""
        while self._slices and self._slices[0].end <= index:
            self._slices.popleft()
        found = bool(self._slices) and self._slices[0].first <= index
        self._slice = self._slices[0] if found else _NO_SLICE
        return found

    def _dispatch(self, arrival: Arrival, now_s: float, late_s: float) -> None:
        if now_s >= self._permit.until_s or (late_s > LEASE_S and self._permit.until_s < inf):
            self._drop(arrival, DropReason.LEASE)
        elif late_s > arrival.slack_s:
            self._drop(arrival, DropReason.LATE)
        elif self._pool.busy >= self._max_in_flight:
            self._drop(arrival, DropReason.MAX_IN_FLIGHT)
        else:
            self._pool.start(arrival, late_s)


def _place(arrival: Arrival) -> tuple[int, int]:
    """Return what names an arrival in every schedule."""
    return arrival.index, arrival.target


@dataclass(slots=True)
class _Slice:
    """A range of indices that were granted together, and the parts of it that this process has."""

    first: int
    end: float
    of: int
    parts: set[int]


_NO_SLICE = _Slice(0, 0, 1, set())
