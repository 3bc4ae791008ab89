"""Renders the plan of a run as text."""

from collections.abc import Mapping, Sequence

from rich.console import RenderableType
from rich.text import Text

from relayload.core.objectives.formatting import share
from relayload.core.objectives.sample_forecast import Outlook, SampleForecast
from relayload.core.traffic.plan import Plan, StagePlan, Volume
from relayload.core.units import format_duration, format_usd
from relayload.report.chart import chart
from relayload.report.fitting_table import Column, FittingTable
from relayload.report.printing import DASH, printed
from relayload.report.screen import PLAIN, Screen

_HEADINGS = ("stage", "for", "arrivals", "peak/s", "peak/min", "tokens in", "tokens out")
_OPTIONAL = ("peak/min", "peak/s", "tokens in", "tokens out")
_TOO_FEW = "too few samples for a PASS: plan more"
_SCARCE = "enough samples to decide it, and perhaps too few to prove it: those that are slow together count for less"
_SCARCE_AND_STRICT = "few samples; those that are slow together count for less, so it may end INCONCLUSIVE: plan more"


def render_plan(
    plan: Plan,
    prospects: Sequence[SampleForecast] = (),
    later_turns: int = 0,
    notes: Sequence[str] = (),
    screen: Screen = PLAIN,
) -> str:
    """Render a row for each stage and the total, the rate over time, the limits, and the samples of objectives."""
    valid = ("valid", "green")
    title = Text.assemble(f"{plan.profile} · {plan.load_kind} load · ", valid, ", nothing was contacted", style="bold")
    parts: list[RenderableType] = [title, Text(), _stages(plan)]
    if plan.timeline and any(plan.timeline.counts):
        parts += ["", *(Text(line) for line in chart(plan.timeline, screen.width))]
    return printed([*parts, *_remarks(plan, later_turns, notes), *_prospects(prospects)], screen)


def _stages(plan: Plan) -> FittingTable:
    priced = plan.total is not None and plan.total.max_usd is not None
    rows = [
        (_name(stage), _for(stage, plan.load_kind), *_volume(stage.volume), *_dollars(stage.volume, priced))
        for stage in plan.stages
    ]
    if plan.total is not None and len(plan.stages) > 1:
        rows.append(("total", "", *_volume(plan.total), *_dollars(plan.total, priced)))
    headings = (*_HEADINGS, "dollars") if priced else _HEADINGS
    columns = [Column(heading, words=heading == "stage") for heading in headings]
    return FittingTable(columns, [row + ("",) * (len(columns) - len(row)) for row in rows], optional=_OPTIONAL)


def _name(stage: StagePlan) -> str:
    kind = " (warm-up)" if stage.warmup else " (cool-down)" if stage.cooldown else ""
    return f"{stage.name}{kind}"


def _for(stage: StagePlan, load_kind: str) -> str:
    if stage.for_s is None:
        return "until done" if load_kind == "batch" else "the trace"
    times = f"{stage.times} × " if stage.times > 1 else ""
    return f"{times}{format_duration(stage.for_s)}"


def _volume(volume: Volume | None) -> tuple[str, ...]:
    if volume is None:
        return (DASH,) * 5
    counts = (volume.arrivals, volume.peak_per_second, volume.peak_per_minute, volume.input_tokens)
    return (*(DASH if count is None else f"{count:,}" for count in counts), _output(volume))


def _output(volume: Volume) -> str:
    if volume.output_tokens is not None:
        return f"{volume.output_tokens:,}"
    return DASH if volume.max_output_tokens is None else f"≤ {volume.max_output_tokens:,}"


def _dollars(volume: Volume | None, priced: bool) -> tuple[str, ...]:
    """Return the expected cost, or else the highest."""
    if not priced or volume is None or volume.max_usd is None:
        return ()
    return (format_usd(volume.usd) if volume.usd is not None else f"≤ {format_usd(volume.max_usd)}",)


def _guardrails(plan: Plan) -> list[str]:
    """Return what the guardrails leave out, or may."""
    cuts = (("max_requests", plan.beyond_requests), ("max_duration", plan.beyond_duration))
    remarks = [f"guardrails: {name} leaves out {count:,} arrivals" for name, count in cuts if count]
    if plan.capped_usd is not None and plan.total is not None:
        most = plan.total.max_usd
        what = "nobody can say what the answers cost" if most is None else f"the answers may cost {format_usd(most)}"
        remarks.append(f"guardrails: max_usd is {format_usd(plan.capped_usd)}, and {what}: it may stop the run")
    return remarks


def _remarks(plan: Plan, later_turns: int, notes: Sequence[str]) -> list[str]:
    remarks = []
    if plan.by_scenario:
        remarks.append("scenarios: " + ", ".join(f"{name} {count:,}" for name, count in plan.by_scenario.items()))
    if plan.targets:
        remarks.append(_targets(plan.targets, paired=plan.paired))
    if later_turns:
        remarks.append(f"and about {later_turns:,} later turns of the conversations, which no limit counts")
    if plan.users is not None:
        remarks.append(f"{plan.users} users; how much they send depends on how fast the relay answers")
    if plan.batch_size is not None:
        remarks.append(_batches(plan, plan.batch_size))
    if plan.held_back or plan.cut:
        remarks.append(f"the limits hold back {plan.held_back:,} arrivals and leave no time for {plan.cut:,}")
    remarks += _guardrails(plan)
    remarks += notes
    return ["", *remarks] if remarks else []


def _targets(targets: Mapping[str, float], *, paired: bool) -> str:
    if paired:
        return f"every arrival is a request to each of {', '.join(targets)}, and counts as {len(targets)}"
    return "targets: " + ", ".join(f"{name} {share(part)}" for name, part in targets.items())


def _batches(plan: Plan, batch_size: int) -> str:
    parts = "as one batch" if plan.total and batch_size >= plan.total.arrivals else f"in batches of {batch_size:,}"
    return f"{parts}, at most {plan.max_concurrent:,} at once; how long depends on how fast the relay answers"


def _prospects(prospects: Sequence[SampleForecast]) -> list[RenderableType]:
    """Return the objectives with the samples they get, and a warning for each that may get too few."""
    if not prospects:
        return []
    columns = [Column("objective", words=True, least=12), *map(Column, ("samples", "needed", "to prove"))]
    rows = [
        (prospect.expr, _samples(prospect), f"{prospect.needed:,}", f"{prospect.to_prove:,}") for prospect in prospects
    ]
    table = FittingTable(columns, rows)
    warned = [(prospect.expr, _warning(prospect)) for prospect in prospects]
    return ["", table, *(Text(f"warning: {expr}: {told}", style="yellow") for expr, told in warned if told)]


def _warning(prospect: SampleForecast) -> str | None:
    if prospect.outlook is Outlook.SCARCE:
        return _SCARCE_AND_STRICT if prospect.strict else _SCARCE
    return _TOO_FEW if prospect.outlook is Outlook.TOO_FEW else None


def _samples(prospect: SampleForecast) -> str:
    return DASH if prospect.samples is None else f"{prospect.samples:,}"
