"""Tokens that were counted here beside those that a relay reported, with the line through them."""

from relayload.core.audit.findings import Tokens
from relayload.core.metrics.token_pairs import TokenPairs
from relayload.report.audit_facts import subject
from relayload.report.html.marks import Shape
from relayload.report.html.plot import Absent, Figure
from relayload.report.html.scatter import Point, Scatter

_NAMES = {Shape.PLAIN: "answer"}


def token_figure(found: TokenPairs, tokens: Tokens | None) -> Figure | Absent:
    """Return the chart of one target and model."""
    points = [
        Point(
            float(counted),
            float(reported),
            Shape.PLAIN,
            f"{counted:,} counted",
            (f"{reported:,}", f"{reported - counted:+,}"),
            beside=_on_line(counted, tokens),
        )
        for counted, reported in found.pairs
    ]
    return Scatter(
        f"Input tokens of {subject(found.target, found.model)}",
        "counted here (horizontal) and reported (vertical), with the line through all audited answers",
        points,
        _text,
        _text,
        ("reported", "difference"),
        names=_NAMES,
    ).figure()


def _on_line(counted: int, tokens: Tokens | None) -> float | None:
    if tokens is None or tokens.factor is None or tokens.offset is None:
        return None
    return max(0.0, tokens.factor.value * counted + tokens.offset.value)


def _text(tokens: float) -> str:
    return f"{tokens:,.0f}"
