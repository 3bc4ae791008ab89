"""Whether a relay has recovered from a trial: probes, single requests without a load, take as long as before the first.

A queue that a trial has left behind delays every probe, so few of them tell. Latencies of sound relays differ, too, by
a factor of two and more, so the measure is the slowest of some probes before the first trial, and half as much again.
"""

from collections.abc import Sequence

from msgspec import Struct

FIRST_PROBES = 6
"""The probes before the first trial; the very first of them may meet a cold relay, and does not count."""
_ENOUGH = 3
_SLACK, _SLACK_S = 1.5, 0.02
_IN_ORDER, _OF_LAST = 2, 3
_FIRST_PAUSE_S, _MOST_PAUSE_S = 0.2, 5.0


class Probe(Struct, frozen=True, kw_only=True):
    """What came of one probe."""

    latency_s: float | None = None
    """The time to the first token, or to the whole answer where it is not streamed; None if it failed."""
    status: int | None = None
    usd: float = 0.0


class Rest(Struct, frozen=True, kw_only=True):
    """A relay at rest."""

    slowest_s: float
    """The slowest of the probes before the first trial."""

    @property
    def limit_s(self) -> float:
        """What a probe of a relay that has recovered takes at most."""
        return _SLACK * self.slowest_s + _SLACK_S


class Recovery(Struct, frozen=True, kw_only=True):
    """How a relay was found before a trial."""

    waited_s: float
    """From the end of what had been in flight until the probes were in order."""
    probes: int
    latency_s: float | None = None
    """What the last of them took; None if it failed."""


def rest_of(probes: Sequence[Probe]) -> Rest | None:
    """Return the measure by the first probes; None if too few of them were answered."""
    answered = [probe.latency_s for probe in probes[1:] if probe.latency_s is not None]
    return Rest(slowest_s=max(answered)) if len(answered) >= _ENOUGH else None


def hopeless(probes: Sequence[Probe]) -> bool:
    """Return whether too many of the first probes failed for the others to tell anything."""
    return sum(probe.latency_s is None for probe in probes) > FIRST_PROBES - 1 - _ENOUGH


def recovered(probes: Sequence[Probe], rest: Rest) -> bool:
    """Return whether two of the last three probes took no longer than at rest."""
    return sum(_in_order(probe, rest) for probe in probes[-_OF_LAST:]) >= _IN_ORDER


def late(probes: Sequence[Probe], rest: Rest) -> Probe | None:
    """Return the last probe that took longer than at rest, or failed; None if all were in order."""
    return next((probe for probe in reversed(probes) if not _in_order(probe, rest)), None)


def pause_s(probes: Sequence[Probe], rest: Rest) -> float:
    """Return the time until the next probe: none after one in order, and longer and longer after the others."""
    if not probes or _in_order(probes[-1], rest):
        return 0.0
    return _pause_after_s(sum(not _in_order(probe, rest) for probe in probes))


def most_probes(trials: int, recover_s: float) -> int:
    """Return how many probes so many trials can take, if each of them is waited for as long as may be."""
    late, waited_s = 0, 0.0
    while waited_s <= recover_s:
        late += 1
        waited_s += _pause_after_s(late)
    at_worst = late + late // 2 + _IN_ORDER  # one in order after every two that are not
    return FIRST_PROBES + trials * at_worst if recover_s else 0


def _pause_after_s(late: int) -> float:
    return min(_MOST_PAUSE_S, _FIRST_PAUSE_S * 2.0 ** min(late - 1, 10))


def _in_order(probe: Probe, rest: Rest) -> bool:
    return probe.latency_s is not None and probe.latency_s <= rest.limit_s
