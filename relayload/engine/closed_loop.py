"""Closed load: each of Locust's users sends, waits for the answer, thinks, and sends again."""

from collections.abc import Callable, Iterable, Sequence
from itertools import count

import gevent
from gevent import Greenlet, getcurrent
from gevent.event import Event

from relayload.client.caller import Unleased
from relayload.core.traffic.arrivals import Arrival
from relayload.core.traffic.leases import Grant
from relayload.core.traffic.stages import Stage, stage_at
from relayload.engine.permit import Permit
from relayload.engine.run_clock import RunClock

_BETWEEN_RUNS_S = 0.2
_SPACING = 4099
"""A prime, and above the number of workers: a prompt is found by its index modulo the number of prompts, and an index
that shares a factor with that would leave most of them out."""


class ClosedLoopExecutor:
    """The executor of a closed load: the turns of one process's users.

    Indices are spaced so that no two workers of a run use the same one. A turn waits while the permit is over.
    """

    wanted = ended = 0

    def __init__(
        self,
        stages: Sequence[Stage],
        worker: int,
        run_clock: RunClock,
        start: Callable[[Arrival, float], None],
        think_time_s: Callable[[int], float],
        permit: Permit,
        asked_by: Callable[[int, int], int] = lambda _index, scenario: scenario,
    ) -> None:
        """`think_time_s(index)` returns the seconds to wait after the request with that index.

        `asked_by(index, scenario)` returns the scenario that a user's turn takes: its own, or one of the audit.
        """
        self._asked_by = asked_by
        self._stages = stages
        self._run_clock = run_clock
        self._start = start
        self._think_time_s = think_time_s
        self._permit = permit
        self._until_s = sum(stage.for_s for stage in stages)
        self._indices = count(worker, _SPACING)
        self._in_flight: set[Greenlet] = set()
        self._left = Event()
        self.ahead = 0
        """The number of users that wait for the run to begin, or for a lease."""
        self.crash: BaseException | None = None
        """An exception of our own code, in a request."""

    @property
    def in_flight(self) -> int:
        return len(self._in_flight)

    @property
    def finished(self) -> bool:
        return self._run_clock.elapsed_s() >= self._until_s and not self._in_flight

    def take(self, grants: Iterable[Grant], granted_to: int, *, complete: bool, slots: int | None) -> None:
        """Do nothing: Locust distributes the users."""

    def begin(self) -> None:
        """Do nothing: Locust's users take their turns."""

    def refuse(self, arrival: Arrival) -> None:  # noqa: ARG002 -- as every executor takes it
        """Give no user another turn."""
        self.end_at(self._run_clock.elapsed_s())

    def end_at(self, until_s: float) -> None:
        """Start no turn after `until_s`, in seconds of the run."""
        self._until_s = min(self._until_s, until_s)

    def turn(self, scenario: int) -> float:
        """Send one request for the calling user, and return the seconds to think after it.

        Once the run is over it blocks, until Locust kills the user or the next run may begin. A turn that lost its
        lease before the send does not count.
        """
        self.ahead += 1
        try:
            gevent.sleep(max(0.0, -self._run_clock.elapsed_s()))
            self._permit.wait()
        finally:
            self.ahead -= 1
        now_s = self._run_clock.elapsed_s()
        if now_s >= self._until_s:
            self._left.wait()
            return _BETWEEN_RUNS_S
        index = next(self._indices)
        arrival = Arrival(index, now_s, stage_at(self._stages, now_s), self._asked_by(index, scenario))
        user = getcurrent()
        self._in_flight.add(user)
        try:
            self._start(arrival, 0.0)
        except Unleased:
            return 0.0  # the user's next turn waits
        except Exception as error:  # ours, which the master tells of: Locust would log it, and let the user go on
            self.crash = error
            self._in_flight.discard(user)
            self._left.wait()
        finally:
            self._in_flight.discard(user)
        return self._think_time_s(arrival.index)

    def abandon(self) -> None:
        """Kill the requests in flight, wait until each has been recorded, and let the users go."""
        gevent.killall(list(self._in_flight))
        self._left.set()
