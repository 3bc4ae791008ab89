"""SVG as text: numbers to a tenth of a pixel, and text that is escaped once and for all."""

import re
from collections.abc import Iterable, Sequence

from markupsafe import Markup, escape

from relayload.core.objectives.formatting import quantity
from relayload.core.printable import one_line
from relayload.core.units import format_duration

Point = tuple[float, float]
_LONGEST = 300
_LONGEST_ATTRIBUTE = 1 << 20
_TRAILING = re.compile(r"\.(\d*?)0+(?=\D|$)")


def shown(value: object, longest: int = _LONGEST) -> Markup:
    """Return anything as text of a page: on one line, without control characters or directional marks, escaped."""
    return value if isinstance(value, Markup) else escape(one_line(str(value), longest))


def element(name: str, content: str = "", /, **attributes: object) -> Markup:
    """Return an element. `class_` and `stroke_width` name `class` and `stroke-width`; None leaves one out.

    The content is escaped unless it is markup; numbers are rounded.
    """
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{_attribute(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    return Markup(f"<{name}{written}>{shown(content)}</{name}>")


def joined(parts: Iterable[Markup]) -> Markup:
    return Markup("").join(parts)


def number(value: float) -> str:
    """Return a coordinate to a tenth of a pixel: `12`, `12.5`."""
    return f"{value:.1f}".removesuffix(".0")


def line_path(points: Iterable[Point | None]) -> str:
    """Return the data of a path through the points, with a gap at each None. A point alone becomes a dot."""
    parts, pen_down, alone = [], False, False
    for point in points:
        if point is None:
            parts += ["h0"] if alone else []
            pen_down = alone = False
            continue
        parts.append(f"{'L' if pen_down else 'M'}{number(point[0])} {number(point[1])}")
        alone, pen_down = not pen_down, True
    return "".join([*parts, *(["h0"] if alone else [])])


def area_path(upper: Sequence[Point], lower: Sequence[Point]) -> str:
    """Return the data of a closed path around the area between two lines; empty below two points."""
    if len(upper) < 2:
        return ""
    return f"{line_path([*upper, *reversed(lower)])}Z"


def tick_text(value: float, unit: str) -> str:
    """Return a round value without trailing zeros: `1s`, `2.5ms`, `10/s`."""
    return _TRAILING.sub(lambda found: f".{found[1]}" if found[1] else "", quantity(value, unit))


def instant_text(at_s: float) -> str:
    """Return an instant of the run: `0s`, `1m30s`."""
    return _TRAILING.sub(lambda found: f".{found[1]}" if found[1] else "", format_duration(at_s)) if at_s else "0s"


def _attribute(value: object) -> str:
    return number(value) if isinstance(value, float) else str(escape(one_line(str(value), _LONGEST_ATTRIBUTE)))
