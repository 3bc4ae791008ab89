"""The states of circuit breakers over the time of a run, one row for each."""

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from markupsafe import Markup

from relayload.core.metrics.summary import BreakerChange
from relayload.core.metrics.time_bins import Bins
from relayload.core.model.record import BreakerState
from relayload.report.html.plot import BOTTOM, LEFT, PLOT_WIDTH, TOP, Figure, drawing, inner, time_axis
from relayload.report.html.scale import Linear, time_ticks
from relayload.report.html.svg import element, instant_text, joined, shown

_ROW = 30.0
_BAR = 14.0
MOST_ROWS = 20
_LONGEST_NAME = 60


class _Stretch(NamedTuple):
    state: str
    begins_at_s: float
    ends_at_s: float


def breaker_figure(title: str, note: str, changes: Sequence[BreakerChange], bins: Bins) -> Figure:
    """Return the chart of at most 20 breakers."""
    rows = list(_by_breaker(changes).items())
    until_s = bins.step_s * bins.count
    x = Linear(0.0, until_s, 0.0, PLOT_WIDTH)
    drawn = rows[:MOST_ROWS]
    height = TOP + len(drawn) * _ROW + BOTTOM
    bars = [bar for row, (_, own) in enumerate(drawn) for bar in _bars(_stretches(own, until_s), row, x)]
    names = [
        element("text", shown(name, _LONGEST_NAME), class_="row-name", x=LEFT + 2, y=TOP + row * _ROW + 10)
        for row, (name, _) in enumerate(drawn)
    ]
    content = inner(joined(bars), height=len(drawn) * _ROW) + joined(names) + time_axis(x, time_ticks(until_s), height)
    words = f"{title}: {'; '.join(_in_words(name, own) for name, own in drawn)}"
    more = f" {len(rows) - MOST_ROWS:,} more are in summary.json." if len(rows) > MOST_ROWS else ""
    return Figure(title, note + more, drawing(words, content, height), key=_legend())


def _by_breaker(changes: Iterable[BreakerChange]) -> dict[str, list[BreakerChange]]:
    found: dict[str, list[BreakerChange]] = {}
    for change in changes:
        found.setdefault(f"{change.scope}, worker {change.worker}", []).append(change)
    return found


def _stretches(changes: Sequence[BreakerChange], until_s: float) -> Iterator[_Stretch]:
    begins_at_s, state = 0.0, changes[0].before
    for change in changes:
        yield _Stretch(state, begins_at_s, change.at_s)
        begins_at_s, state = change.at_s, change.after
    yield _Stretch(state, begins_at_s, max(until_s, begins_at_s))


def _bars(stretches: Iterable[_Stretch], row: int, x: Linear) -> Iterator[Markup]:
    """Yield a bar a state: full height and solid while open, hatched while half-open, a line while closed."""
    top = row * _ROW + 14
    for stretch in stretches:
        left, right = x.at(stretch.begins_at_s), min(PLOT_WIDTH, x.at(stretch.ends_at_s))
        closed = stretch.state == BreakerState.CLOSED.value
        height = 3.0 if closed else _BAR
        until = "" if math.isinf(stretch.ends_at_s) else f" to {instant_text(stretch.ends_at_s)}"
        title = element("title", f"{stretch.state} from {instant_text(stretch.begins_at_s)}{until}")
        yield element(
            "rect", title, class_=f"state {_class(stretch.state)}", x=left, y=top + (_BAR - height) / 2,
            width=max(1.0, right - left), height=height,
        )  # fmt: skip


def _class(state: str) -> str:
    return state if state in {known.value for known in BreakerState} else "unknown"


def _in_words(name: str, changes: Sequence[BreakerChange]) -> str:
    return f"{name}: {', '.join(f'{change.after} at {instant_text(change.at_s)}' for change in changes[:8])}"


def _legend() -> Markup:
    """Return the legend of the states."""
    entries = ((BreakerState.CLOSED.value, 3.0), (BreakerState.OPEN.value, 10.0), (BreakerState.HALF_OPEN.value, 10.0))
    items = (
        element(
            "li",
            element(
                "svg",
                element("rect", class_=f"state {state}", x=0, y=(10 - height) / 2, width=30, height=height),
                class_="swatch", viewBox="0 0 30 10", aria_hidden="true",
            )
            + element("span", state.replace("_", "-")),
        )
        for state, height in entries
    )  # fmt: skip
    return element("ul", joined(items), class_="legend still")
