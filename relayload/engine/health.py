"""Measures how well this process can measure: event loop lag, share of a core, pauses, open files, clock steps."""

import gevent

from relayload import clock
from relayload.core.stats.histogram import Histogram
from relayload.engine.collector import Collector
from relayload.engine.wall_clock import WallClock
from relayload.transport import open_files

_HEARTBEAT_S = 0.05
_BEATS_PER_LOOK = 20


class Health:
    """Samples in a greenlet of its own until `stop`."""

    def __init__(self) -> None:
        self._lag = Histogram()
        self._began_at_s = clock.now_s()
        self._began_cpu_s = clock.cpu_s()
        self._wall_clock = WallClock()
        self._collector = Collector()
        self._collector.start()
        self.most_open_files = open_files.count()
        self._heart = gevent.spawn(self._beat)

    @property
    def loop_lag_p95_s(self) -> float | None:
        return self._lag.quantile_s(0.95)

    @property
    def loop_lag_p99_s(self) -> float | None:
        return self._lag.quantile_s(0.99)

    @property
    def cpu_share(self) -> float:
        """CPU seconds per second since the start."""
        elapsed_s = clock.now_s() - self._began_at_s
        return (clock.cpu_s() - self._began_cpu_s) / elapsed_s if elapsed_s > 0 else 0.0

    @property
    def longest_gc_pause_s(self) -> float:
        return self._collector.longest_pause_s

    @property
    def clock_steps(self) -> int:
        """How often the wall clock was stepped since the start."""
        return self._wall_clock.steps

    def stop(self) -> None:
        self._heart.kill()
        self._collector.stop()
        self._look()

    def _beat(self) -> None:
        beats = 0
        while True:
            asleep_at_s = clock.now_s()
            gevent.sleep(_HEARTBEAT_S)
            self._lag.add(max(0.0, clock.now_s() - asleep_at_s - _HEARTBEAT_S))
            beats += 1
            if beats % _BEATS_PER_LOOK == 0:
                self._look()

    def _look(self) -> None:
        self._wall_clock.look()
        if self.most_open_files is not None:
            self.most_open_files = max(self.most_open_files, open_files.count() or 0)
