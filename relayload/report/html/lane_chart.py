"""Requests as lanes: what each spent its time on."""

from markupsafe import Markup

from relayload.core.metrics.lanes import Lane, Phase
from relayload.core.units import format_duration
from relayload.report.html.svg import element, joined

_WIDTH, _HEIGHT = 400.0, 14.0
_CLASSES = {phase: f"p{number}" for number, phase in enumerate(Phase)}


def lane_drawing(lane: Lane, longest_s: float) -> Markup:
    """Return one lane; all of a table have the scale of the longest request."""
    px_per_s = _WIDTH / longest_s if longest_s > 0 else 0.0
    bars = [
        element(
            "rect",
            element("title", f"{stretch.phase} {format_duration(stretch.seconds)}"),
            class_=f"phase {_CLASSES[stretch.phase]}",
            x=stretch.begins_s * px_per_s,
            y=1,
            width=max(0.6, stretch.seconds * px_per_s),
            height=_HEIGHT - 2,
        )
        for stretch in lane.stretches
    ]
    return element(
        "svg", joined(bars), class_="lane", viewBox=f"0 0 {_WIDTH:g} {_HEIGHT:g}", preserveAspectRatio="none",
        role="img", aria_label=phases_in_words(lane),
    )  # fmt: skip


def phases_in_words(lane: Lane) -> str:
    """Return the phases with their lengths, those of one kind taken together: `queue 2.11ms · decode 2.41s`."""
    lengths = ((phase, lane.seconds_in(phase)) for phase in Phase)
    return " · ".join(f"{phase} {format_duration(seconds)}" for phase, seconds in lengths if seconds)


def phase_legend() -> Markup:
    """Return the legend of the phases."""
    items = (
        element(
            "li",
            element(
                "svg", element("rect", class_=f"phase {name}", x=0, y=0, width=30, height=10), class_="swatch",
                viewBox="0 0 30 10", aria_hidden="true",
            )
            + element("span", phase),
        )
        for phase, name in _CLASSES.items()
    )  # fmt: skip
    return element("ul", joined(items), class_="legend still")
