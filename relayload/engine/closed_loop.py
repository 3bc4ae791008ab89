"""Closed load: Locust's users take turns, each waiting for its answer before it thinks and asks again."""

from collections.abc import Callable, Sequence
from itertools import count

import gevent
from gevent import Greenlet, getcurrent

from relayload import clock
from relayload.core.traffic.arrivals import Arrival, Share
from relayload.core.traffic.stages import Stage, stage_at

_FOREVER_S = 86400.0
_MOST_WORKERS = 4096


class ClosedLoopExecutor:
    """One process's turns; the executor of a closed load.

    Indices are spaced so that no two workers of a run share one.
    """

    def __init__(
        self,
        stages: Sequence[Stage],
        worker: int,
        begins_at_s: float,
        start: Callable[[Arrival, float], None],
        think_time_s: Callable[[int], float],
    ) -> None:
        """`think_time_s` gives the seconds after the request of an index."""
        self._stages = stages
        self._begins_at_s = begins_at_s
        self._start = start
        self._think_time_s = think_time_s
        self._until_s = sum(stage.for_s for stage in stages)
        self._indices = count(worker, _MOST_WORKERS)
        self._in_flight: set[Greenlet] = set()
        self.crash: BaseException | None = None
        """A failure of our own, in a request."""

    @property
    def in_flight(self) -> int:
        return len(self._in_flight)

    @property
    def finished(self) -> bool:
        return self._elapsed_s() >= self._until_s and not self._in_flight

    def assign(self, share: Share, from_s: float) -> None:
        """Locust spreads the users."""

    def begin(self) -> None:
        """Locust's users begin."""

    def refuse(self, arrival: Arrival) -> None:  # noqa: ARG002 -- as every executor takes it
        """No user has another turn."""
        self.end_at(self._elapsed_s())

    def end_at(self, until_s: float) -> None:
        """Take no turn after that instant of the run."""
        self._until_s = min(self._until_s, until_s)

    def turn(self, scenario: int) -> float:
        """One request by the calling user; returns the seconds to think after it.

        Blocks for good once the run is over, until Locust kills the user.
        """
        gevent.sleep(max(0.0, -self._elapsed_s()))
        now_s = self._elapsed_s()
        if now_s >= self._until_s:
            gevent.sleep(_FOREVER_S)
        arrival = Arrival(next(self._indices), now_s, stage_at(self._stages, now_s), scenario)
        user = getcurrent()
        self._in_flight.add(user)
        try:
            self._start(arrival, 0.0)
        except Exception as error:  # ours: Locust would log it, and let the user go on
            self.crash = error
            raise
        finally:
            self._in_flight.discard(user)
        return self._think_time_s(arrival.index)

    def abandon(self) -> None:
        """Kill what is in flight, and wait until each has written its record."""
        gevent.killall(list(self._in_flight))

    def _elapsed_s(self) -> float:
        return clock.now_s() - self._begins_at_s
