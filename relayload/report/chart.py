"""Draws rates over time as a chart of block characters."""

from collections.abc import Sequence

from relayload.core.traffic.timeline import Timeline
from relayload.core.units import format_duration
from relayload.report.screen import WIDTH

_BLOCKS = " ▁▂▃▄▅▆▇█"
_ROWS = 4
_MARGIN = 10
"""The width of the labels on the left."""


def chart(timeline: Timeline, width: int = WIDTH) -> list[str]:
    """Return the lines, highest rate first and the time last. Where room is short, neighbouring bins share a column."""
    step = -(-len(timeline.counts) // (width - _MARGIN))
    each = _rates(timeline)
    rates = [max(each[begin : begin + step]) for begin in range(0, len(each), step)]
    peak = max(rates)
    label = f"{peak:.3g}/s"
    lines = [f"{label if row == _ROWS - 1 else '':>9} {_row(rates, peak, row)}" for row in reversed(range(_ROWS))]
    until = format_duration(timeline.bin_s * len(timeline.counts))
    return [*lines, f"{'0':>9} {'0s':<{max(3, len(rates) - len(until))}}{until}"]


def _rates(timeline: Timeline) -> list[float]:
    """Return a rate for each bin. Bins below a second have the rate of their second, so that none exceeds the peak."""
    bins = max(1, round(1 / timeline.bin_s))
    seconds = (timeline.counts[begin : begin + bins] for begin in range(0, len(timeline.counts), bins))
    return [sum(second) / max(1.0, timeline.bin_s) for second in seconds for _ in second]


def _row(rates: Sequence[float], peak: float, row: int) -> str:
    """Return one line of the chart, counted from below, with each column filled as far as it reaches."""
    eighths = (round(rate / peak * _ROWS * 8) - row * 8 for rate in rates)
    return "".join(_BLOCKS[max(0, min(8, filled))] for filled in eighths)
