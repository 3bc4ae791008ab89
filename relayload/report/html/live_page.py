"""The page of the latest run, while it goes on and after it: its state above the sections of `report.html`."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from markupsafe import Markup

from relayload.core.metrics.cost import Cost
from relayload.core.model.progress import ObjectiveSoFar, Progress
from relayload.core.model.run import AT_BEST
from relayload.core.model.verdict import Status
from relayload.core.resilience.guard import Caps
from relayload.core.units import format_duration, format_usd
from relayload.report.html.marks import sign_of, status_class
from relayload.report.html.page import RunPage, run_context
from relayload.report.html.plot import bins_block
from relayload.report.html.shell import ServedPage, rendered_to_serve
from relayload.report.live_screen import stage_line

CONTROL = Markup('<div id="control" data-kept>{}</div>')
"""Where the forms stand that control the run. Whoever serves the page puts them in, for the one who asks."""
_REFRESH_S = 5
"""After how long a page whose scripts are off loads itself anew."""
_LINKS = {
    "report.html": "report.html",
    "report.txt": "as text",
    "summary.json": "summary.json",
    "verdict.json": "verdict.json",
}
_HOW = (
    "Press Start in Locust's page, or start Locust with --autostart. The profile says how much is sent, and where.",
    "This page then shows the run as it goes on, and its verdict at the end.",
)
_WOULD_BE = {
    Status.PASS: "running · pass so far",
    Status.FAIL: "running · broken so far",
    Status.INVALID: "running · would be INVALID",
    Status.NOT_JUDGED: "running",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class LivePage:
    """What the page is made of."""

    name: str
    target: str
    notices: Sequence[str] = ()
    run: RunPage | None = None
    """None before the first run."""
    progress: Progress | None = None
    """None once the run is judged."""
    caps: Caps = field(default_factory=Caps)
    ending: bool = False
    """The load is over, and the run is not judged yet."""
    files: Sequence[str] = ()


def render_live_page(page: LivePage) -> ServedPage:
    """Return the page as HTML."""
    shared = {
        "name": page.name,
        "notices": page.notices,
        "refresh_s": _REFRESH_S,
        "how": _HOW,
        "control": CONTROL.format(""),
    }
    return rendered_to_serve("live_page.html.j2", {**_NO_RUN, **_context(page), **shared})


_NO_RUN: dict[str, object] = {
    "begun": False,
    "bins": bins_block(),
    "heading": (),
    "stage": None,
    "tally": "",
    "exit_code": "",
    "reasons": (),
    "links": (),
    "totals": (),
}


def _context(page: LivePage) -> dict[str, object]:
    if page.run is None:
        waiting = "starting" if page.progress else "no run yet"
        target = [("target", page.target)]
        state = {"title": f"{waiting}: {page.name}", "status": waiting, "status_class": "finding", "sign": "–"}
        return {**state, "heading": target}
    context = {**run_context(page.run), "begun": True, "links": [(f"relay/{n}", _LINKS[n]) for n in page.files]}
    context["bins"] = context["bins"] or bins_block()
    return context if page.progress is None else {**context, **_going_on(page, page.run, page.progress)}


def _going_on(page: LivePage, run: RunPage, progress: Progress) -> dict[str, object]:
    """Return what differs while the run goes on."""
    status = run.verdict.verdict
    invalid = (f"would be INVALID because {reason}" for reason in run.verdict.reasons)
    inconclusive = f"running · {AT_BEST}" if progress.changes else "running · undecided so far"
    would_be = {**_WOULD_BE, Status.INCONCLUSIVE: inconclusive}
    said = "adding up" if page.ending else would_be.get(status, status.value)
    return {
        "title": f"{said}: {page.name}",
        "status": said,
        "status_class": "finding" if status is Status.NOT_JUDGED else status_class(status),
        "sign": sign_of(status),
        "stage": _ending(progress) if page.ending else _stage(progress),
        "tally": _tally((run.standings or {}).values()),
        "exit_code": "",
        "reasons": [*filter(None, (*invalid, progress.at_best))],
        "totals": list(_totals(page.caps, run, progress)),
    }


def _tally(standings: Iterable[ObjectiveSoFar]) -> str:
    """Return how many objectives are in each state."""
    counts = Counter(each.standing.value for each in standings)
    return " · ".join(f"{count} {name}" for name, count in counts.items())


def _stage(progress: Progress) -> dict[str, object]:
    """Return the stage and how far the run is; a length that only the end tells is left out."""
    done = format_duration(progress.elapsed_s) if progress.elapsed_s else "0s"
    if progress.requests is not None:
        ended = progress.started - progress.in_flight
        return {
            "text": f"{ended:,} of {progress.requests:,} requests, {done}",
            "share": _share(ended, progress.requests),
        }
    if progress.total_s is None:
        return {"text": f"stage {progress.stage}, {done} over", "share": None}
    return {
        "text": f"{stage_line(progress)} · {done} of {format_duration(progress.total_s)}",
        "share": _share(progress.elapsed_s, progress.total_s),
    }


def _ending(progress: Progress) -> dict[str, object]:
    return {"text": f"the load is over · {progress.in_flight:,} in flight", "share": None}


def _share(part: float, whole: float) -> str:
    return f"{min(1.0, part / whole) if whole else 1.0:.4f}"


def _totals(caps: Caps, run: RunPage, progress: Progress) -> Iterator[tuple[str, str]]:
    """Yield the totals so far, as a progress line has them."""
    cap = "" if caps.requests is None else f" of at most {caps.requests:,}"
    yield "offered", f"{progress.offered:,}"
    yield "started", f"{progress.started:,}{cap}"
    yield "in flight", f"{progress.in_flight:,}"
    yield "ok", f"{progress.ok:,}"
    yield "failed", f"{progress.failed:,}"
    if progress.dropped:
        yield "dropped", f"{progress.dropped:,}"
    yield from _spend(run.summary.cost, caps.usd)
    yield "workers", f"{progress.workers:,}"


def _spend(cost: Cost, most: Decimal | None) -> Iterator[tuple[str, str]]:
    """Yield the dollars so far, against their cap if there is one."""
    cap = "" if most is None else f" of at most {format_usd(most)}"
    if cost.usd is not None:
        yield "spend", f"{format_usd(cost.usd)}{cap}"
    elif cap:
        yield "spend", f"not known{cap}"
