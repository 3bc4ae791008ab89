"""The frame that every chart has: axes, the area between them, and the figure around it.

Charts are drawn here, on the server's side of the page, since a report is read printed and with scripts off; a chart
library would draw nothing there, and the script that remains, for values under the pointer, zoom and legends, is a
tenth of the smallest one. Whatever is drawn against time shares its axis with every other such chart, so that they zoom
together.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from markupsafe import Markup

from relayload.core.printable import one_line
from relayload.report.html.scale import Linear, Log
from relayload.report.html.svg import element, instant_text, joined, shown

WIDTH, HEIGHT = 640.0, 220.0
LEFT, RIGHT, TOP, BOTTOM = 62.0, 14.0, 16.0, 26.0
PLOT_WIDTH, PLOT_HEIGHT = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM
_LONGEST_NAME = 80


@dataclass(frozen=True, slots=True)
class Series:
    """One series of a chart, as the legend and the values under the pointer name it."""

    name: str
    tone: int
    """Its colour together with its dashes, from 1 on."""
    texts: Sequence[str]
    """What to show at each position; empty where there is nothing."""
    mark: str = "line"
    """How the legend draws it: `line`, `area` or `heat`; `none` leaves it out there."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A chart with everything around it."""

    title: str
    note: str
    svg: Markup
    series: Sequence[Series] = ()
    at: Sequence[tuple[float, str]] | None = None
    """The pixel and the name of each position; None for the bins that all charts over time share."""
    timed: bool = True
    """Its horizontal axis is the time of the run."""
    zooms: bool = False
    """It zooms along an axis of its own; what is over time does so with the others."""
    key: Markup = field(default=Markup(""))
    """A legend of what it draws instead of series."""

    def __html__(self) -> str:
        """Return the figure with its legend, and with the values for the script."""
        named = [(position, series) for position, series in enumerate(self.series) if series.mark != "none"]
        legend = joined(_legend_entry(series, position) for position, series in named)
        return element(
            "figure",
            element("figcaption", element("h3", self.title) + element("p", self.note, class_="note"))
            + element("div", self.svg, class_="plot")
            + (element("ul", legend, class_="legend") if len(named) > 1 else self.key)
            + self._values(),
            class_="chart timed" if self.timed else "chart zooms" if self.zooms else "chart",
        )

    def _values(self) -> Markup:
        series = [[one_line(each.name, _LONGEST_NAME), each.tone, list(each.texts)] for each in self.series]
        at = None if self.at is None else [[round(x, 1), name] for x, name in self.at]
        return data_block({"series": series, "at": at}, class_="values") if series else Markup("")


def data_block(data: object, **attributes: object) -> Markup:
    """Return data for the script. It is no script itself, and can't end its element early."""
    text = json.dumps(data, separators=(",", ":"), ensure_ascii=True).replace("<", "\\u003c").replace("&", "\\u0026")
    return element("script", Markup(text), type="application/json", **attributes)


def bins_block(names: Sequence[str] = (), starts: Sequence[str] = (), step_s: float = 1.0) -> Markup:
    """Return the names of the bins that all charts over time share, and where they are, for the script."""
    return data_block({"names": names, "starts": starts, "step": step_s, "left": LEFT, "width": PLOT_WIDTH}, id="bins")


@dataclass(frozen=True, slots=True)
class Absent:
    """A chart that is not there, and why."""

    title: str
    reason: str


def drawing(label: str, content: Markup, height: float = HEIGHT) -> Markup:
    """Return an image of the width of a chart, with what it shows in words."""
    return element("svg", content, viewBox=f"0 0 {WIDTH:g} {height:g}", role="img", aria_label=label)


def inner(content: Markup, top: float = TOP, height: float = PLOT_HEIGHT) -> Markup:
    """Return what is between the axes, in pixels from their upper left corner. It is cut there, and zooms."""
    return element(
        "svg",
        content,
        class_="inner",
        x=LEFT,
        y=top,
        width=PLOT_WIDTH,
        height=height,
        viewBox=f"0 0 {PLOT_WIDTH:g} {height:g}",
        preserveAspectRatio="none",
    )


def y_axis(scale: Linear | Log, text: Callable[[float], str]) -> Markup:
    """Return the ticks on the left with a line each, for a scale in pixels from the upper end of the plot."""
    return joined(
        element("line", class_="grid", x1=LEFT, x2=WIDTH - RIGHT, y1=TOP + y, y2=TOP + y)
        + element("text", text(value), class_="tick", x=LEFT - 7, y=TOP + y + 4, text_anchor="end")
        for value in scale.ticks()
        for y in (scale.at(value),)
    )


def x_axis(ticks: Iterable[tuple[float, str]], height: float = HEIGHT) -> Markup:
    """Return the ticks below the plot: pixels from its left end, each with its text."""
    bottom = height - BOTTOM
    base = element("line", class_="axis", x1=LEFT, x2=WIDTH - RIGHT, y1=bottom, y2=bottom)
    return base + element("g", joined(_x_tick(x, text, bottom) for x, text in ticks), class_="x-ticks")


def time_axis(scale: Linear, ticks: Iterable[float], height: float = HEIGHT) -> Markup:
    """Return the axis of the time since the run began."""
    return x_axis([(scale.at(at_s), instant_text(at_s)) for at_s in ticks], height)


def _x_tick(x: float, text: str, bottom: float) -> Markup:
    anchor = "end" if x > PLOT_WIDTH - 12 else "middle"
    at = LEFT + x
    return element("line", class_="axis", x1=at, x2=at, y1=bottom, y2=bottom + 4) + element(
        "text", text, class_="tick", x=at, y=bottom + 18, text_anchor=anchor
    )


def _legend_entry(series: Series, position: int) -> Markup:
    return element("li", swatch(series) + element("span", shown(series.name, _LONGEST_NAME)), data_series=position)


def swatch(series: Series) -> Markup:
    """Return a piece of the series for the legend."""
    if series.mark == "heat":
        steps = joined(
            element("rect", class_=f"heat h{level}", x=level * 6.0, y=0, width=6, height=10) for level in range(5)
        )
        return element("svg", steps, class_="swatch", viewBox="0 0 30 10", aria_hidden="true")
    filled = element("rect", class_=f"area s{series.tone}", x=0, y=0, width=30, height=10)
    line = element("path", class_=f"line s{series.tone}", d="M1 5H29")
    return element(
        "svg", (filled if series.mark == "area" else Markup("")) + line, class_="swatch", viewBox="0 0 30 10",
        aria_hidden="true",
    )  # fmt: skip
