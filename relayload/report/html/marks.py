"""Marks of a chart, told apart by their shape as well as by their colour."""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from types import MappingProxyType

from markupsafe import Markup

from relayload.core.model.verdict import Status
from relayload.report.html.svg import element, joined, number

_R = 5.0
_NO_NAMES: Mapping["Shape", str] = MappingProxyType({})
_SIGNS = {
    Status.PASS: "✓",
    Status.FAIL: "✗",
    Status.INCONCLUSIVE: "?",
    Status.INVALID: "!",
    Status.STOPPED: "■",
    Status.NOT_JUDGED: "–",
}


class Shape(StrEnum):
    """What a mark says."""

    PROVEN = "proven"
    PASS = "passed"
    REFUTED = "refuted"
    FAIL = "failed"
    UNDECIDED = "undecided"
    VOID = "void"
    STOPPED = "stopped"
    PLAIN = "plain"


def sign_of(status: Status) -> str:
    """Return the sign of a verdict."""
    return _SIGNS[status]


def status_class(status: Status) -> str:
    """Return the class of the style of a verdict."""
    return status.value.lower().replace(" ", "-")


def mark(shape: Shape, x: float, y: float, title: str) -> Markup:
    """Return a mark around a point, which tells its title to the pointer without any script."""
    return element("g", element("title", title) + _drawn(shape, x, y), class_=f"mark-{shape}")


def shape_legend(shapes: Iterable[Shape], names: Mapping[Shape, str] = _NO_NAMES) -> Markup:
    """Return a legend of these shapes, each once and in their own order, by names of their own if they have some."""
    wanted = set(shapes)
    entries = (
        element(
            "li",
            element(
                "svg", element("g", _drawn(shape, 8.0, 7.0), class_=f"mark-{shape}"), class_="swatch",
                viewBox="0 0 16 14", aria_hidden="true",
            )
            + element("span", names.get(shape, shape.value)),
        )
        for shape in Shape
        if shape in wanted
    )  # fmt: skip
    return element("ul", joined(entries), class_="legend still shapes")


def _drawn(shape: Shape, x: float, y: float) -> Markup:
    match shape:
        case Shape.PROVEN:
            ring = element("circle", class_="outline", cx=x, cy=y, r=_R + 1)
            return ring + element("circle", class_="solid", cx=x, cy=y, r=_R - 2)
        case Shape.PASS:
            return element("circle", class_="solid", cx=x, cy=y, r=_R - 0.5)
        case Shape.REFUTED:
            box = element("rect", class_="outline", x=x - _R - 1, y=y - _R - 1, width=2 * _R + 2, height=2 * _R + 2)
            return box + _path(f"M{_at(x - 3, y - 3)}L{_at(x + 3, y + 3)}M{_at(x - 3, y + 3)}L{_at(x + 3, y - 3)}")
        case Shape.FAIL:
            return _path(f"M{_at(x - 4, y - 4)}L{_at(x + 4, y + 4)}M{_at(x - 4, y + 4)}L{_at(x + 4, y - 4)}")
        case Shape.UNDECIDED:
            return _path(f"M{_at(x, y - 6)}L{_at(x + 6, y)}L{_at(x, y + 6)}L{_at(x - 6, y)}Z")
        case Shape.VOID:
            return _path(f"M{_at(x, y - 6)}L{_at(x + 6, y + 5)}L{_at(x - 6, y + 5)}Z")
        case Shape.PLAIN:
            return element("circle", class_="outline", cx=x, cy=y, r=_R - 0.5)
        case Shape.STOPPED:
            return _path(f"M{_at(x - 5, y)}L{_at(x + 5, y)}M{_at(x, y - 5)}L{_at(x, y + 5)}")


def _path(d: str) -> Markup:
    return element("path", class_="outline", d=d)


def _at(x: float, y: float) -> str:
    return f"{number(x)} {number(y)}"
