"""The page of a search for the limits of a relay."""

from collections.abc import Iterator

from relayload.core.exit_codes import ExitCode
from relayload.core.limits.findings import Counts, FoundLimit, Limits, Unlimited
from relayload.core.limits.results import describe
from relayload.core.metrics.metric import Unit
from relayload.report.html.marks import Shape
from relayload.report.html.plot import Absent, Figure, bins_block
from relayload.report.html.scatter import Point, Scatter
from relayload.report.html.shell import rendered
from relayload.report.html.svg import instant_text, tick_text
from relayload.report.html.tables import Table
from relayload.report.limits import (
    HEADINGS,
    limit_details,
    limit_row,
    none_line,
    profile_block,
    spent_line,
    stated_line,
    title,
)

_NAMES = {
    Shape.PROVEN: "limit",
    Shape.UNDECIDED: "limit whose window is longer",
    Shape.PLAIN: "passed without a refusal",
}
_CHARTED = (Counts.REQUESTS, Counts.TOKENS, Counts.UNKNOWN)
_STOPPED = (ExitCode.GUARDRAIL, ExitCode.SIGINT, ExitCode.SIGTERM)


def render_limits_page(limits: Limits) -> str:
    """Return the page as HTML."""
    return rendered("limits_page.html.j2", _context(limits))


def _context(limits: Limits) -> dict[str, object]:
    """Return what the template shows, by name."""
    return {
        "title": title(limits),
        "heading": [(name, text) for name, text in _about(limits) if text],
        "status_class": "stopped" if limits.exit_code in _STOPPED else "inconclusive" if limits.ended_by else "finding",
        "ended_by": limits.ended_by,
        "spent": spent_line(limits),
        "exit_code": limits.exit_code,
        "limits": Table("Limits", HEADINGS, list(map(limit_row, limits.limits)), frozenset(range(len(HEADINGS)))),
        "details": list(limit_details(limits)),
        "charts": list(_charts(limits)),
        "passed": [none_line(each, beside_others=bool(limits.limits)) for each in limits.no_limit_up_to],
        "stated": [stated_line(each) for each in limits.stated],
        "notes": limits.notes,
        "block": profile_block(limits),
        "bins": bins_block(),
    }


def _about(limits: Limits) -> Iterator[tuple[str, str]]:
    yield "profile", limits.profile
    yield "models", ", ".join(limits.models)
    yield "keys", ", ".join(limits.keys)


def _charts(limits: Limits) -> Iterator[Figure | Absent]:
    """Yield a chart for each thing that is counted: its limits, and what passed without one."""
    for counts in _CHARTED:
        found = [_found(limit) for limit in limits.limits if limit.counts is counts]
        passed = [_passed(each) for each in limits.no_limit_up_to if each.counts is counts]
        points = [point for point in (*found, *passed) if point is not None]
        if points:
            yield Scatter(
                f"{counts.value.capitalize()} by window",
                "how many within how long; log scales",
                points,
                instant_text,
                lambda value: tick_text(value, Unit.COUNT),
                ("amount", "window"),
                log=True,
                log_x=True,
                names=_NAMES,
            ).figure()


def _found(limit: FoundLimit) -> Point | None:
    window_s = limit.window_s or limit.longer_than_s
    if window_s is None:
        return None
    told = instant_text(window_s) if limit.window_s else f"longer than {instant_text(window_s)}"
    shape = Shape.PROVEN if limit.window_s else Shape.UNDECIDED
    return Point(window_s, float(limit.amount), shape, describe(limit), (f"{limit.amount:,}", told))


def _passed(found: Unlimited) -> Point | None:
    if not found.within_s or not found.amount:
        return None
    texts = (f"{found.amount:,}", instant_text(found.within_s))
    return Point(found.within_s, float(found.amount), Shape.PLAIN, "passed without a refusal", texts)
