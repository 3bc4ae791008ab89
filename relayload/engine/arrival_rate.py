"""Open load: starts this process's share of the scheduled arrivals, each at its instant.

The schedule is absolute. An executor that was held up starts overdue arrivals at once and records how late they are; it
never moves the schedule. An arrival that cannot be started is dropped and counted.
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
from relayload.engine.run_clock import RunClock
from relayload.engine.timer import Timer, new_timer

_LONGEST_WAIT_S = 0.25
"""The longest sleep, so that a new share takes effect in time: changes are announced earlier than that."""


_MOST_AT_ONCE = 32
"""Arrivals started per turn of the event loop, so that a backlog does not delay the reading of answers."""


class DropReason(StrEnum):
    """The reason why an arrival was not started."""

    MAX_IN_FLIGHT = "max_in_flight"
    LATE = "late"
    GUARDRAIL = GUARDRAIL


@dataclass(frozen=True, slots=True)
class Bounds:
    """Limits of an executor.

    `max_in_flight` counts the requests of all workers; each worker gets its share of it. An arrival that is more than
    `latest_s` late is dropped, since to start it could break a rate limit. One that is more than `forget_s` late is
    ignored, since another worker may own it by then.
    """

    max_in_flight: int
    latest_s: float | None = None
    forget_s: float | None = None


class ArrivalRateExecutor:
    """Starts one process's share of the arrivals, in a greenlet each.

    `start(arrival, late_s)` runs in that greenlet. `drop(arrival, reason)` and everything else here run in the event
    loop, so that waking up for an arrival costs no greenlet switch.
    """

    def __init__(
        self,
        arrivals: Iterator[Arrival],
        run_clock: RunClock,
        bounds: Bounds,
        start: Callable[[Arrival, float], None],
        drop: Callable[[Arrival, DropReason], None],
    ) -> None:
        self._arrivals = arrivals
        self._held: Arrival | None = None
        """The next arrival, which is not due yet."""
        self._passed_over: list[Arrival] = []
        self._reassigned = False
        self._shares: list[tuple[float, Share]] = []
        self._run_clock = run_clock
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
        """An exception of our own code, in a request or in the executor."""
        return self._crash or self._pool.crash

    def assign(self, share: Share, from_s: float) -> None:
        """Take this share of the arrivals from `from_s` on, and this share of `max_in_flight` at once."""
        self._max_in_flight = share.part_of(self._bounds.max_in_flight)
        self._shares.append((from_s, share))
        self._reassigned = True

    def refuse(self, arrival: Arrival) -> None:
        """Drop the arrival; the master ends the run when it learns that a guardrail has tripped."""
        self._drop(arrival, DropReason.GUARDRAIL)

    def end_at(self, until_s: float) -> None:
        """Start nothing that is due after `until_s`, in seconds of the run."""
        self._until_s = until_s
        if self._timer is not None:
            self._timer.set(clock.now_s())

    def begin(self) -> None:
        """Start arrivals until the schedule or the run ends; `finished` is true from then on."""
        self._timer = new_timer(self._on_timer)
        self._timer.set(clock.now_s())

    def abandon(self) -> None:
        """Kill the requests in flight and wait until each has been recorded."""
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
        """Start what is due. Return the instant of the next wake-up, or None at the end."""
        if self._reassigned:
            self._look_again()
        for _ in range(_MOST_AT_ONCE):
            arrival = self._next_own()
            if arrival is None:
                return self._linger()
            now_s, due_at_s = clock.now_s(), self._run_clock.begins_at_s + arrival.intended_at_s
            if due_at_s > now_s:
                self._held = arrival
                return min(due_at_s, now_s + _LONGEST_WAIT_S)
            self._passed_over.clear()
            self._dispatch(arrival, now_s - due_at_s)
        return clock.now_s()

    def _next_own(self) -> Arrival | None:
        """Return the next arrival of this process. Those of other workers are kept until they are past."""
        arrival, self._held = self._held or next(self._arrivals, None), None
        while arrival is not None and arrival.intended_at_s <= self._until_s:
            if self._owns(arrival):
                return arrival
            self._passed_over.append(arrival)
            arrival = next(self._arrivals, None)
        return None

    def _linger(self) -> float | None:
        """Wait until the remaining arrivals, which other workers own, are past: this process may be assigned them."""
        last = self._passed_over[-1] if self._passed_over else None
        if last is None or last.intended_at_s > self._until_s:
            return None
        now_s, due_at_s = clock.now_s(), self._run_clock.begins_at_s + last.intended_at_s
        return None if due_at_s <= now_s else min(due_at_s, now_s + _LONGEST_WAIT_S)

    def _look_again(self) -> None:
        """After a change of shares, reconsider arrivals that were passed over and are not due yet."""
        now_s = self._run_clock.elapsed_s()
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
