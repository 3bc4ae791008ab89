"""Renders what `relayload audit` tells: what was asked of whom, what was found, and the objectives."""

from collections.abc import Iterator
from decimal import Decimal

from rich.console import Group, RenderableType
from rich.text import Text

from relayload.core.audit.result import AuditResult
from relayload.core.model.verdict import ObjectiveResult, Status
from relayload.core.printable import one_line
from relayload.core.units import format_usd, number_of
from relayload.report.audit import render_audit, render_audit_markdown
from relayload.report.facts import Facts
from relayload.report.markdown import escape, objective_blocks
from relayload.report.objective_reasons import reasons_told
from relayload.report.printing import printed
from relayload.report.screen import PLAIN, Screen
from relayload.report.text import STYLES, condition, objectives_table, observed


def render_result(result: AuditResult, screen: Screen = PLAIN) -> str:
    """Render the whole as text."""
    style = f"bold {STYLES[result.verdict]}"
    decided = Group(Text(verdict_line(result), style=style, no_wrap=True, overflow="ignore"))
    head: list[RenderableType] = [decided, Text(title(result), style="bold"), *map(Text, lead(result))]
    head += _objectives(result)
    return printed(head, screen) + render_audit(result.audit, screen) + printed([*_tail(result), decided], screen)


def render_result_markdown(result: AuditResult) -> str:
    """Render the same as a page that can be published."""
    blocks = [
        [f"# {escape(title(result))}"],
        [f"**{escape(verdict_line(result))}**"],
        [f"- {escape(line)}" for line in lead(result)],
    ]
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
    return [result.not_compared] if result.not_compared and result.verdict is not Status.NOT_JUDGED else []


def verdict_line(result: AuditResult) -> str:
    """Return the verdict and what it comes from: `FAIL: usage.input_factor < 1.01: relay o3: x1.050`."""
    return f"{verdict_word(result)}: {one_line('; '.join(verdict_reasons(result)))}"


def verdict_word(result: AuditResult) -> str:
    return "PARTIAL" if result.verdict is Status.STOPPED else result.verdict.value


def verdict_reasons(result: AuditResult) -> list[str]:
    """Return what the verdict comes from, in the words of docs/audit.md."""
    failed = [_told(each) for each in result.objectives if each.counts and each.verdict is Status.FAIL]
    match result.verdict:
        case Status.PASS:
            return [f"nothing was found{', and no model was compared' if result.not_compared else ''}"]
        case Status.FAIL:
            return failed
        case Status.INCONCLUSIVE:
            return [f"it can't be told: {'; '.join(_undecided(result)) or 'there are too few answers'}"]
        case Status.STOPPED:
            so_far = [f"so far FAIL: {failed[0]}", *failed[1:]] if failed else []
            return [f"it ended before everything was asked: {result.ended_by}", *so_far]
        case _:
            return [result.not_compared or "no answer was judged"]


def _undecided(result: AuditResult) -> list[str]:
    """Return the doubts and the objectives that are undecided, which say the same where a comparison is in doubt."""
    undecided = [each for each in result.objectives if each.counts and each.verdict is not Status.PASS]
    doubts = result.audit.doubts
    return [*doubts, *(_told(each) for each in undecided if each.reason not in doubts)]


def _told(result: ObjectiveResult) -> str:
    return f"{condition(result)}: {result.reason or observed(result)}"


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
    """Return the rows at the head of a page: what a reader has to know, and who was asked."""
    return [*(("note", line) for line in lead(result)), *result_facts(result)]


def _objectives(result: AuditResult) -> Iterator[RenderableType]:
    if result.objectives:
        yield Text("")
        yield objectives_table(result.objectives)
        yield from map(Text, reasons_told(result.objectives))
        yield Text("")


def _tail(result: AuditResult) -> Iterator[RenderableType]:
    cost = "" if result.usd is None else f", {format_usd(Decimal(str(result.usd)))}"
    yield Text("")
    yield Text(f"{number_of(result.requests, 'request')}{cost}")


def _joined(blocks: list[list[str]]) -> str:
    return "".join(f"{line}\n" for block in blocks if block for line in (*block, ""))
