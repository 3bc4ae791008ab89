"""The time between two trials: wait until the relay is back where it was before the first."""

from collections.abc import Callable
from time import sleep

from relayload import clock
from relayload.capacity.prober import Prober
from relayload.core.capacity.recovery import (
    FIRST_PROBES,
    Probe,
    Recovery,
    Rest,
    hopeless,
    late,
    pause_s,
    recovered,
    rest_of,
)
from relayload.core.units import format_duration

_FIRST_WITHIN_S = 30.0
_SAY_SO_AFTER_S = 2.0
_STEP_S = 0.1


class Pauses:
    """Measures the relay at rest, and waits for it to be so again. Counts the probes that it sends."""

    def __init__(self, prober: Prober, most_s: float, say: Callable[[str], None], given_up: Callable[[], bool]) -> None:
        """Waits for `most_s` at most, and `given_up()` ends it at once."""
        self._prober, self.most_s = prober, most_s
        self._say, self._given_up = say, given_up
        self.probes = 0
        self.usd = 0.0

    def rest(self) -> Rest | None:
        """Probe the relay before its first trial; None if too few probes were answered to tell, which is said."""
        probes = list[Probe]()
        while len(probes) < FIRST_PROBES and not hopeless(probes) and not self._given_up():
            probes.append(self._probe(_FIRST_WITHIN_S))
        rest = rest_of(probes)
        if rest is None and not self._given_up():
            self._say(
                "too few single requests are answered to tell how fast the relay is at rest: nothing waits for it"
            )
        return rest

    def recovery(self, rest: Rest) -> tuple[Recovery, str | None]:
        """Wait until the relay has recovered. Return what was found, and why it has not."""
        began_s, probes, told = clock.now_s(), list[Probe](), False
        while not recovered(probes, rest):
            if (probes and clock.now_s() - began_s >= self.most_s) or self._given_up():
                return _found(began_s, probes), f"{_told(probes, rest)}, {format_duration(self.most_s)} later"
            if not told and clock.now_s() - began_s > _SAY_SO_AFTER_S:
                told = True
                self._say(f"waiting for the relay to recover: {_told(probes, rest)}")
            self._sleep(pause_s(probes, rest))
            left_s = began_s + self.most_s - clock.now_s()
            probes.append(self._probe(max(rest.limit_s, left_s)))
        found = _found(began_s, probes)
        if told:
            self._say(f"it has recovered, after {format_duration(found.waited_s)}")
        return found, None

    def _probe(self, within_s: float) -> Probe:
        probe = self._prober.probe(within_s, self._given_up)
        self.probes += 1
        self.usd += probe.usd
        return probe

    def _sleep(self, for_s: float) -> None:
        until_s = clock.now_s() + for_s
        while (left_s := until_s - clock.now_s()) > 0 and not self._given_up():
            sleep(min(left_s, _STEP_S))


def _found(began_s: float, probes: list[Probe]) -> Recovery:
    last = probes[-1].latency_s if probes else None
    return Recovery(waited_s=round(clock.now_s() - began_s, 3), probes=len(probes), latency_s=last)


def _told(probes: list[Probe], rest: Rest) -> str:
    worst = late(probes, rest) or Probe()
    what = "failed" if worst.status is None else f"was answered {worst.status}"
    if worst.latency_s is not None:
        what = f"took {format_duration(worst.latency_s)}"
    return f"a single request {what}, and {format_duration(rest.slowest_s)} at most before the first trial"
