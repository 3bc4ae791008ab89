"""The short lines of an audit, which the report of a run shows: what was found, by target and model.

Where every target counts as was counted here, one line says so for all.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from types import MappingProxyType

from relayload.core.audit.faults import FAULTS
from relayload.core.audit.findings import (
    Audit,
    Change,
    Checked,
    Control,
    Feature,
    ModelDifference,
    Named,
    Sensitivity,
    Tokens,
    Usage,
)
from relayload.core.audit.token_line import Estimate
from relayload.core.objectives.formatting import share
from relayload.core.printable import one_line
from relayload.core.units import format_usd, number_of
from relayload.report.facts import Facts

_LONGEST_NAME = 60
_MOST_NAMES = 3
_ALIKE = 0.005
"""The distance from 1 up to which a factor is told as that of an honest count."""
_FEW_TOKENS = 4.0
"""The distance from 0 up to which hidden tokens are."""
_MANY = 1000
_A_TOKEN = 0.5


def audit_facts(audit: Audit | None) -> Facts:
    """Return the rows on usage, models, right answers, request fields and load; empty without an audit."""
    if audit is None:
        return []
    by_name = {
        "usage": usage_lines(audit),
        "model": [*map(difference_line, audit.differences), *_named_lines(audit)],
        "answers": checked_lines(audit),
        "fields": [feature_line(found) for found in audit.features if found.honoured is False],
        "changes": change_lines(audit),
        "doubts": [*map(one_line, audit.doubts)],
    }
    return [(name if not place else "", line) for name, lines in by_name.items() for place, line in enumerate(lines)]


def audit_lines(audit: Audit | None) -> Iterator[str]:
    """Yield the same rows as lines of their own: `usage: as counted here (…)`."""
    name = ""
    for own, line in audit_facts(audit):
        name = own or name
        yield f"{name}: {line}"


def usage_lines(audit: Audit) -> list[str]:
    """Return a line for each target and model that is not as counted, and one for all others."""
    others = [usage for usage in audit.usage if is_as_counted(usage)]
    named = subjects(others) if len(others) < len(audit.usage) else ""
    lines = [usage_line(usage) for usage in audit.usage if usage not in others]
    return [*lines, *([_all_as_counted(others, named)] if others else [])]


def usage_line(usage: Usage) -> str:
    """Return what the reports of one target say of one model: factor, hidden tokens and what they cost in a month."""
    name = subject(usage.target, usage.model)
    if usage.unknown is not None:
        return f"{name}: not known: {one_line(usage.unknown)}"
    told = f"{name}: {_tokens_told(usage)}; {usage.answers:,} answers"
    return "; ".join([told, *usage_remarks(usage), *_paid(usage)])


def usage_remarks(usage: Usage) -> Iterator[str]:
    """Yield what else is to be known of the counts of one target and model."""
    if usage.reference is not None:
        yield f"compared with the reports of {one_line(usage.reference, _LONGEST_NAME)}"
    for what, tokens in (("input", usage.input), ("output", usage.output)):
        if tokens is not None and tokens.off_line:
            yield f"{tokens.off_line:,} of {tokens.answers:,} reported with clearly more {what} than the others"
    if usage.hidden_reasoning:
        yield f"{usage.hidden_reasoning:,} with hidden reasoning, whose output is known from below alone"
    yield from (f"{fault_text(name)} ({number_of(count, 'answer')})" for name, count in usage.faults.items())


def fault_text(name: str) -> str:
    """Return a fault of a report in words."""
    return FAULTS.get(name, name.replace("_", " "))


def difference_line(found: ModelDifference) -> str:
    """Return whether a target answers as the reference does, and what could have been seen."""
    reference = one_line(found.reference, _LONGEST_NAME)
    name = subject(found.target, found.model)
    if found.differs:
        return f"{name}: differs from {reference} (p {p_text(found.p)}, {found.prompts:,} prompts)"
    seen = [*filter(None, map(sensitivity_text, found.sensitivity))]
    return f"{name}: no difference seen to {reference} ({'; '.join(seen) or f'p {p_text(found.p)}'})"


def sensitivity_text(found: Sensitivity) -> str:
    """Return what the test could have seen; empty where that is not known."""
    if found.seen_in_100 is None:
        return ""
    swap = "a model of no overlap" if found.against is None else f"a swap to {one_line(found.against, _LONGEST_NAME)}"
    part = "" if found.smallest_share is None else f", from {share(found.smallest_share)} of the answers on in 90"
    return f"{swap} would have been seen in {found.seen_in_100} of 100{part}"


def control_line(found: Control) -> str:
    """Return whether the reference differs from itself."""
    differs = "differs, so that no difference of another can be told" if found.differs else "no difference seen"
    one, other = found.answers
    model = one_line(found.model, _LONGEST_NAME)
    return f"control: {model} of the reference against itself: {differs} (p {p_text(found.p)}, {one:,} and {other:,})"


def checked_lines(audit: Audit) -> list[str]:
    """Return how many questions were answered right: `relay gpt-4o: right 48 of 50 sums, 12 of 12 json`.

    One line tells of all targets and models that answered every question right.
    """
    by_name: dict[str, list[Checked]] = {}
    for found in audit.checked:
        by_name.setdefault(subject(found.target, found.model), []).append(found)
    lines = [
        f"{name}: right {', '.join(f'{each.passed:,} of {each.asked:,} {each.kind}' for each in own)}"
        for name, own in by_name.items()
        if not all(map(is_right, own))
    ]
    right = [each for own in by_name.values() if all(map(is_right, own)) for each in own]
    asked = number_of(sum(each.asked for each in right), "question")
    return [*lines, *([f"all right: {subjects(right)} ({asked})"] if right else [])]


def is_right(found: Checked) -> bool:
    return found.passed == found.asked


def feature_line(found: Feature) -> str:
    """Return whether a request field is honoured, and what was seen instead."""
    seen = f": {one_line(found.seen)}" if found.seen else ""
    return f"{subject(found.target, found.model)}: {found.name} {honoured_text(found)}{seen}"


def honoured_text(found: Feature) -> str:
    return "not known" if found.honoured is None else "honoured" if found.honoured else "not honoured"


def change_lines(audit: Audit) -> list[str]:
    """Return what changes under load; one line where nothing does, and none where nothing was compared."""
    changed = [change_line(found) for found in audit.changes if found.changed]
    if changed or not audit.changes:
        return changed
    loads = dict.fromkeys(found.condition for found in audit.changes)
    return [f"no change seen under load ({', '.join(loads)}; {number_of(len(audit.changes), 'comparison')})"]


def change_line(found: Change) -> str:
    """Return what differs under a load."""
    before, under = (changed_text(found, value) for value in (found.before, found.under))
    values = f"from {before} to {under}" if before and under else "differ"
    return f"{subject(found.target, found.model)}: {quantity_name(found)} {values} {_under(found.condition)}"


def quantity_name(found: Change) -> str:
    return _QUANTITIES.get(found.quantity, found.quantity.replace("_", " "))


def changed_text(found: Change, value: float | None) -> str:
    """Return a value of what changed; empty where it has none."""
    if value is None:
        return ""
    if found.quantity.endswith("_factor"):
        return factor_text(value)
    return share(value) if found.quantity in _SHARES else f"{value:,.4g}"


def subject(target: str | None, model: str) -> str:
    """Return which target and model: `relay gpt-4o`."""
    return " ".join(one_line(name, _LONGEST_NAME) for name in (target, model) if name)


def subjects(found: Iterable[Usage | Named | Checked | Feature]) -> str:
    """Return several targets and models, each target once: `vendor o3, o4; relay o4`."""
    by_target: dict[str | None, dict[str, None]] = {}
    for each in found:
        by_target.setdefault(each.target, {})[each.model] = None
    return "; ".join(
        " ".join(filter(None, (subject(target, ""), ", ".join(one_line(model, _LONGEST_NAME) for model in models))))
        for target, models in by_target.items()
    )


def with_ends(found: Estimate, text: Callable[[float], str]) -> str:
    """Return a value with its interval, unless both ends are told as the value is: `x1.100 (x1.098 to x1.102)`."""
    value, low, high = map(text, (found.value, found.low, found.high))
    return value if value == low == high else f"{value} ({low} to {high})"


def factor_text(value: float) -> str:
    return f"x{value:.3f}"


def tokens_text(value: float) -> str:
    """Return a number of tokens, with a decimal if it is small and not whole; less than half a token is none."""
    whole = abs(value) >= _MANY or value == round(value) or abs(value) < _A_TOKEN
    return f"{value:z,.0f}" if whole else f"{value:,.1f}"


def usd_text(value: float) -> str:
    """Return dollars, with the sign of a saving first."""
    return f"{'-' if value < 0 else ''}{format_usd(abs(Decimal(repr(value))))}"


def p_text(p: float) -> str:
    return f"{p:.2g}"


def names_text(counts: Mapping[str, int]) -> str:
    """Return the most frequent names with their counts: `gpt-4o (497), gpt-4o-mini (3)`."""
    ordered = sorted(counts.items(), key=lambda item: -item[1])
    told = [f"{one_line(name, _LONGEST_NAME)} ({count:,})" for name, count in ordered[:_MOST_NAMES]]
    left = len(ordered) - _MOST_NAMES
    return ", ".join([*told, *([f"and {left:,} more"] if left > 0 else [])])


_QUANTITIES: Mapping[str, str] = MappingProxyType(
    {
        "answer_length": "tokens per answer",
        "truncated": "truncated answers",
        "refused": "refusals",
        "checked": "right answers",
    }
)
_SHARES = ("truncated", "refused", "checked")


def is_as_counted(usage: Usage) -> bool:
    """Return whether nothing is wrong in these reports, as far as their intervals tell."""
    if usage.unknown is not None or usage.input is None or usage.faults:
        return False
    return all(
        not tokens.off_line and _reaches(tokens.factor, 1.0, _ALIKE) and _reaches(tokens.offset, 0.0, _FEW_TOKENS)
        for tokens in (usage.input, usage.output)
        if tokens is not None
    )


def _reaches(found: Estimate | None, wanted: float, distance: float) -> bool:
    return found is None or (found.low <= wanted + distance and found.high >= wanted - distance)


def _all_as_counted(usages: Sequence[Usage], named: str) -> str:
    """Return one line for honest reports, with the factor and offset that are farthest from it.

    `named` says whose they are, where there are others.
    """
    found = [usage.input for usage in usages if usage.input is not None]
    factors = [own.factor.value for own in found if own.factor is not None]
    offsets = [own.offset.value for own in found if own.offset is not None]
    parts = [f"input {factor_text(max(factors, key=lambda factor: abs(factor - 1)))}"] if factors else []
    parts += [_hidden(tokens_text(max(offsets, key=abs)))] if offsets else []
    answers = sum(usage.answers for usage in usages)
    of = f" of {len(found)} targets and models" if len(found) > 1 else ""
    told = f"{', '.join(parts)}; " if parts else ""
    whose = f": {named}" if named else ""
    return f"as counted here{whose} ({told}{answers:,} answers{of})"


def _tokens_told(usage: Usage) -> str:
    """Return factor, hidden tokens and output factor, or the totals where no line can be told."""
    parts = []
    if usage.input is not None:
        parts += _line_told("input", usage.input)
        if usage.input.offset is not None:
            parts.append(_hidden(with_ends(usage.input.offset, tokens_text)))
    if usage.output is not None:
        parts += _line_told("output", usage.output)
    return ", ".join(parts) or "nothing to compare"


def _hidden(tokens: str) -> str:
    return f"hidden {tokens} token{'' if tokens == '1' else 's'}"


def _line_told(what: str, tokens: Tokens) -> list[str]:
    if tokens.factor is None:
        return [f"{what} {tokens.reported:,} tokens reported and {tokens.counted:,} counted, too few or too alike"]
    return [f"{what} {with_ends(tokens.factor, factor_text)}"]


def _paid(usage: Usage) -> Iterator[str]:
    if usage.usd_per_month is not None and usage.usd_per_month.value:
        yield f"{with_ends(usage.usd_per_month, usd_text)} a month beyond what was counted"


def _named_lines(audit: Audit) -> Iterator[str]:
    """Yield which models answers name, where any names another one than was asked for, or one of its dates."""
    return (named_line(found) for found in audit.named if names_another(found))


def names_another(found: Named) -> bool:
    return any(_is_another(name, found) for name in found.answered_models)


def named_line(found: Named) -> str:
    return f"{subject(found.target, found.model)}: answers name {names_text(found.answered_models)}"


def _is_another(name: str, found: Named) -> bool:
    return re.fullmatch(rf"{re.escape(found.model)}(-[\d-]+)?", name) is None


def _under(condition: str) -> str:
    return f"under load ({one_line(condition, _LONGEST_NAME)})"
