"""How well this process could measure: the lag of its event loop and its share of a core."""

import gevent

from relayload import clock
from relayload.core.results.histogram import Histogram

_HEARTBEAT_S = 0.05


class Health:
    """Beats in a greenlet of its own from `start` to `stop`."""

    def __init__(self) -> None:
        self._lag = Histogram()
        self._began_at_s = clock.now_s()
        self._began_cpu_s = clock.cpu_s()
        self._heart = gevent.spawn(self._beat)

    @property
    def loop_lag_p99_s(self) -> float | None:
        return self._lag.quantile_s(0.99)

    @property
    def cpu_share(self) -> float:
        """CPU seconds per second since the beginning."""
        elapsed_s = clock.now_s() - self._began_at_s
        return (clock.cpu_s() - self._began_cpu_s) / elapsed_s if elapsed_s > 0 else 0.0

    def stop(self) -> None:
        self._heart.kill()

    def _beat(self) -> None:
        while True:
            asleep_at_s = clock.now_s()
            gevent.sleep(_HEARTBEAT_S)
            self._lag.add(max(0.0, clock.now_s() - asleep_at_s - _HEARTBEAT_S))
