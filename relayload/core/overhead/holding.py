"""Does every target keep up with a rate? A short trial tells, beside what a single request takes."""

from collections.abc import Mapping, Sequence
from statistics import median

from relayload.core.model.record import Drop, Line, Outcome
from relayload.core.overhead.exchanges import ByIndex, by_target, failure_kind, latency
from relayload.core.units import format_duration

_MOST_FAILED = 0.01
_MOST_TIMES = 3.0
_LEAST_SLOWER_S = 0.02
"""A target keeps up if the latter half of its answers take no more than three times as long as a single request, or
20 ms more: a queue that grows passes that within seconds."""


def usual_latency_s(sent: ByIndex) -> float | None:
    """Return the median latency of the requests that ended ok; None without one."""
    ended = [latency(record) or 0.0 for record in sent.values() if record.outcome is Outcome.OK]
    return median(ended) if ended else None


def why_not_held(lines: Sequence[Line], alone_s: Mapping[str, float]) -> str | None:
    """Return which target did not keep up in a trial, and how; None if all did.

    `alone_s` has the usual latency of a single request at each.
    """
    sent = by_target(lines)
    for name, limit_from_s in alone_s.items():
        if (reason := _behind(sent.get(name, {}), limit_from_s)) is not None:
            return f"{name} {reason}"
    dropped = sum(isinstance(line, Drop) for line in lines)
    return f"{dropped:,} of the requests found too many in flight" if dropped else None


def _behind(sent: ByIndex, alone_s: float) -> str | None:
    if not sent:
        return "got no request"
    failed = [record for record in sent.values() if record.outcome is not Outcome.OK]
    if len(failed) > _MOST_FAILED * len(sent):
        return f"failed {len(failed)} of {len(sent)} requests: {failure_kind(failed[0])}"
    later = dict(sorted(sent.items())[len(sent) // 2 :])
    usual_s = usual_latency_s(later)
    limit_s = max(_MOST_TIMES * alone_s, alone_s + _LEAST_SLOWER_S)
    if usual_s is None or usual_s <= limit_s:
        return None
    return f"took {format_duration(usual_s)}, and {format_duration(alone_s)} one at a time"
