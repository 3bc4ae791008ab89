"""Renders what the trials of a capacity search tell besides its answer: by rate, the frontier, and advice."""

from collections.abc import Iterator

from rich.console import RenderableType
from rich.text import Text

from relayload.core.capacity.advice import Advice
from relayload.core.capacity.answer import Capacity
from relayload.core.capacity.frontier import FrontierPoint
from relayload.core.capacity.levels import Over
from relayload.core.capacity.littles_law import InFlight
from relayload.core.capacity.measures import Measures
from relayload.core.capacity.trial import Decision, Trial
from relayload.core.units import format_duration
from relayload.report.fitting_table import Cell, Column, FittingTable
from relayload.report.printing import DASH

_LAW = "law"
_HEADINGS = ("rate", "in flight", _LAW, "TTFT p50", "TTFT p99", "latency p99", "tokens/s", "$/1,000 good")
_OPTIONAL = ("latency p99", "TTFT p50")
MEASURE_LEGEND = {
    _LAW: "law: completions/s x mean latency against what was in flight, by Little's law equal in a steady state; "
    "! beyond 5%, ~ the trial is too short to tell"
}


FRONTIER_HEADINGS = ("p99 within", "holds at", "fails at")


def findings_parts(capacity: Capacity) -> Iterator[RenderableType]:
    """Yield a row for each trial by its rate, one for each limit of the frontier, and the advice."""
    sound = measured(capacity)
    if sound:
        rows = [_styled(measure_row(trial, measures), measures) for trial, measures in sound]
        yield ""
        columns = list(map(Column, measure_headings(capacity.over)))
        yield FittingTable(columns, rows, _OPTIONAL, gap=1, legend=MEASURE_LEGEND)
    if capacity.frontier:
        within, *levels = FRONTIER_HEADINGS
        columns = [Column(within, words=True, least=14), *map(Column, levels)]
        yield ""
        yield FittingTable(columns, [frontier_row(point, capacity.over) for point in capacity.frontier])
    if capacity.advice is not None:
        yield ""
        yield from (Text(line) for line in advice_lines(capacity.advice))


def measured(capacity: Capacity) -> list[tuple[Trial, Measures]]:
    """Return the trials that tell something of the relay, with what they measured, by their level."""
    pairs = [(trial, trial.measures) for trial in capacity.trials if trial.measures is not None]
    return sorted((pair for pair in pairs if pair[0].decision is not Decision.VOID), key=lambda pair: pair[0].level)


def measure_headings(over: Over) -> tuple[str, ...]:
    """Return the headings of the table of what trials measured."""
    return (*(("trial", "users") if over is Over.USERS else ("trial",)), *_HEADINGS)


def measure_row(trial: Trial, measures: Measures) -> tuple[str, ...]:
    """Return a cell for each of these headings."""
    found = measures.in_flight
    usd = measures.usd_per_1000_good
    return (
        str(trial.number),
        *(() if trial.users is None else (str(trial.users),)),
        _rate(trial.rate_per_s),
        DASH if found is None else f"{found.mean:.3g}",
        DASH if found is None else _law(found),
        *(_time(seconds) for seconds in (measures.ttft_p50_s, measures.ttft_p99_s, measures.latency_p99_s)),
        DASH if measures.output_tokens_per_s is None else f"{measures.output_tokens_per_s:,.0f}",
        DASH if usd is None else f"${usd:,.4g}",
    )


def _law(found: InFlight) -> str:
    return f"{found.deviation:+.1%}{'!' if found.beyond else '~' if found.inexact else ''}"


def _styled(cells: tuple[str, ...], measures: Measures) -> tuple[Cell, ...]:
    """Return the cells with a deviation from the law marked."""
    if measures.in_flight is None or not measures.in_flight.beyond:
        return cells
    place = len(cells) - len(_HEADINGS) + _HEADINGS.index(_LAW)
    return (*cells[:place], Text(cells[place], style="yellow"), *cells[place + 1 :])


def frontier_row(point: FrontierPoint, over: Over) -> tuple[str, ...]:
    """Return a limit with the loads at which it holds and fails."""

    def known(level: float | None, how: str) -> str:
        return DASH if level is None else f"{over.told(level)} {how}"

    return (
        f"{point.metric} {_limit(point.limit_s)}",
        known(point.holds_at, "proven" if point.proven else "observed"),
        known(point.fails_at, "refuted" if point.refuted else "observed"),
    )


def advice_lines(advice: Advice) -> Iterator[str]:
    """Yield the quota to write into a client, and when to raise an alarm."""
    basis = "what is proven" if advice.basis == "proven" else "the quota that was found"
    breaks = "" if advice.breaks_per_s is None else f"; at {_rate(advice.breaks_per_s)} objectives break"
    yield f"suggested for clients, by {basis}:"
    yield "client:"
    yield f"  quota: {{requests: [{', '.join(advice.quota)}]}}"
    yield f"alert above {_rate(advice.alert_per_s)}, {advice.headroom:.0%} below it{breaks}"


def _time(seconds: float | None) -> str:
    return DASH if seconds is None else format_duration(seconds)


def _rate(per_s: float) -> str:
    return f"{per_s:.4g}/s"


def _limit(limit_s: float) -> str:
    return f"{limit_s:g}s" if limit_s >= 1 else f"{limit_s * 1000:g}ms"
