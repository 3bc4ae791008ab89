"""Changes with their intervals, one below the other on one axis, and the runs that they come from as dots."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from relayload.report.html.scale import Linear, value_scale
from relayload.report.html.svg import element, joined

_WIDTH, _HEIGHT, _MIDDLE = 220.0, 26.0, 13.0
_DOTS_HEIGHT = 30.0
_MARGIN = 8.0


@dataclass(frozen=True, slots=True)
class Change:
    """A change; an end of its interval that is None is unknown, and drawn as far as the axis goes."""

    value: float
    low: float | None
    high: float | None
    words: str
    worse_from: float | None = None
    """From here on, away from 0, it is worse than is tolerated."""

    @property
    def ends(self) -> list[float]:
        return [end for end in (self.value, self.low, self.high, self.worse_from) if end is not None]


def changes_drawn(changes: Sequence[Change]) -> list[Markup]:
    """Return a drawing of each; all have one axis, with 0 in its middle."""
    farthest = max((abs(end) for change in changes for end in change.ends), default=0.0) or 1.0
    x = Linear(-farthest, farthest, _MARGIN, _WIDTH - _MARGIN)
    return [_drawn(change, x) for change in changes]


def _drawn(change: Change, x: Linear) -> Markup:
    zero, at = x.at(0.0), x.at(change.value)
    parts = [element("line", class_="axis", x1=0, x2=_WIDTH, y1=_MIDDLE, y2=_MIDDLE)]
    if change.worse_from:
        limit = x.at(change.worse_from)
        left, right = (limit, _WIDTH) if change.worse_from > 0 else (0.0, limit)
        parts.append(element("rect", class_="broken", x=left, y=4, width=right - left, height=_HEIGHT - 8))
        parts.append(element("line", class_="limit", x1=limit, x2=limit, y1=2, y2=_HEIGHT - 2))
    parts.append(element("line", class_="axis", x1=zero, x2=zero, y1=2, y2=_HEIGHT - 2))
    if change.low is not None or change.high is not None:
        low = 0.0 if change.low is None else x.at(change.low)
        high = _WIDTH if change.high is None else x.at(change.high)
        bar = {"x": low, "y": _MIDDLE - 3, "width": max(1.0, high - low), "height": 6.0}
        parts.append(element("rect", class_="interval", rx=3, **bar))
    parts.append(element("circle", class_="observed", cx=at, cy=_MIDDLE, r=5))
    return _image("bullet", change.words, parts, _HEIGHT)


@dataclass(frozen=True, slots=True)
class Dot:
    """The value of one run."""

    value: float
    words: str


def dots_drawn(rows: Sequence[tuple[str, Sequence[Dot], float | None]], *, log: bool) -> Markup:
    """Return the values of runs: a row for each name, the first of circles and the second of diamonds.

    The third of a row is its median, drawn as a bar.
    """
    values = [dot.value for _, dots, _ in rows for dot in dots]
    log = log and min(values, default=0.0) > 0
    x = value_scale(values, _MARGIN, _WIDTH - _MARGIN, log=log)
    step = _DOTS_HEIGHT / len(rows)
    parts = []
    for place, (name, dots, median) in enumerate(rows):
        y = step * (place + 0.5)
        parts.append(element("line", class_="grid", x1=0, x2=_WIDTH, y1=y, y2=y))
        if median is not None:
            at = x.at(median)
            parts.append(element("line", class_="median", x1=at, x2=at, y1=y - step / 2 + 1, y2=y + step / 2 - 1))
        parts += [_dot(x.at(dot.value), y, place, f"{name} {dot.words}") for dot in dots]
    words = "; ".join(f"{name} {', '.join(dot.words for dot in dots) or 'none'}" for name, dots, _ in rows)
    return _image("bullet runs", words, parts, _DOTS_HEIGHT)


def _dot(x: float, y: float, row: int, words: str) -> Markup:
    title = element("title", words)
    if row == 0:
        return element("circle", title, class_="run base", cx=x, cy=y, r=4)
    return element("path", title, class_="run new", d=f"M{x:.1f} {y - 5:.1f}l5 5l-5 5l-5 -5Z")


def _image(class_: str, words: str, parts: Iterable[Markup], height: float) -> Markup:
    return element(
        "svg", joined(parts), class_=class_, viewBox=f"0 0 {_WIDTH:g} {height:g}", role="img", aria_label=words
    )
