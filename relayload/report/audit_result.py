"""Renders what `relayload audit` tells: what was asked of whom, what was found, and the objectives."""

from collections.abc import Iterator
from decimal import Decimal

from rich.console import RenderableType
from rich.text import Text

from relayload.core.audit.result import AuditResult
from relayload.core.printable import one_line
from relayload.core.units import format_usd, number_of
from relayload.report.audit import render_audit, render_audit_markdown
from relayload.report.facts import Facts
from relayload.report.markdown import escape, objective_blocks
from relayload.report.objective_reasons import reasons_told
from relayload.report.printing import printed
from relayload.report.screen import PLAIN, Screen
from relayload.report.text import condition, objectives_table, observed


def render_result(result: AuditResult, screen: Screen = PLAIN) -> str:
    """Render the whole as text."""
    head: list[RenderableType] = [Text(title(result), style="bold"), *map(Text, lead(result))]
    return printed(head, screen) + render_audit(result.audit, screen) + printed(_objectives(result), screen)


def render_result_markdown(result: AuditResult) -> str:
    """Render the same as a page that can be published."""
    blocks = [[f"# {escape(title(result))}"], [f"- {escape(line)}" for line in lead(result)]]
    blocks += objective_blocks(result.objectives)
    facts = [f"- {escape(name)}: {escape(text)}" for name, text in result_facts(result)]
    return f"{_joined(blocks)}{render_audit_markdown(result.audit)}{_joined([['### What was asked'], facts])}"


def title(result: AuditResult) -> str:
    """Return what was audited: `Audit of relay for o3, beside vendor`."""
    audited = [name for name in result.targets if name != result.reference] or [*result.targets]
    beside = f", beside {one_line(result.reference, 100)}" if result.reference else ""
    return f"Audit of {', '.join(audited)} for {', '.join(one_line(model, 60) for model in result.models)}{beside}"


def lead(result: AuditResult) -> list[str]:
    """Return what a reader has to know first."""
    lines = [f"PARTIAL: it ended before everything was asked: {result.ended_by}"] if result.ended_by else []
    return [*lines, *([result.not_compared] if result.not_compared else [])]


def result_facts(result: AuditResult) -> Facts:
    """Return who was asked, when, and what it cost, by name."""
    recorded = f"recorded at {result.recorded_at}" if result.recorded_at else ""
    facts = [
        *((name, one_line(url)) for name, url in result.targets.items()),
        ("reference", ", ".join(filter(None, (result.reference or "", recorded)))),
        ("date", result.started_at),
        ("requests", f"{result.requests:,}"),
        ("cost", "" if result.usd is None else format_usd(Decimal(str(result.usd)))),
        ("versions", ", ".join(f"{name} {version}" for name, version in result.versions.items())),
        ("platform", result.platform),
    ]
    return [(name, text) for name, text in facts if text]


def page_facts(result: AuditResult) -> Facts:
    """Return the rows at the head of a page: what a reader has to know, who was asked, and the objectives."""
    judged = [(condition(each), f"{each.verdict.value}, {observed(each)}") for each in result.objectives]
    return [*(("note", line) for line in lead(result)), *judged, *result_facts(result)]


def _objectives(result: AuditResult) -> Iterator[RenderableType]:
    if result.objectives:
        yield Text("")
        yield objectives_table(result.objectives)
        yield from map(Text, reasons_told(result.objectives))
    cost = "" if result.usd is None else f", {format_usd(Decimal(str(result.usd)))}"
    yield Text(f"{number_of(result.requests, 'request')}{cost}")


def _joined(blocks: list[list[str]]) -> str:
    return "".join(f"{line}\n" for block in blocks if block for line in (*block, ""))
