"""Renders an audit as text and as Markdown, and the tables that its page shows as well.

It says "differs" or "no difference seen", and what could have been seen; it never says why.
"""

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from msgspec.structs import replace
from rich.console import RenderableType
from rich.text import Text

from relayload.core.audit.findings import Audit, Change, Checked, Feature, ModelDifference, Named, Tokens, Usage
from relayload.core.objectives.formatting import share
from relayload.core.printable import one_line
from relayload.report.audit_facts import (
    audit_lines,
    changed_text,
    control_line,
    factor_text,
    honoured_text,
    is_as_counted,
    is_right,
    names_another,
    names_text,
    p_text,
    quantity_name,
    subject,
    subjects,
    tokens_text,
    usd_text,
    with_ends,
)
from relayload.report.fitting_table import Column, FittingTable
from relayload.report.markdown import escape, table
from relayload.report.printing import DASH, printed
from relayload.report.screen import PLAIN, Screen

TITLE = "Usage and model"
_NAME_WIDTH = 60


@dataclass(frozen=True, slots=True)
class Section:
    """A table of an audit, and what is to be said of it."""

    title: str
    headings: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    words: frozenset[int]
    """The columns of words; the others are numbers."""
    notes: Sequence[str] = ()


def render_audit(audit: Audit, screen: Screen = PLAIN) -> str:
    """Render the audit as text, with tables of what is not as it should be alone."""
    return printed(list(_parts(audit)), screen)


def render_audit_markdown(audit: Audit) -> str:
    """Render the same as Markdown that can be published."""
    return "".join(f"{line}\n" for block in _blocks(audit) if block for line in (*block, ""))


def lead(audit: Audit) -> list[str]:
    """Return what a reader has to know first: doubts, and the short lines."""
    return [*(f"doubt: {one_line(doubt)}" for doubt in audit.doubts), *_short(audit)]


def sections(audit: Audit) -> Iterator[Section]:
    """Yield a table for each part of the audit that found anything."""
    yield from (section for section in _all_sections(audit) if section.rows or section.notes)


def _worth_telling(audit: Audit) -> Iterator[Section]:
    """Yield the same tables without the rows that are as they should be, and a line for all of those."""
    usual = [found for found in audit.named if not names_another(found) and len(found.fingerprints) <= 1]
    unhonoured = [found for found in audit.features if found.honoured is not True]
    odd = replace(
        audit,
        usage=tuple(found for found in audit.usage if not is_as_counted(found)),
        named=tuple(found for found in audit.named if found not in usual),
        checked=tuple(found for found in audit.checked if not is_right(found)),
        features=tuple(unhonoured),
        changes=tuple(found for found in audit.changes if found.changed),
    )
    named = [found for found in usual if found.answered_models]
    odd_ones = {(found.target, found.model) for found in unhonoured}
    honoured = [found for found in audit.features if (found.target, found.model) not in odd_ones]
    notes = {
        _NAMES: f"as asked for: {subjects(named)}" if named else "",
        _FIELDS: f"all request fields honoured: {subjects(honoured)}" if honoured else "",
    }
    for section in _all_sections(odd):
        told = [*section.notes, *filter(None, [notes.get(section.title, "")])]
        if section.rows or told:
            yield dataclasses.replace(section, notes=told)


METHOD = (
    "Input: the tokens that were counted here, with those that the format of a chat adds, beside those reported. A "
    "robust line through both gives the factor and the hidden tokens of every request; intervals are of 95 %.",
    "Output: the tokens of the text and of tool calls that came, with reasoning where it was sent, beside those "
    "reported. Hidden reasoning can only be compared from below.",
    "Model: the same questions to the target and to the reference at temperature 1, compared by their first 100 "
    "characters. p is corrected for the number of comparisons.",
    "A difference does not say why: system prompts, quantization, routing and safety layers make answers differ, too.",
)


def _all_sections(audit: Audit) -> Iterator[Section]:
    yield Section(
        "Usage",
        (_SUBJECT, "answers", "input", "hidden tokens", "output", "$ a month", "counted by"),
        [_usage_row(usage) for usage in audit.usage],
        frozenset((0, 6)),
        [*filter(None, map(_totals, audit.usage))],
    )
    yield Section(
        "Model",
        (_SUBJECT, "against", "prompts", "answers", "MMD", "p", "finding"),
        [_difference_row(found) for found in audit.differences],
        frozenset((0, 1, 6)),
        [*map(control_line, audit.controls)],
    )
    yield Section(
        _NAMES,
        (_SUBJECT, "models", "fingerprints"),
        [_named_row(found) for found in audit.named if found.answered_models or found.fingerprints],
        frozenset((0, 1, 2)),
    )
    yield Section(
        "Questions with a right answer",
        (_SUBJECT, "kind", "asked", "right", "share", "95% interval"),
        [_checked_row(found) for found in audit.checked],
        frozenset((0, 1)),
    )
    yield Section(
        _FIELDS,
        (_SUBJECT, "field", "finding", "seen"),
        [_feature_row(found) for found in audit.features],
        frozenset((0, 1, 2, 3)),
    )
    yield Section(
        "Under load",
        (_SUBJECT, "quantity", "load", "without it", "under it", "answers", "p", "finding"),
        [_change_row(found) for found in audit.changes],
        frozenset((0, 1, 2, 7)),
    )


