"""The tail of a distribution: values by percentile, each further nine as far as the one before."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from markupsafe import Markup

from relayload.core.metrics.metric import Unit
from relayload.core.metrics.tails import Tail
from relayload.core.objectives.formatting import quantity
from relayload.core.stats.sample import Percentile
from relayload.report.html.plot import (
    LEFT,
    PLOT_HEIGHT,
    PLOT_WIDTH,
    TOP,
    Figure,
    Series,
    drawing,
    inner,
    x_axis,
    y_axis,
)
from relayload.report.html.scale import Linear, Log, LogPercentile, value_scale
from relayload.report.html.svg import area_path, element, joined, line_path, shown, tick_text
from relayload.report.text import interval

_FARTHEST = 3.0
_LINE = 16.0
_LONGEST_NAME = 48


def tail_figure(title: str, note: str, tail: Tail, limits: Sequence[tuple[float, float, str]] = ()) -> Figure:
    """Return the chart. A limit is a percentile, the value it must keep, and a name."""
    highest = max([tail.points[-1].p, *(p for p, _, _ in limits if p < 100)])
    x = LogPercentile(max(90.0, highest), 0.0, PLOT_WIDTH)
    near = [value for _, value, _ in limits if value <= _FARTHEST * tail.most]
    bounds = [end for point in tail.points for end in (point.low, point.high) if end is not None]
    y = value_scale([value for _, value in tail.curve] + bounds + near, PLOT_HEIGHT, 0.0, log=True)
    band = [
        element("path", class_="band s1", d=area_path(
            [(x.at(point.p), y.at(point.high)) for point in run if point.high is not None],
            [(x.at(point.p), y.at(point.low)) for point in run if point.low is not None],
        ), data_series=1)
        for run in _bounded(tail.points)
    ]  # fmt: skip
    line = element("path", class_="line s1", d=line_path((x.at(p), y.at(v)) for p, v in tail.curve), data_series=0)
    marks = [
        element("path", class_="limit-mark", d=f"M{x.at(p) - 5:.1f} {max(0.0, y.at(v)):.1f}h10") for p, v, _ in limits
    ]
    names = list(_limit_names(x, y, limits))
    content = (
        y_axis(y, lambda value: tick_text(value, Unit.SECONDS))
        + x_axis([(x.at(p), f"p{p:g}") for p in x.ticks()])
        + inner(joined([*band, line, *marks]))
        + joined(names)
    )
    points = tail.points
    series = [
        Series("value", 1, [quantity(point.value, Unit.SECONDS) for point in points]),
        Series("95% interval", 1, [interval(point.low, point.high, Unit.SECONDS) for point in points], "area"),
    ]
    words = f"{title}: " + ", ".join(f"p{p.p:g} {quantity(p.value, Unit.SECONDS)}" for p in points)
    at = [(x.at(point.p), f"p{point.p:g}") for point in points]
    return Figure(title, note, drawing(words, Markup(content)), series, at, timed=False, zooms=True)


def _bounded(points: Sequence[Percentile]) -> list[list[Percentile]]:
    """Return the stretches of percentiles whose interval has both ends."""
    gaps = [position for position, point in enumerate(points) if point.low is None or point.high is None]
    stretches = [list(points[before + 1 : after]) for before, after in pairwise([-1, *gaps, len(points)])]
    return [stretch for stretch in stretches if len(stretch) > 1]


def _limit_names(x: LogPercentile, y: Linear | Log, limits: Sequence[tuple[float, float, str]]) -> Iterator[Markup]:
    """Yield the names of limits beside their marks, one below the other where they would meet."""
    last = -_LINE
    for p, value, name in sorted(limits):
        right = x.at(p) < PLOT_WIDTH / 2
        at = TOP + max(8.0, y.at(value) + 4)
        at = last + _LINE if abs(at - last) < _LINE else at
        last = at
        yield element(
            "text",
            shown(f"{'↑ ' if y.at(value) < -0.5 else ''}{name}", _LONGEST_NAME),
            class_="limit-name",
            x=LEFT + x.at(p) + (8 if right else -8),
            y=at,
            text_anchor="start" if right else "end",
            data_at=x.at(p),
        )
