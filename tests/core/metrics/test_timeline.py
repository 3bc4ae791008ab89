import pytest

from relayload.core.metrics.fold import Fold
from relayload.core.metrics.timeline import step_s, timeline
from relayload.core.model.record import Outcome


def test_every_second_tells_what_was_due_and_what_ended_in_it(request_line, drop_line, folded):
    lines = [
        request_line(0, intended_at_s=0.2, service_s=0.3),
        request_line(1, intended_at_s=0.9, service_s=0.7),
        request_line(2, intended_at_s=2.0, outcome=Outcome.TIMED_OUT),
        drop_line(3, intended_at_s=2.5),
    ]
    first, second, third = timeline(folded(lines), 1.0)
    assert (first.at_s, first.offered, first.started, first.ok, first.failed) == (0.0, 2, 2, 1, 0)
    assert (first.latency_p50_s, first.latency_p99_s) == pytest.approx((0.301, 0.701))
    assert (first.ttft_p50_s, first.ttft_p99_s) == (0.1, 0.1)
    assert (second.at_s, second.offered, second.ok, second.latency_p50_s) == (1.0, 0, 1, None)
    assert (third.at_s, third.offered, third.started, third.ok, third.failed) == (2.0, 2, 1, 0, 1)


@pytest.mark.parametrize("most_exact", [1000, 1])
def test_the_timeline_goes_on_until_the_last_end(most_exact, request_line, folded):
    lines = [
        request_line(index, intended_at_s=index / 2, late_s=0.0, latency_s=index + 1 - index / 2) for index in range(8)
    ]
    steps = timeline(folded(lines, most_exact=most_exact), 1.0)
    assert [(step.started, step.ok) for step in steps] == [*[(2, 1)] * 4, *[(0, 1)] * 4]


def test_one_end_long_after_a_condensed_run_makes_no_more_steps_than_are_shown(request_line, folded):
    fold = folded([request_line(0), request_line(1, service_s=1e6)], most_exact=1)
    assert step_s(fold) == 512.0
    assert len(timeline(fold, step_s(fold))) == 1954


def test_a_run_without_a_request_has_no_timeline():
    assert timeline(Fold(), 1.0) == ()


@pytest.mark.parametrize(
    ("last_due_at_s", "step"),
    [(0.0, 1.0), (3599.0, 1.0), (3600.0, 10.0), (1e6, 600.0), (1e8, 60_000.0), (1e9, 600_000.0)],
)
def test_a_long_run_is_told_in_longer_steps(last_due_at_s: float, step: float, request_line, folded):
    assert step_s(folded([request_line(0, intended_at_s=last_due_at_s)])) == step
