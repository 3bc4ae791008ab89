"""The rows of a name and a text in which a summary is shown.

A function returns no rows if there is nothing to show.
"""

from collections.abc import Mapping
from datetime import datetime
from urllib.parse import urlsplit

from relayload.core.metrics.cost import Cost, Waste
from relayload.core.metrics.summary import BatchTally, BreakerChange, PaidGroup, Rates, Summary
from relayload.core.model.run import RunInfo
from relayload.core.units import format_duration, format_usd

_MOST_CHANGES = 8

Facts = list[tuple[str, str]]
"""Rows of a name and a text. A row without a name continues the one above it."""


def heading_facts(summary: Summary, run: RunInfo | None) -> Facts:
    """Return the date, target and models, as far as they are known."""
    facts = [("date", _date(run.started_at)), ("target", _base_urls(run))] if run is not None else []
    return [*facts, ("models", ", ".join(summary.by_model))] if summary.by_model else facts


def _date(started_at: str) -> str:
    moment = datetime.fromisoformat(started_at)
    return f"{moment:%Y-%m-%d %H:%M:%S} {moment.tzname() or 'UTC'}"


def _base_urls(run: RunInfo) -> str:
    if not run.targets:
        return host(run.base_url)
    return ", ".join(f"{name} {host(target.base_url)}" for name, target in run.targets.items())


def host(base_url: str) -> str:
    """Return the host and port of an address, since any other part of it may be a secret."""
    try:
        return urlsplit(base_url).netloc.rpartition("@")[2] or "an address without a host"
    except ValueError:
        return "an address that is none"


def batch_facts(batch: BatchTally | None) -> Facts:
    """Return how far a batch came; empty for other loads."""
    if batch is None:
        return []
    left = (("running", batch.running), ("queued", batch.queued), ("lost", batch.lost))
    parts = [f"{batch.requests:,} requests", f"done {batch.done:,}", f"failed {batch.failed:,}"]
    parts += [f"{name} {count:,}" for name, count in left if count]
    if batch.makespan_s is not None:
        parts.append(f"{'makespan' if batch.finished else 'ended after'} {format_duration(batch.makespan_s)}")
    return [("batch", " · ".join(parts))]


def later_facts(rates: Rates) -> Facts:
    """Return how many requests ended too late for the rates; empty if none did."""
    if rates.ended_later_s is None:
        return []
    within = format_duration(rates.ended_later_s)
    return [("", f"{rates.ended_later:,} more ended ok within {within} after the measured span")]


def client_facts(summary: Summary) -> Facts:
    """Return rows on retries, quotas and breakers, and on the latter's changes of state."""
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


def cost_facts(cost: Cost) -> Facts:
    """Return what the run cost; empty if no model has a price."""
    if cost.usd is None:
        reasons = [f"{model} has no price" for model in cost.unpriced]
        reasons += [f"{model} never told its tokens" for model in cost.untold]
        return [("cost", f"not known: {', '.join(reasons)}")] if cost.by_model else []
    wasted = [f"wasted {format_usd(cost.wasted_usd)}: {_wasted(cost.waste)}"] if cost.waste and cost.wasted_usd else []
    estimated = [f"estimated {format_usd(cost.estimated_usd)}, without usage"] if cost.estimated_usd else []
    return [("cost", " · ".join([format_usd(cost.usd), *wasted, *estimated]))] if cost.by_model else []


def _wasted(waste: Waste) -> str:
    parts = (("retries", waste.retries_usd), ("failed", waste.failed_usd), ("cancelled", waste.cancelled_usd))
    return ", ".join(f"{name} {format_usd(amount)}" for name, amount in parts if amount)


def target_facts(summary: Summary) -> Facts:
    """Return what each target was asked and answered, and with which key or tag; empty if there is only one."""
    named = {"targets": summary.by_target, "keys": summary.by_key, **summary.by_tag}
    return [row for what, groups in named.items() for row in _answers(what, groups)]


def _answers(what: str, groups: Mapping[str, PaidGroup]) -> Facts:
    rows = [f"{name}: {_answered(group)}" for name, group in groups.items()]
    return [(what if not position else "", row) for position, row in enumerate(rows)]


def _answered(group: PaidGroup) -> str:
    tokens, usd = group.tokens, group.cost.usd
    parts = [f"started {group.started:,}", f"ok {group.ok:,}", f"{tokens.input:,} tokens in, {tokens.output:,} out"]
    return " · ".join([*parts, *([format_usd(usd)] if usd and group.cost.by_model else [])])
