"""Renders the limits of a relay, and the lines for a profile."""

from collections.abc import Iterator

from rich.console import RenderableType
from rich.text import Text

from relayload.core.limits.findings import (
    MOST_TOO_LONG_S,
    MOST_TOO_SHORT_S,
    Counts,
    FoundLimit,
    Kind,
    Limits,
    Per,
    RetryAfter,
    StatedLimit,
    Unlimited,
)
from relayload.core.limits.results import describe
from relayload.core.units import format_duration
from relayload.report.fitting_table import Column, FittingTable
from relayload.report.printing import printed
from relayload.report.screen import PLAIN, Screen

_UNKNOWN, _NOT_APPLICABLE = "not told", "-"
_KINDS = {Kind.SLIDING: "sliding window", Kind.FIXED: "fixed window", Kind.BUCKET: "token bucket"}
_PER = {
    Per.KEY: "key",
    Per.MODEL: "model",
    Per.KEY_AND_MODEL: "key and model",
    Per.ALL: "all together",
}
HEADINGS = ("limit", "kind", "per", "refused count", "failed count", "Retry-After")


def render_limits(limits: Limits, screen: Screen = PLAIN) -> str:
    """Render what was found, what was not, and the quota to write into a profile."""
    parts: list[RenderableType] = [Text(title(limits), style="bold")]
    if limits.limits:
        rows = [limit_row(limit) for limit in limits.limits]
        longest = max(len(word) for row in rows for word in str(row[0]).split())
        columns = [
            Column(heading, words=True, least=max(8, longest if not at else 0)) for at, heading in enumerate(HEADINGS)
        ]
        parts.append(FittingTable(columns, rows, gap=2))
    parts += [Text(line) for line in _details(limits)]
    if block := profile_block(limits):
        parts += [Text(""), Text("for the profile:"), Text(block.rstrip("\n"))]
    return printed(parts, screen)


def profile_block(limits: Limits) -> str:
    """Return the YAML that keeps a load below the limits; empty where there is nothing to keep below."""
    lines = []
    if limits.client:
        per = ", per: key" if _per_key(limits) else ""
        amounts = ", ".join(f"{name}: [{', '.join(each)}]" for name, each in limits.client.items())
        lines += ["client:", f"  quota: {{{amounts}{per}}}"]
    if limits.max_in_flight is not None:
        lines += ["load:", f"  max_in_flight: {limits.max_in_flight}"]
    return "".join(f"{line}\n" for line in lines)


def _per_key(limits: Limits) -> bool:
    counted = [each for each in limits.limits if each.counts is not Counts.CONCURRENT]
    return len(limits.keys) > 1 and all(each.per in (Per.KEY, Per.KEY_AND_MODEL) for each in counted)


def title(limits: Limits) -> str:
    """Return how many limits were found, and where."""
    number = len(limits.limits)
    what = "no limit" if not number else f"{number} limit" if number == 1 else f"{number} limits"
    return f"{what} found at {limits.target}"


def limit_row(limit: FoundLimit) -> tuple[str, ...]:
    """Return a cell for each of `HEADINGS`."""
    kind = "in flight" if limit.counts is Counts.CONCURRENT else _KINDS[limit.kind] if limit.kind else _UNKNOWN
    per = _PER[limit.per] if limit.per else _UNKNOWN
    if limit.counts is Counts.CONCURRENT:
        return (describe(limit), kind, per, _NOT_APPLICABLE, _NOT_APPLICABLE, _NOT_APPLICABLE)
    return (
        describe(limit),
        kind,
        per,
        _answer(limit.refused_count),
        _answer(limit.failed_count),
        _UNKNOWN if limit.window_s is None and limit.retry_after is None else _retry_after(limit.retry_after),
    )


def _answer(told: bool | None) -> str:
    return _UNKNOWN if told is None else "yes" if told else "no"


def _retry_after(found: RetryAfter | None) -> str:
    if found is None:
        return "none"
    if found.honest:
        return "true"
    if found.too_short_s <= MOST_TOO_SHORT_S:
        return "too long"
    return "too short" if found.too_long_s <= MOST_TOO_LONG_S else "varies"


def _off(found: RetryAfter) -> str:
    off = []
    if found.too_long_s > MOST_TOO_LONG_S:
        off.append(f"up to {format_duration(found.too_long_s)} too long")
    if found.too_short_s > MOST_TOO_SHORT_S:
        off.append(f"up to {format_duration(found.too_short_s)} too short")
    return f"; refusals ask {' and '.join(off)}" if off else ""


def _details(limits: Limits) -> list[str]:
    lines = list(limit_details(limits))
    lines += [none_line(each, beside_others=bool(limits.limits)) for each in limits.no_limit_up_to]
    lines += [stated_line(each) for each in limits.stated]
    lines += [f"note: {note}" for note in limits.notes]
    if limits.ended_by:
        lines.append(f"ended before everything was tried: {limits.ended_by}")
    return [*lines, spent_line(limits)]


def limit_details(limits: Limits) -> Iterator[str]:
    """Yield what else is known of each limit."""
    for limit in limits.limits:
        yield from (f"{describe(limit)}: {line}" for line in _of_limit(limit))


def spent_line(limits: Limits) -> str:
    """Return what the search took."""
    usd = "" if limits.usd is None else f", ${limits.usd:.4g}"
    return f"{limits.requests:,} requests, {limits.tokens:,} tokens{usd}, {format_duration(limits.took_s)}"


def _of_limit(limit: FoundLimit) -> list[str]:
    lines = []
    if limit.refill_per_s is not None:
        lines.append(f"refilled at about {_rate(limit.refill_per_s)}")
    if limit.longer_than_s is not None:
        lines.append(f"its window is longer than {format_duration(limit.longer_than_s)}, all that could be afforded")
    if limit.retry_after is not None:
        after = limit.retry_after
        before = format_duration(after.uncertain_s)
        lines.append(
            f"asks to retry after {format_duration(after.asked_s)}; passed after "
            f"{format_duration(after.passed_after_s)} (the try {before} before was refused){_off(after)}"
        )
    if limit.unexplained:
        lines.append(f"leaves {limit.unexplained} of {limit.refusals} refusals unexplained")
    return [*lines, *(f"not told: {each}" for each in limit.not_told)]


def _rate(per_s: float) -> str:
    if per_s >= 1000:
        return f"{per_s:,.0f}/s"
    return f"{per_s:.4g}/s" if per_s >= 1 else f"{per_s * 60:.4g}/min" if per_s >= 1 / 60 else f"{per_s * 3600:.4g}/h"


def none_line(found: Unlimited, *, beside_others: bool) -> str:
    """Return what passed without a refusal."""
    if found.within_s is None:
        return f"no limit up to {found.amount} in flight"
    rate = _rate(found.amount / found.within_s)
    none = "no other limit" if beside_others else "no limit"
    return f"{none} of {found.counts.value} up to {rate}: {found.amount:,} in {format_duration(found.within_s)}"


def stated_line(found: StatedLimit) -> str:
    """Return what a header states, against what was found."""
    verdict = {True: "true", False: "false", None: "neither shown nor refuted"}[found.true]
    return f"header {found.header}: {found.limit:,} is {verdict}: {found.remark}"