_SUBJECT = "target, model"
_NAMES, _FIELDS = "Names in answers", "Request fields"


def _usage_row(usage: Usage) -> tuple[str, ...]:
    paid = DASH if usage.usd_per_month is None else with_ends(usage.usd_per_month, usd_text)
    hidden = usage.input.offset if usage.input is not None else None
    return (
        subject(usage.target, usage.model),
        f"{usage.answers:,}",
        _factor(usage.input),
        DASH if hidden is None else with_ends(hidden, tokens_text),
        _factor(usage.output),
        paid,
        one_line(usage.encoding or usage.reference or "nothing", _NAME_WIDTH),
    )


def _factor(tokens: Tokens | None) -> str:
    return DASH if tokens is None or tokens.factor is None else with_ends(tokens.factor, factor_text)


def _totals(usage: Usage) -> str:
    both = (("input", usage.input), ("output", usage.output))
    told = [f"{what} {own.reported:,} reported, {own.counted:,} counted" for what, own in both if own is not None]
    return f"{subject(usage.target, usage.model)}: tokens of {'; '.join(told)}" if told else ""


def _difference_row(found: ModelDifference) -> tuple[str, ...]:
    return (
        subject(found.target, found.model),
        one_line(found.reference, _NAME_WIDTH),
        f"{found.prompts:,}",
        _pair(found.answers),
        f"{found.mmd:.3g}",
        p_text(found.p),
        "differs" if found.differs else "no difference seen",
    )


def _named_row(found: Named) -> tuple[str, ...]:
    models, fingerprints = (names_text(names) or "none" for names in (found.answered_models, found.fingerprints))
    return subject(found.target, found.model), models, fingerprints


def _checked_row(found: Checked) -> tuple[str, ...]:
    return (
        subject(found.target, found.model),
        found.kind,
        f"{found.asked:,}",
        f"{found.passed:,}",
        share(found.passed / found.asked) if found.asked else DASH,
        f"{share(found.low)} to {share(found.high)}",
    )


def _feature_row(found: Feature) -> tuple[str, ...]:
    return subject(found.target, found.model), found.name, honoured_text(found), one_line(found.seen)


def _change_row(found: Change) -> tuple[str, ...]:
    return (
        subject(found.target, found.model),
        quantity_name(found),
        one_line(found.condition, _NAME_WIDTH),
        changed_text(found, found.before) or DASH,
        changed_text(found, found.under) or DASH,
        _pair(found.answers),
        p_text(found.p),
        "changes" if found.changed else "no change seen",
    )


def _pair(answers: tuple[int, int]) -> str:
    return " and ".join(f"{count:,}" for count in answers)


def _short(audit: Audit) -> list[str]:
    return [line for line in audit_lines(audit) if not line.startswith("doubts: ")]


def _parts(audit: Audit) -> Iterator[RenderableType]:
    yield Text(f"{TITLE}: {audit.answers:,} answers", style="bold")
    yield from map(Text, lead(audit))
    for section in _worth_telling(audit):
        yield Text(f"\n{section.title}", style="bold")
        if section.rows:
            yield _drawn(section)
        yield from map(Text, section.notes)


def _drawn(section: Section) -> FittingTable:
    columns = [Column(heading, words=place in section.words) for place, heading in enumerate(section.headings)]
    optional = [heading for heading in _OPTIONAL if heading in section.headings]
    return FittingTable(columns, section.rows, optional=optional)


_OPTIONAL = ("counted by", "MMD", "answers", "prompts")


def _blocks(audit: Audit) -> Iterator[list[str]]:
    yield [f"## {TITLE}"]
    yield [f"- {escape(line)}" for line in lead(audit)]
    for section in sections(audit):
        yield [f"### {escape(section.title)}"]
        yield markdown_table(section) if section.rows else []
        yield [f"- {escape(line)}" for line in section.notes]
    yield ["### How this was measured"]
    yield [f"- {escape(line)}" for line in METHOD]


def markdown_table(section: Section) -> list[str]:
    """Return the lines of the table of a section."""
    return table(section.headings, [list(map(escape, row)) for row in section.rows], text_columns=section.words)
