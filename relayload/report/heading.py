"""What a run was: when it began, where it went and what was asked there."""

from datetime import datetime
from urllib.parse import urlsplit

from relayload.core.metrics.summary import Summary
from relayload.core.model.run import RunInfo


def heading_facts(summary: Summary, run: RunInfo | None) -> list[tuple[str, str]]:
    """Date, target and models; only what is known."""
    facts = [("date", _date(run.started_at)), ("target", _targets(run))] if run is not None else []
    return [*facts, ("models", ", ".join(summary.by_model))] if summary.by_model else facts


def _date(started_at: str) -> str:
    moment = datetime.fromisoformat(started_at)
    return f"{moment:%Y-%m-%d %H:%M:%S} {moment.tzname() or 'UTC'}"


def _targets(run: RunInfo) -> str:
    if not run.targets:
        return host(run.base_url)
    return ", ".join(f"{name} {host(target.base_url)}" for name, target in run.targets.items())


def host(base_url: str) -> str:
    """Host and port alone: nothing of an address may be a secret that stands in a report."""
    try:
        return urlsplit(base_url).netloc.rpartition("@")[2] or "an address without a host"
    except ValueError:
        return "an address that is none"
