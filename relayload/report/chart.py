"""Rates over time as a chart of block characters."""

from collections.abc import Sequence

from relayload.core.traffic.timeline import Timeline
from relayload.core.units import format_duration
from relayload.report.screen import WIDTH

_BLOCKS = " ▁▂▃▄▅▆▇█"
_ROWS = 4
_MARGIN = 10
"""The labels on the left."""


def chart(timeline: Timeline, width: int = WIDTH) -> list[str]:
    """Lines, the highest rate at the top and the time below; where room is short, neighbours become one column."""
    step = -(-len(timeline.counts) // (width - _MARGIN))
    each = _rates(timeline)
    rates = [max(each[begin : begin + step]) for begin in range(0, len(each), step)]
    peak = max(rates)
    label = f"{peak:.3g}/s"
    lines = [f"{label if row == _ROWS - 1 else '':>9} {_row(rates, peak, row)}" for row in reversed(range(_ROWS))]
    until = format_duration(timeline.bin_s * len(timeline.counts))
    return [*lines, f"{'0':>9} {'0s':<{max(3, len(rates) - len(until))}}{until}"]


def _rates(timeline: Timeline) -> list[float]:
    """One for each bin; bins of less than a second have that of their second, so that none is above the peak/s."""
    bins = max(1, round(1 / timeline.bin_s))
    seconds = (timeline.counts[begin : begin + bins] for begin in range(0, len(timeline.counts), bins))
    return [sum(second) / max(1.0, timeline.bin_s) for second in seconds for _ in second]


def _row(rates: Sequence[float], peak: float, row: int) -> str:
    """One line of the chart, counted from below: each column filled as far as it reaches."""
    eighths = (round(rate / peak * _ROWS * 8) - row * 8 for rate in rates)
    return "".join(_BLOCKS[max(0, min(8, filled))] for filled in eighths)
