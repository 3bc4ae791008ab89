import pytest

from relayload.core.limits.conformance import Fit, Shape, Unit, Window, fit
from relayload.core.limits.observation import Seen, Verdict

SLIDING = Shape(Window.SLIDING, Unit.REQUESTS, 1.0)


def seen(*decisions: tuple[float, str], tokens: int = 10) -> list[Seen]:
    """Return requests by when they were sent, `+` for those that were admitted."""
    return [
        Seen(
            at_s=at_s,
            answered_at_s=at_s + 0.01,
            verdict=Verdict.ADMITTED if sign == "+" else Verdict.REFUSED,
            tokens=tokens,
        )
        for at_s, sign in decisions
    ]


TWO_A_SECOND = seen((0.0, "+"), (0.4, "+"), (0.5, "-"), (0.9, "-"), (1.1, "+"), (1.2, "-"), (1.5, "+"))


@pytest.mark.parametrize(
    ("shape", "least", "unexplained"),
    [
        (SLIDING, 2, 0),
        (Shape(Window.SLIDING, Unit.REQUESTS, 2.0), 4, 3),
        (Shape(Window.SLIDING, Unit.REQUESTS, 0.5), 2, 2),
        (Shape(Window.FIXED, Unit.REQUESTS, 1.0, phase_s=0.0), 2, 1),
        (Shape(Window.FIXED, Unit.REQUESTS, 1.0, phase_s=0.45), 2, 3),
        (Shape(Window.BUCKET, Unit.REQUESTS, refill_per_s=2.0), 1, 0),
        (Shape(Window.SLIDING, Unit.REQUESTS, 1.0, refused_count=True), 4, 2),
    ],
)
def test_the_least_limit_that_admits_all_must_refuse_the_rest(shape: Shape, least: int, unexplained: int):
    found = fit(shape, TWO_A_SECOND, 0.001)
    assert (found.least, found.unexplained, found.refusals) == (least, unexplained, 3)


def test_tokens_are_counted_with_those_of_the_request_itself():
    found = fit(Shape(Window.SLIDING, Unit.TOKENS, 1.0), TWO_A_SECOND, 0.001)
    assert found == Fit(Shape(Window.SLIDING, Unit.TOKENS, 1.0), least=20, most=29, unexplained=0, refusals=3)


def test_what_is_near_the_edge_of_a_window_counts_in_favour_of_the_limit():
    decisions = seen((0.0, "+"), (0.99, "+"), (1.98, "+"), (2.99, "-"))
    assert fit(Shape(Window.SLIDING, Unit.REQUESTS, 1.0), decisions, 0.001).unexplained == 1
    assert fit(Shape(Window.SLIDING, Unit.REQUESTS, 1.0), decisions, 0.02).unexplained == 0


def test_a_boundary_is_known_to_the_tries_around_it():
    decisions = seen((0.9, "-"), (1.1, "+"), (1.2, "+"), (1.3, "-"), (2.05, "+"), (2.4, "+"), (2.5, "-"))
    found = fit(Shape(Window.FIXED, Unit.REQUESTS, 1.0, phase_s=1.0, phase_error_s=0.1), decisions, 0.01)
    assert (found.least, found.unexplained) == (2, 1)
