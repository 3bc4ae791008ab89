"""Charts of numbers over the time of a run."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from markupsafe import Markup

from relayload.core.metrics.percentile_bands import Bands
from relayload.core.metrics.time_bins import Bins
from relayload.core.objectives.formatting import quantity
from relayload.core.units import format_duration
from relayload.report.html.plot import (
    LEFT,
    PLOT_HEIGHT,
    PLOT_WIDTH,
    RIGHT,
    TOP,
    WIDTH,
    Figure,
    Series,
    drawing,
    inner,
    time_axis,
    y_axis,
)
from relayload.report.html.scale import Linear, Log, time_ticks, value_scale
from relayload.report.html.svg import Point, area_path, element, joined, line_path, number, shown, tick_text

_FARTHEST = 3.0
"""A limit more than this many times beyond every value is named at the edge of the chart, not drawn to scale."""
_LEVELS = 5
_ROUNDING = 0.5
_LONGEST_LABEL = 48
_NAME_ROOM = 60
"""Nearer to an edge than that, the name of a shade begins or ends there."""
_LINE = 16.0
"""The height of a line of text."""


@dataclass(frozen=True, slots=True)
class Line:
    """A number for each bin; None where there is none."""

    name: str
    values: Sequence[float | None]
    tone: int = 1
    filled: bool = False


@dataclass(frozen=True, slots=True)
class Limit:
    """A level that the numbers should keep below, or above."""

    name: str
    value: float


@dataclass(frozen=True, slots=True)
class Shade:
    """A stretch of time that is set apart, such as a warm-up."""

    name: str
    begins_at_s: float
    ends_at_s: float


@dataclass(frozen=True, slots=True)
class Mark:
    """An instant at which something happened."""

    name: str
    at_s: float


@dataclass(frozen=True, slots=True)
class TimeChart:
    """Lines over the bins of a run, with limits, and the values of a metric behind them as a heat map."""

    title: str
    note: str
    bins: Bins
    unit: str
    lines: Sequence[Line]
    limits: Sequence[Limit] = ()
    shades: Sequence[Shade] = ()
    marks: Sequence[Mark] = ()
    heat: Bands | None = None
    log: bool = False
    at_ends: bool = False
    """The numbers hold at the end of their bin, not within it."""
    texts: Sequence[Series] = field(default=())
    """Further values to name under the pointer, without a line."""

    def figure(self) -> Figure:
        """Return the chart, drawn."""
        x = Linear(0.0, self.bins.step_s * self.bins.count, 0.0, PLOT_WIDTH)
        y = self._y_scale()
        inside = [
            *self._shading(x),
            *self._heat(x, y),
            *self._lines(x, y),
            *self._limit_lines(y),
            *self._mark_lines(x),
        ]
        content = (
            y_axis(y, lambda value: tick_text(value, self.unit))
            + time_axis(x, time_ticks(x.high))
            + inner(joined(inside))
            + joined([*self._shade_names(x), *self._limit_names(y), *self._mark_names(x)])
        )
        return Figure(self.title, self.note, drawing(self._in_words(), content), self._series())

    def _values(self) -> list[float]:
        return [value for line in self.lines for value in line.values if value is not None]

    def _y_scale(self) -> Linear | Log:
        values = self._values()
        edges = [] if self.heat is None else [self.heat.edges[0], self.heat.edges[-1]]
        highest = max([*values, *edges], default=0.0)
        near = [limit.value for limit in self.limits if not highest or limit.value <= _FARTHEST * highest]
        return value_scale([*values, *edges, *near], PLOT_HEIGHT, 0.0, log=self.log)

    def _points(self, line: Line, x: Linear, y: Linear | Log) -> list[Point | None]:
        step_s, offset = self.bins.step_s, 1.0 if self.at_ends else 0.5
        return [
            None if value is None else (x.at((position + offset) * step_s), y.at(value))
            for position, value in enumerate(line.values)
        ]

    def _lines(self, x: Linear, y: Linear | Log) -> Iterator[Markup]:
        for position, line in enumerate(self.lines):
            points = self._points(line, x, y)
            if line.filled:
                yield from (
                    element("path", class_=f"area s{line.tone}", d=area_path(run, [(px, PLOT_HEIGHT) for px, _ in run]),
                            data_series=position)
                    for run in _runs(points)
                )  # fmt: skip
            yield element("path", class_=f"line s{line.tone}", d=line_path(points), data_series=position)

    def _limit_lines(self, y: Linear | Log) -> Iterator[Markup]:
        for limit in self.limits:
            if not _is_beyond(y.at(limit.value)):
                yield element("path", class_="limit", d=f"M0 {number(max(0.5, y.at(limit.value)))}H{PLOT_WIDTH:g}")

    def _limit_names(self, y: Linear | Log) -> Iterator[Markup]:
        taken: list[float] = []
        for limit in sorted(self.limits, key=lambda limit: -limit.value):
            px = y.at(limit.value)
            at = TOP + max(0.5, px) - 4
            at = at + 15 if at < TOP + 6 else at
            while any(abs(at - other) < _LINE for other in taken):
                at += _LINE
            taken.append(at)
            text = shown(f"{'↑ ' if _is_beyond(px) else ''}{limit.name}", _LONGEST_LABEL)
            yield element("text", text, class_="limit-name", x=WIDTH - RIGHT - 4, y=at, text_anchor="end")

    def _shading(self, x: Linear) -> Iterator[Markup]:
        for shade in self.shades:
            left, right = x.at(shade.begins_at_s), x.at(shade.ends_at_s)
            yield element("rect", class_="shade", x=left, y=0, width=right - left, height=PLOT_HEIGHT)

    def _shade_names(self, x: Linear) -> Iterator[Markup]:
        for shade in self.shades:
            left, right = x.at(shade.begins_at_s), min(PLOT_WIDTH, x.at(shade.ends_at_s))
            anchor = "start" if left < _NAME_ROOM else "end" if right > PLOT_WIDTH - _NAME_ROOM else "middle"
            at = LEFT + {"start": left + 3, "end": right, "middle": (left + right) / 2}[anchor]
            yield element("text", shade.name, class_="shade-name", x=at, y=TOP - 4, text_anchor=anchor)

    def _mark_lines(self, x: Linear) -> Iterator[Markup]:
        for mark in self.marks:
            yield element("path", class_="change", d=f"M{number(x.at(mark.at_s))} 0V{PLOT_HEIGHT:g}")

    def _mark_names(self, x: Linear) -> Iterator[Markup]:
        for mark in self.marks:
            px = x.at(mark.at_s)
            at_end = px > PLOT_WIDTH / 2
            at, anchor = LEFT + px + (-3 if at_end else 3), "end" if at_end else "start"
            yield element("text", mark.name, class_="change-name", x=at, y=TOP + PLOT_HEIGHT - 6, text_anchor=anchor)

    def _heat(self, x: Linear, y: Linear | Log) -> Iterator[Markup]:
        """Yield one path for each shade of the heat map, of all its cells."""
        if self.heat is None:
            return
        most = max(max(row) for row in self.heat.heat)
        tops = [y.at(edge) for edge in self.heat.edges]
        width = x.at(self.bins.step_s)
        cells: dict[int, list[str]] = {}
        for position, counts in enumerate(self.heat.heat):
            left = number(position * width)
            for row, count in enumerate(counts):
                if count:
                    level = min(_LEVELS - 1, int((count / most) ** 0.5 * _LEVELS))
                    top, bottom = tops[row + 1], tops[row]
                    cells.setdefault(level, []).append(
                        f"M{left} {number(top)}h{number(width)}v{number(bottom - top)}h-{number(width)}z"
                    )
        yield from (
            element("path", class_=f"heat h{level}", d="".join(own), data_series=len(self.lines))
            for level, own in sorted(cells.items())
        )

    def _series(self) -> list[Series]:
        mark = [Series("requests, darker where more", 0, (), "heat")] if self.heat is not None else []
        lines = [
            Series(
                line.name,
                line.tone,
                [_text(value, self.unit) for value in line.values],
                "area" if line.filled else "line",
            )
            for line in self.lines
        ]
        return [*lines, *mark, *self.texts]

    def _in_words(self) -> str:
        parts = []
        for line in self.lines:
            known = [value for value in line.values if value is not None]
            if known:
                parts.append(f"{line.name} from {quantity(min(known), self.unit)} to {quantity(max(known), self.unit)}")
        limits = [f"limit {limit.name}" for limit in self.limits]
        marks = [f"{mark.name} at {format_duration(mark.at_s)}" for mark in self.marks]
        return f"{self.title}: {'; '.join([*parts, *limits, *marks]) or 'nothing measured'}"


def _is_beyond(px: float) -> bool:
    """Return whether a level is above the plot, by more than rounding."""
    return px < -_ROUNDING


def _text(value: float | None, unit: str) -> str:
    return "" if value is None else quantity(value, unit)


def _runs(points: Sequence[Point | None]) -> Iterator[list[Point]]:
    """Yield the stretches between gaps, of two points or more."""
    gaps = [-1, *(position for position, point in enumerate(points) if point is None), len(points)]
    for before, after in pairwise(gaps):
        run = [point for point in points[before + 1 : after] if point is not None]
        if len(run) > 1:
            yield run
