"""Renders how much runs of one system differ, as a table and as Markdown."""

from rich.console import RenderableType
from rich.padding import Padding
from rich.text import Text

from relayload.core.comparison.compare import ENOUGH_RUNS
from relayload.core.comparison.noise import MeasureNoise, Noise, Provable
from relayload.report.comparison import measured
from relayload.report.fitting_table import Column, FittingTable
from relayload.report.markdown import escape
from relayload.report.markdown import table as markdown_table
from relayload.report.printing import DASH, printed
from relayload.report.screen import PLAIN, Screen

LEGEND = (
    "the smallest change that compare proves four times in five, and in brackets how far off that may be, since the "
    "spread is of few runs"
)


def render_noise(noise: Noise, screen: Screen = PLAIN) -> str:
    """Render a row for each measure."""
    parts: list[RenderableType] = [Text(title(noise), style="bold")]
    if noise.measures:
        columns = [Column(heading, words=heading == "measure", least=21) for heading in headings(noise)]
        rows = [cells(measure) for measure in noise.measures]
        parts += [FittingTable(columns, rows, optional=("range", "median"), gap=1), Text(LEGEND)]
    parts += [Padding(Text(remark), (0, 0, 0, 2)) for remark in remarks(noise)]
    return printed(parts, screen)


def render_noise_markdown(noise: Noise) -> str:
    """Render the same as a table for a comment."""
    lines = [f"### {title(noise)}", ""]
    if noise.measures:
        rows = [list(map(escape, cells(measure))) for measure in noise.measures]
        lines += [*markdown_table(headings(noise), rows), "", escape(LEGEND)]
    return "\n".join([*lines, *(f"- {escape(remark)}" for remark in remarks(noise))]) + "\n"


def title(noise: Noise) -> str:
    """Return of how many runs the noise is."""
    return f"noise between {noise.runs} run{'s' if noise.runs != 1 else ''} of one system"


def headings(noise: Noise) -> list[str]:
    """Return the heading of each column."""
    provable = [each for each in noise.measures[0].provable if each.change is not None]
    return ["measure", "median", "range", "spread", *(f"{each.runs} a side" for each in provable)]


def cells(measure: MeasureNoise) -> list[str]:
    """Return a cell for each heading."""
    ends = [measured(end, measure.unit) for end in (measure.min, measure.max)]
    known = [measured(measure.median, measure.unit), "–".join(ends), measure.in_words(measure.spread)]
    return [measure.name, *known, *(_provable(measure, each) for each in measure.provable if each.change is not None)]


def remarks(noise: Noise) -> list[str]:
    """Return the runs that were left out, and the warnings."""
    few = [each.runs for each in noise.measures[0].provable if each.change is None] if noise.measures else []
    alike = [measure.name for measure in noise.measures if measure.spread == 0]
    return [
        *([f"the same in all of these runs: {', '.join(alike)}"] if alike else []),
        *(f"with {runs} a side compare proves nothing: it needs {ENOUGH_RUNS}" for runs in few if runs < ENOUGH_RUNS),
        *(f"left out: {run.run}: {run.why}" for run in noise.left_out),
        *(f"warning: {warning}" for warning in noise.warnings),
    ]


def _provable(measure: MeasureNoise, provable: Provable) -> str:
    if measure.spread == 0 or provable.change is None or provable.low is None or provable.high is None:
        return DASH
    low, high = measure.in_words(provable.low), measure.in_words(provable.high)
    return f"{measure.in_words(provable.change)} ({low}–{high})"
