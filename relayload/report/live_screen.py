"""The lines of one screen that shows a run in progress, the most important ones first."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from itertools import chain
from textwrap import wrap

from rich.cells import cell_len
from rich.text import Text

from relayload.core.metrics.metric import Unit
from relayload.core.model.progress import BreakerSoFar, Details, ObjectiveSoFar, Progress, StageSoFar, Standing
from relayload.core.model.record import BreakerState
from relayload.core.objectives.formatting import quantity
from relayload.core.printable import one_line
from relayload.core.units import format_duration, format_usd
from relayload.report.fitting_table import packed
from relayload.report.live_rates import RatesLately
from relayload.report.printing import DASH

_LONGEST_NAME = 40
_LEAST_BAR = 10
_DONE, _LEFT, _EDGE = "━", "╌", "│"
_MARKS = {Standing.PASSING: "✓", Standing.UNDECIDED: "?", Standing.BROKEN: "✗"}
_STYLES = {Standing.PASSING: "green", Standing.UNDECIDED: "yellow", Standing.BROKEN: "red"}
_BROKEN_FIRST = (Standing.BROKEN, Standing.UNDECIDED, Standing.PASSING)
_BREAKER_STYLES = {BreakerState.OPEN.value: "red", BreakerState.HALF_OPEN.value: "yellow"}


def screen_lines(name: str, progress: Progress, rates: RatesLately, width: int) -> list[Text]:
    """Return the lines; each fits the width."""
    details = progress.details or Details()
    lines = chain(
        [_head(name, progress, width), _bar(progress, width)],
        _packed(stage_line(progress), width),
        _packed(totals(progress), width),
        _packed(_rates(rates), width),
        _packed(latencies(progress), width),
        _doubts(progress, details, width),
        _objectives(details, (Standing.BROKEN,)),
        _packed(failures(details), width, "red"),
        map(_breaker, details.breakers),
        _spend(progress, details, width),
        _objectives(details, _BROKEN_FIRST[1:]),
    )
    return [_cut(line, width) for line in lines]


def fitted(lines: Sequence[Text], height: int) -> list[Text]:
    """Return as many lines as there is room for, of which the last tells how many are left out."""
    if len(lines) <= height:
        return list(lines)
    kept = max(0, height - 1)
    return [*lines[:kept], Text(f"… {len(lines) - kept} more lines", style="dim")][:height]


def totals(progress: Progress) -> str:
    """Return the counts on one line, with drops and failures only if there are any."""
    if progress.requests is not None:
        return _queue(progress, progress.requests)
    parts = [f"offered {progress.offered}", f"in flight {progress.in_flight}", f"ok {progress.ok}"]
    parts += [f"failed {progress.failed}"] if progress.failed else []
    parts += [f"dropped {progress.dropped}"] if progress.dropped else []
    return " · ".join(parts)


def latencies(progress: Progress) -> str:
    """Return the percentiles of successful requests, which are known to within a bucket."""
    return (
        f"TTFT ≈ p50 {_or_dash(progress.ttft_p50_s)} p99 {_or_dash(progress.ttft_p99_s)}"
        f" · latency ≈ p50 {_or_dash(progress.latency_p50_s)} p99 {_or_dash(progress.latency_p99_s)}"
    )


def failures(details: Details) -> str:
    """Return the failures by kind, the worst first; empty if there are none."""
    return " · ".join(
        f"{'failed: ' if not place else ''}{count:,} {one_line(kind, _LONGEST_NAME)}"
        for place, (kind, count) in enumerate(details.failures.items())
    )


def objective_tally(details: Details) -> str:
    """Return how many objectives stand how, with those that are broken: `objectives: 1 broken (...), 2 pass so far`."""
    parts = []
    for stands in _BROKEN_FIRST:
        own = [each.expr for each in details.objectives if each.standing is stands]
        names = f" ({', '.join(one_line(expr) for expr in own)})" if stands is Standing.BROKEN else ""
        parts += [f"{len(own)} {stands.value}{names}"] if own else []
    return f"objectives: {', '.join(parts)}" if parts else ""


def when(progress: Progress) -> str:
    """Return the time that the run has taken, of how much: `12s/1m`."""
    total = "" if progress.total_s is None else f"/{format_duration(progress.total_s)}"
    return f"{progress.elapsed_s:.0f}s{total}"


def ended(progress: Progress) -> int:
    """Return how many requests have ended."""
    return progress.started - progress.in_flight


def _queue(progress: Progress, requests: int) -> str:
    """Return how many requests of a batch are in each state, which add up to all."""
    parts = [("queued", requests - progress.started), ("running", progress.in_flight)]
    parts += [("done", ended(progress) - progress.failed), ("failed", progress.failed)]
    return f"{ended(progress)} of {requests} · " + " · ".join(f"{name} {count}" for name, count in parts)


def _head(name: str, progress: Progress, width: int) -> Text:
    """Return the name on the left, and the time on the right."""
    time = when(progress)
    room = max(0, width - cell_len(time) - 1)
    left = Text(one_line(name), style="bold")
    left.truncate(room, overflow="ellipsis", pad=True)
    return left.append(" ").append(time)


def _bar(progress: Progress, width: int) -> Text:
    """Return a bar of all stages, which are divided where one of them ends."""
    total, done, edges = progress.total_s, progress.elapsed_s, [stage.ends_at_s for stage in progress.stages[:-1]]
    if progress.requests is not None:
        total, done, edges = float(progress.requests), float(ended(progress)), []
    if not total:
        return Text(_LEFT * width, style="dim")
    room = max(_LEAST_BAR, width)
    filled = min(room, int(room * done / total))
    cells = [_DONE] * filled + [_LEFT] * (room - filled)
    for edge_s in edges:
        if edge_s is not None and 0 < edge_s < total:
            cells[min(room - 1, round(room * edge_s / total))] = _EDGE
    bar = Text("".join(cells))
    bar.stylize("green", 0, filled)
    return bar


def stage_line(progress: Progress) -> str:
    """Return the stage with its time left, and the one after it."""
    for number, stage in enumerate(progress.stages, 1):
        if stage.ends_at_s is None or progress.elapsed_s < stage.ends_at_s or number == len(progress.stages):
            parts = [_named(stage, f"stage {number} of {len(progress.stages)}: ")]
            if stage.ends_at_s is not None:
                parts[0] += f", {max(0.0, stage.ends_at_s - progress.elapsed_s):.0f}s left"
            return " · ".join(
                [*parts, *(_named(following, "then ") for following in progress.stages[number : number + 1])]
            )
    return f"stage {one_line(progress.stage, _LONGEST_NAME)}"


def _named(stage: StageSoFar, before: str) -> str:
    return f"{before}{one_line(stage.name, _LONGEST_NAME)}{'' if stage.measured else ' (not measured)'}"


def _rates(rates: RatesLately) -> str:
    if rates.started_per_s is None or rates.offered_per_s is None or rates.ended_per_s is None:
        return ""
    named = (("offered", rates.offered_per_s), ("started", rates.started_per_s), ("ended", rates.ended_per_s))
    return "lately " + " · ".join(f"{name} {rate:.1f}/s" for name, rate in named)


def _doubts(progress: Progress, details: Details, width: int) -> Iterator[Text]:
    """Yield why the run is INVALID, or no more than INCONCLUSIVE."""
    invalid = (f"would be INVALID because {one_line(reason)}" for reason in details.would_be_invalid)
    for told in filter(None, (*invalid, progress.at_best)):
        yield from (Text(line, style="yellow") for line in wrap(told, width, subsequent_indent="  "))


def _objectives(details: Details, standings: Sequence[Standing]) -> Iterator[Text]:
    for stands in standings:
        yield from (_objective(each) for each in details.objectives if each.standing is stands)


def _objective(objective: ObjectiveSoFar) -> Text:
    stands = objective.standing
    needs = "" if objective.needs is None else f", needs {objective.needs:,} more"
    if objective.observed is not None:
        roughly = "≈ " if objective.unit == Unit.SECONDS else ""
        seen = roughly + quantity(objective.observed, objective.unit)
    else:
        seen = "∞" if objective.n else DASH
    line = Text(f"{_MARKS[stands]} {stands.value}{needs}", style=_STYLES[stands])
    warns = " (warns only)" if objective.warns else ""
    return line.append(f"  {one_line(objective.expr)}  {seen} (n {objective.n:,}){warns}", style="default")


def _breaker(breaker: BreakerSoFar) -> Text:
    several = sum(breaker.states.values()) > 1
    states = ", ".join(
        f"{state.replace('_', '-')}{f' at {n}' if several else ''}" for state, n in breaker.states.items()
    )
    worst = next(iter(breaker.states), "")
    return Text(
        f"breaker {one_line(breaker.scope, _LONGEST_NAME)}: {states}", style=_BREAKER_STYLES.get(worst, "default")
    )


def _spend(progress: Progress, details: Details, width: int) -> Iterator[Text]:
    parts = []
    if details.usd is not None or details.max_usd is not None:
        spent = DASH if details.usd is None else format_usd(details.usd)
        cap = (
            "" if details.max_usd is None else f" of {format_usd(details.max_usd)}{_part(details.usd, details.max_usd)}"
        )
        parts.append(f"spent {spent}{cap}")
    if details.max_requests is not None:
        parts.append(
            f"sent {progress.started:,} of {details.max_requests:,}{_part(progress.started, details.max_requests)}"
        )
    yield from _packed(" · ".join(parts), width)


def _part(amount: Decimal | int | None, cap: Decimal | int) -> str:
    return "" if amount is None or not cap else f" ({100 * amount / cap:.0f}%)"


def _packed(text: str, width: int, style: str = "default") -> Iterator[Text]:
    yield from (Text(line, style=style) for line in packed(text, width).splitlines())


def _cut(line: Text, width: int) -> Text:
    line.truncate(width, overflow="ellipsis")
    return line


def _or_dash(seconds: float | None) -> str:
    return DASH if seconds is None else format_duration(seconds)
