"""What each of several targets was asked and answered, as text for people."""

from relayload.core.metrics.summary import Summary, TargetGroup
from relayload.core.units import format_usd


def target_facts(summary: Summary) -> list[tuple[str, str]]:
    """A row for each; nothing where there is one."""
    rows = [f"{name}: {_told(group)}" for name, group in summary.by_target.items()]
    return [("targets" if not position else "", row) for position, row in enumerate(rows)]


def _told(group: TargetGroup) -> str:
    tokens, usd = group.tokens, group.cost.usd
    parts = [f"started {group.started:,}", f"ok {group.ok:,}", f"{tokens.input:,} tokens in, {tokens.output:,} out"]
    return " · ".join([*parts, *([format_usd(usd)] if usd and group.cost.by_model else [])])
