"""Marks over two axes of numbers, with lines at levels that matter."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from markupsafe import Markup

from relayload.core.printable import one_line
from relayload.report.html.marks import Shape, mark, shape_legend
from relayload.report.html.plot import (
    BOTTOM,
    LEFT,
    PLOT_HEIGHT,
    PLOT_WIDTH,
    TOP,
    Absent,
    Figure,
    Series,
    drawing,
    inner,
    x_axis,
    y_axis,
)
from relayload.report.html.scale import Linear, Log, Whole, value_scale
from relayload.report.html.svg import element, joined, line_path, shown

_MARGIN = 12.0
"""The room for half a mark at each end of an axis, in pixels."""
_LINE = 18.0
_FARTHEST = 3.0
_ROUNDING = 0.5
_LONGEST_NAME = 48


@dataclass(frozen=True, slots=True)
class Point:
    """A mark: where it is, what it is, and what its values are, in words."""

    x: float
    y: float
    shape: Shape
    name: str
    texts: tuple[str, ...]
    """One for each name in `values` of the chart."""
    beside: float | None = None
    """A second number at the same place, through which a line is drawn."""
    ends: tuple[float, float] | None = None
    """The interval of `y`."""


@dataclass(frozen=True, slots=True)
class Level:
    """A level that matters, drawn as a line across the chart."""

    name: str
    value: float
    tone: str


@dataclass(frozen=True, slots=True)
class Scatter:
    """The chart."""

    title: str
    note: str
    points: Sequence[Point]
    x_text: Callable[[float], str]
    y_text: Callable[[float], str]
    values: tuple[str, ...]
    """The names of what each point tells."""
    upright: Sequence[Level] = ()
    """Levels of the horizontal axis, whose names stand one below the other, the highest on top."""
    across: Sequence[Level] = ()
    between: tuple[float, float] | None = None
    """A stretch of the horizontal axis to set apart."""
    in_rows: bool = False
    """The vertical axis counts from above, in whole numbers."""
    log: bool = False
    """The vertical axis is logarithmic."""
    log_x: bool = False
    whole_x: bool = False
    """The horizontal axis counts in whole numbers."""
    row_height: float = 14.0
    names: Mapping[Shape, str] = field(default_factory=dict)
    """What shapes mean here, if not what they are named."""
    absent: str = "nothing measured"
    """Why the chart is not there if it has no points."""

    def figure(self) -> Figure | Absent:
        """Return the chart, drawn, or why it is not."""
        if not self.points:
            return Absent(self.title, self.absent)
        points = sorted(self.points, key=lambda point: (point.x, point.y))
        head = _LINE * len(self.upright) + (4 if self.upright else 0)
        height = max(PLOT_HEIGHT, head + self.row_height * len(points)) if self.in_rows else PLOT_HEIGHT
        x, y = self._x_scale(), self._y_scale(head, height)
        inside = [*self._stretch(x, height), *self._lines(x, y, height), *self._line_beside(points, x, y)]
        inside += [_interval(x.at(point.x), *map(y.at, point.ends)) for point in points if point.ends is not None]
        inside += [mark(point.shape, x.at(point.x), y.at(point.y), self._told(point)) for point in points]
        whole = height + TOP + BOTTOM
        content = (
            y_axis(y, self.y_text)
            + x_axis([(x.at(value), self.x_text(value)) for value in x.ticks()], whole)
            + inner(joined(inside), height=height)
            + joined(self._names(x, y))
        )
        series = [
            Series(name, 1, [one_line(point.texts[n], _LONGEST_NAME) for point in points], "none")
            for n, name in enumerate(self.values)
        ]
        words = f"{self.title}: {'; '.join(map(self._told, points))}"
        return Figure(
            self.title,
            self.note,
            drawing(words, content, whole),
            series,
            [(x.at(point.x), point.name) for point in points],
            timed=False,
            key=shape_legend((point.shape for point in points), self.names),
        )

    def _told(self, point: Point) -> str:
        values = (
            f"{name} {one_line(text, _LONGEST_NAME)}"
            for name, text in zip(self.values, point.texts, strict=True)
            if text
        )
        return f"{point.name}: {', '.join(values)}"

    def _x_scale(self) -> Linear | Log:
        values = [*(point.x for point in self.points), *(level.value for level in self.upright)]
        ends = (_MARGIN, PLOT_WIDTH - _MARGIN)
        return Whole(min(values), max(values), *ends) if self.whole_x else value_scale(values, *ends, log=self.log_x)

    def _y_scale(self, head: float, height: float) -> Linear | Log:
        ends = (height - _MARGIN, head + _MARGIN)
        values = [
            value
            for point in self.points
            for value in (point.y, point.beside, *(point.ends or ()))
            if value is not None
        ]
        if self.in_rows:
            return Whole(max(values), min(values), *ends)
        highest = max(values)
        near = [level.value for level in self.across if not highest or level.value <= _FARTHEST * highest]
        return value_scale([*values, *near], *ends, log=self.log)

    def _stretch(self, x: Linear | Log, height: float) -> list[Markup]:
        if self.between is None:
            return []
        left, right = map(x.at, self.between)
        return [element("rect", class_="between", x=left, y=0, width=max(1.0, right - left), height=height)]

    def _lines(self, x: Linear | Log, y: Linear | Log, height: float) -> list[Markup]:
        upright = [
            element("line", class_=f"level {level.tone}", x1=at, x2=at, y1=_LINE * (place + 0.6), y2=height)
            for place, level in enumerate(self.upright)
            for at in (x.at(level.value),)
        ]
        return upright + [
            element("line", class_=f"level {level.tone}", x1=0, x2=PLOT_WIDTH, y1=at, y2=at)
            for level in self.across
            for at in (y.at(level.value),)
            if at >= -_ROUNDING
        ]

    def _line_beside(self, points: Sequence[Point], x: Linear | Log, y: Linear | Log) -> list[Markup]:
        there = [(x.at(point.x), y.at(point.beside)) for point in points if point.beside is not None]
        return [element("path", class_="line s2", d=line_path(there))] if there else []

    def _names(self, x: Linear | Log, y: Linear | Log) -> list[Markup]:
        """Return the names of the levels: of upright ones each on a line of its own, of others above their line."""
        names = []
        for place, level in enumerate(self.upright):
            at = x.at(level.value)
            right = at < PLOT_WIDTH / 2
            names.append(
                element(
                    "text", shown(level.name, _LONGEST_NAME), class_=f"level-name {level.tone}",
                    x=LEFT + at + (6 if right else -6), y=TOP + _LINE * (place + 1) - 3,
                    text_anchor="start" if right else "end",
                )
            )  # fmt: skip
        for level in self.across:
            name = f"{'↑ ' if y.at(level.value) < -_ROUNDING else ''}{level.name}"
            at = max(0.0, y.at(level.value))
            names.append(
                element(
                    "text", shown(name, _LONGEST_NAME), class_=f"level-name {level.tone}",
                    x=LEFT + 2 * _MARGIN, y=TOP + at + (14 if at < _LINE else -5),
                )
            )  # fmt: skip
        return names


def _interval(x: float, low: float, high: float) -> Markup:
    return element(
        "path", class_="whisker", d=f"M{x - 4:.1f} {low:.1f}h8M{x:.1f} {low:.1f}V{high:.1f}M{x - 4:.1f} {high:.1f}h8"
    )
