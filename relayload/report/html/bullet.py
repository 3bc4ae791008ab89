"""A number beside its limit: what was observed, its interval, and the side on which the limit is broken."""

import math

from markupsafe import Markup

from relayload.core.model.verdict import ObjectiveResult
from relayload.core.objectives.grammar import parse
from relayload.core.objectives.objective import Op
from relayload.report.html.scale import Linear, Log
from relayload.report.html.svg import element
from relayload.report.text import ends_of, observed

_WIDTH, _HEIGHT, _MIDDLE = 220.0, 26.0, 13.0
_RATIO = 20.0
"""From this ratio between the largest and the least number on, the scale is logarithmic."""


def bullet(result: ObjectiveResult) -> Markup:
    """Return the drawing of an objective: whatever it measures, its limit is in it."""
    numbers = [value for value in (result.observed, result.low, result.high) if value is not None]
    x = _scale([result.limit, *numbers])
    op = _operator(result.expr)
    limit = x.at(result.limit)
    parts = [element("line", class_="axis", x1=0, x2=_WIDTH, y1=_MIDDLE, y2=_MIDDLE)]
    if op is not None and (op.ceiling or op.floor):
        left, right = (limit, _WIDTH) if op.ceiling else (0.0, limit)
        parts.append(element("rect", class_="broken", x=left, y=4, width=right - left, height=_HEIGHT - 8))
    if numbers and (result.low is not None or result.high is not None):
        low = 0.0 if result.low is None else x.at(result.low)
        high = _WIDTH if result.high is None else x.at(result.high)
        parts.append(
            element("rect", class_="interval", x=low, y=_MIDDLE - 3, width=max(1.0, high - low), height=6.0, rx=3)
        )
    parts.append(element("line", class_="limit", x1=limit, x2=limit, y1=2, y2=_HEIGHT - 2))
    if result.observed is not None:
        parts.append(element("circle", class_="observed", cx=x.at(result.observed), cy=_MIDDLE, r=5))
    elif result.n:  # infinitely slow
        parts.append(element("path", class_="observed", d=f"M{_WIDTH - 9:g} 6L{_WIDTH - 1:g} 13L{_WIDTH - 9:g} 20Z"))
    words = f"observed {observed(result)}, interval {ends_of(result)}, condition {result.expr}"
    return element(
        "svg", Markup("").join(parts), class_="bullet", viewBox=f"0 0 {_WIDTH:g} {_HEIGHT:g}", role="img",
        aria_label=words,
    )  # fmt: skip


def _operator(expr: str) -> Op | None:
    try:
        return parse(expr).op
    except ValueError:
        return None


def _scale(values: list[float]) -> Linear | Log:
    """Return a scale with all numbers well inside, from 0 on where none is negative."""
    finite = [value for value in values if math.isfinite(value)]
    low, high = min(finite), max(finite)
    if low > 0 and high / low > _RATIO:
        return Log(low / 1.5, high * 1.5, 6.0, _WIDTH - 6)
    low, high = min(0.0, low), max(high, 0.0)
    return Linear(low, high + (high - low or 1.0) * 0.2, 6.0, _WIDTH - 6)
