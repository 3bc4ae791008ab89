"""Renders the stages of a run as a table."""

from collections.abc import Iterator

from rich.console import RenderableType
from rich.text import Text

from relayload.core.metrics.metric import Unit
from relayload.core.metrics.summary import Group, Summary
from relayload.core.objectives.formatting import quantity
from relayload.core.stats.sample import Distribution
from relayload.core.units import format_duration
from relayload.report.fitting_table import Column, FittingTable
from relayload.report.printing import DASH

HEADINGS = ("stage", "for", "started", "failed", "ok/s", "TTFT p50", "TTFT p99", "latency p99")
_OPTIONAL = (5, 1, 3, 2, 4)
"""The places of columns that a narrow screen lacks, in that order."""
_MOST_ROWS = 40


def stage_parts(summary: Summary, about: str = "") -> Iterator[RenderableType]:
    """Yield a table with a row for each stage that was reached, in order; of very many only the first.

    `about` marks percentiles that are not exact.
    """
    names = [heading.replace(" p", f" {about}p") for heading in HEADINGS]
    columns = [Column(names[0], words=True, most=20), *map(Column, names[1:])]
    rows = stage_rows(summary)
    yield FittingTable(columns, rows[:_MOST_ROWS], optional=[names[place] for place in _OPTIONAL], gap=1)
    if len(rows) > _MOST_ROWS:
        yield Text(f"… and {len(rows) - _MOST_ROWS:,} more stages, which are in summary.json")


def stage_rows(summary: Summary) -> list[tuple[str, ...]]:
    """Return a cell for each heading. The numbers of warm-ups are here, although no other table has them."""
    return [(_name(name, group), *_numbers(group)) for name, group in summary.by_stage.items()]


def _name(name: str, group: Group) -> str:
    return f"{name} (not measured)" if group.warmup else name


def _numbers(group: Group) -> tuple[str, ...]:
    ttft, latency = group.metrics.ttft, group.metrics.latency
    return (
        format_duration(group.measured_s) if group.measured_s else DASH,
        f"{group.started:,}",
        f"{group.failed:,}",
        DASH if group.ok_per_s is None else quantity(group.ok_per_s, Unit.PER_SECOND),
        *(_percentile(ttft, p) for p in (50.0, 99.0)),
        _percentile(latency, 99.0),
    )


def _percentile(distribution: Distribution | None, p: float) -> str:
    known = distribution.percentiles if distribution else ()
    return next((format_duration(found.value) for found in known if found.p == p), DASH)
