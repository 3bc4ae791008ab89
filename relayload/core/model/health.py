"""Whether the generator delivered the load and could measure it: the thresholds past which a run is INVALID.

A relay must not be blamed for a load generator that was itself the bottleneck.
"""

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from msgspec import Struct

from relayload.core.units import format_duration

STARVED = frozenset({"no_files", "no_ports"})
"""The errors of attempts that this machine had nothing left for: no open file, no port."""


_ONE_ALONE = 1
"""One late start among few does not make the generator a bottleneck."""


_ADVICE = MappingProxyType(
    {
        "max_in_flight": "raise load.max_in_flight",
        "late": "they were too late for load.limits, so use machines that are less busy",
        "lease": "their workers were held up or cut off from the master, so look at their machines and network",
    }
)
"""What to do about dropped arrivals, by the reason on record."""


class Thresholds(Struct, frozen=True, kw_only=True):
    """The limits within which a run is valid. All shares but `late_share` are of the offered arrivals."""

    late_s: float = 0.05
    """A start later than this after its intended instant is late, and so is an event loop that lags more (p95)."""
    late_share: float = 0.01
    """The most starts that may be late."""
    drop_share: float = 0.0
    """The most arrivals that may be dropped."""
    lost_share: float = 0.01
    """The most arrivals that may be lost with their workers."""
    loop_lag_s: float = 0.01
    """The most that the p99 of the event loop's lag may be where the kernel gives no timestamps."""


def doubts(
    thresholds: Thresholds,
    *,
    started: int,
    late: int,
    dropped: Mapping[str, int],
    lost: int,
    timestamps: str | None,
    loop_lag_p95_s: float | None,
    loop_lag_p99_s: float | None,
    starved: int = 0,
) -> tuple[str, ...]:
    """Return why the load was not delivered, or not measured, as it should be.

    `late` counts the starts later than `thresholds.late_s`, `dropped` the arrivals by the reason for which they were
    dropped, `starved` the attempts that found no file or port left.
    """
    offered = started + sum(dropped.values()) + lost
    return (
        *_late(thresholds, late, started),
        *_dropped(thresholds, dropped, offered),
        *_lost(thresholds, lost, offered),
        *_lagging(thresholds, loop_lag_p95_s),
        *_starved(starved),
        *_unmeasured(thresholds, timestamps, loop_lag_p99_s),
    )


def _late(thresholds: Thresholds, late: int, started: int) -> Iterator[str]:
    if late > max(thresholds.late_share * started, _ONE_ALONE if thresholds.late_share else 0):
        yield (
            f"the generator was the bottleneck: {late} of {started} requests started more than "
            f"{format_duration(thresholds.late_s)} late; use more processes or a lower rate"
        )


def _dropped(thresholds: Thresholds, dropped: Mapping[str, int], offered: int) -> Iterator[str]:
    count = sum(dropped.values())
    if count > thresholds.drop_share * offered:
        several = len(dropped) > 1
        advice = [f"{f'{n} of them: ' if several else ''}{_advice(reason)}" for reason, n in sorted(dropped.items())]
        yield (
            f"the load was not delivered: {count} of {offered} arrivals were dropped; {'; '.join(advice)}, or allow "
            "for them in generator.drop_share"
        )


def _advice(reason: str) -> str:
    return _ADVICE.get(reason, f"the recording says why: {reason}")


def _lost(thresholds: Thresholds, lost: int, offered: int) -> Iterator[str]:
    if lost > thresholds.lost_share * offered:
        yield (
            f"the load was not delivered: {lost} of {offered} arrivals were lost with workers that died, were cut "
            "off or failed; allow for them in generator.lost_share if the rest is enough"
        )


def _lagging(thresholds: Thresholds, loop_lag_p95_s: float | None) -> Iterator[str]:
    """Check the lag between a punctual start and its send, which waits for the event loop.

    The p95 decides, since one hiccup in a short run is no bottleneck.
    """
    if loop_lag_p95_s is not None and loop_lag_p95_s > thresholds.late_s:
        yield (
            f"the generator was the bottleneck: its event loop lagged by {format_duration(loop_lag_p95_s)} (p95), so "
            "that requests were sent late; use more processes or a lower rate"
        )


def _starved(attempts: int) -> Iterator[str]:
    if attempts:
        yield (
            f"{attempts} requests found no open file or port left on this machine: raise its limits (ulimit -n, "
            "net.ipv4.ip_local_port_range) or use more machines"
        )


def _unmeasured(thresholds: Thresholds, timestamps: str | None, loop_lag_p99_s: float | None) -> Iterator[str]:
    if timestamps == "user" and loop_lag_p99_s is not None and loop_lag_p99_s > thresholds.loop_lag_s:
        yield (
            "first tokens could not be timed by the kernel's stamps, and the event loop that read them lagged by "
            f"{format_duration(loop_lag_p99_s)} (p99): use a machine that is less busy, more processes or a lower rate"
        )
