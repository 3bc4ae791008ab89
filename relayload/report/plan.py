"""The plan of a run as text for people, 80 columns wide."""

from rich.table import Table
from rich.text import Text

from relayload.core.traffic.plan import Plan, StagePlan, Volume
from relayload.core.units import format_duration
from relayload.report.printing import printed

_DASH = "–"


def render_plan(plan: Plan) -> str:
    """A row per stage and their total, and what the limits do."""
    title = Text(f"{plan.profile} · {plan.load_kind} load · valid, nothing was contacted", style="bold")
    return printed([title, Text(), _stages(plan), *_remarks(plan)])


def _stages(plan: Plan) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for heading in ("stage", "for", "arrivals", "peak/s", "peak/min", "tokens in", "tokens out"):
        table.add_column(heading, justify="left" if heading == "stage" else "right")
    for stage in plan.stages:
        table.add_row(_name(stage), _for(stage, plan.load_kind), *_volume(stage.volume))
    if plan.total is not None and len(plan.stages) > 1:
        table.add_row("total", "", *_volume(plan.total))
    return table


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
        return (_DASH,) * 5
    counts = (volume.arrivals, volume.peak_per_second, volume.peak_per_minute, volume.input_tokens)
    return (*(_DASH if count is None else f"{count:,}" for count in counts), _output(volume))


def _output(volume: Volume) -> str:
    if volume.output_tokens is not None:
        return f"{volume.output_tokens:,}"
    return _DASH if volume.max_output_tokens is None else f"≤ {volume.max_output_tokens:,}"


def _remarks(plan: Plan) -> list[str]:
    remarks = []
    if plan.by_scenario:
        remarks.append("scenarios: " + ", ".join(f"{name} {count:,}" for name, count in plan.by_scenario.items()))
    if plan.users is not None:
        remarks.append(f"{plan.users} users; how much they send depends on how fast the relay answers")
    if plan.batch_size is not None:
        remarks.append(_batches(plan, plan.batch_size))
    if plan.held_back or plan.cut:
        remarks.append(f"the limits hold back {plan.held_back:,} arrivals and leave no time for {plan.cut:,}")
    return ["", *remarks] if remarks else []


def _batches(plan: Plan, batch_size: int) -> str:
    parts = "as one batch" if plan.total and batch_size >= plan.total.arrivals else f"in batches of {batch_size:,}"
    return f"{parts}, at most {plan.max_concurrent:,} at once; how long depends on how fast the relay answers"
