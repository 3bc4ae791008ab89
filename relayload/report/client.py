"""What the client did in a run, as facts for people: nothing where there is nothing to tell."""

from collections.abc import Mapping

from relayload.core.metrics.summary import BreakerChange, Summary
from relayload.core.units import format_duration

_MOST_CHANGES = 8

Facts = list[tuple[str, str]]
"""Names, and what there is to say of them."""


def client_facts(summary: Summary) -> Facts:
    """A line each on retries, quotas and breakers, the latter with their changes."""
    return [*_retries(summary), *_quota(summary), *_breaker(summary)]


def _retries(summary: Summary) -> Facts:
    retries, count = summary.retries, summary.counts.retries
    parts = []
    if count:
        parts += [f"{count:,} retries ({_counted(retries.by_kind)})", f"{retries.succeeded_after_retry:,} ok after one"]
    if count and retries.amplification is not None:
        parts.append(f"{retries.amplification:.2f} attempts per request")
    if retries.backoff_s:
        parts.append(f"backoff {format_duration(retries.backoff_s)} in all")
    if retries.stopped_by:
        parts.append(f"stopped by {_counted(retries.stopped_by)}")
    return [("retries", " · ".join(parts))] if parts else []


def _quota(summary: Summary) -> Facts:
    quota, waits = summary.quota, summary.metrics.throttled
    if not quota.throttled:
        return []
    text = f"{_requests(quota.throttled)} waited for it, {format_duration(quota.throttled_s)} in all"
    return [("quota", f"{text} · at most {format_duration(waits.max)}" if waits else text)]


def _breaker(summary: Summary) -> Facts:
    breaker = summary.breaker
    if not breaker.transitions and not breaker.short_circuited:
        return []
    parts = [f"{breaker.trips:,} trip{'s' if breaker.trips != 1 else ''}", f"open {_duration(breaker.open_time_s)}"]
    parts += ["only watched"] if breaker.enforced is False else [f"{_requests(breaker.short_circuited)} refused"]
    shown = [("", _change(change)) for change in breaker.transitions[:_MOST_CHANGES]]
    left = len(breaker.transitions) - len(shown)
    more = [("", f"… and {left:,} changes more")] if left else []
    return [("breaker", " · ".join(parts)), *shown, *more]


def _change(change: BreakerChange) -> str:
    where = f"{change.scope}, worker {change.worker}"
    behind = f": {change.failures} of {change.calls} failed" if change.failures else ""
    slow = f"{', ' if behind else ': '}{change.slow} of {change.calls} slow" if change.slow else ""
    return f"{_duration(change.at_s)} {change.after} ({where}) by {change.reason}{behind}{slow}"


def _requests(count: int) -> str:
    return f"{count:,} request{'s' if count != 1 else ''}"


def _duration(seconds: float) -> str:
    return format_duration(seconds) if seconds else "0s"


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} {name}" for name, count in counts.items())
