import pytest
from hypothesis import given
from hypothesis import strategies as st
from simulated_relays import Queue, requests

from relayload.core.capacity.littles_law import in_flight


def every(gap_s: float, latency_s: float, until_s: float) -> tuple[list[float], list[float]]:
    due_at_s = [number * gap_s for number in range(int(until_s / gap_s))]
    return due_at_s, [latency_s] * len(due_at_s)


def test_a_steady_load_keeps_the_law():
    found = in_flight([every(0.5, 0.75, 100.0)], 10.0, 90.0)
    assert found is not None
    assert found.mean == pytest.approx(1.5)
    assert found.ended_per_s == pytest.approx(2.0)
    assert found.mean_latency_s == pytest.approx(0.75)
    assert (found.deviation, found.beyond, found.inexact) == (pytest.approx(0.0, abs=1e-9), False, False)


def test_what_began_before_the_span_was_in_flight_in_it():
    found = in_flight([([0.0], [15.0])], 10.0, 20.0)
    assert found is not None
    assert (found.mean, found.ended_per_s, found.mean_latency_s) == (0.5, 0.1, 15.0)
    assert found.deviation == pytest.approx(2.0)
    assert found.inexact


def test_what_lies_outside_of_the_span_does_not_count():
    inside = ([12.0, 14.0], [1.0, 1.0])
    outside = ([0.0, 20.0, 9.0], [10.0, 1.0, 1.0])
    assert in_flight([inside, outside], 10.0, 20.0) == in_flight([inside], 10.0, 20.0)


def test_a_backlog_that_grows_breaks_the_law():
    due_at_s = [number / 10 for number in range(600)]
    found = in_flight([(due_at_s, [0.5 + at_s / 2 for at_s in due_at_s])], 10.0, 60.0)
    assert found is not None
    assert (found.beyond, found.grew) == (True, True)
    assert found.deviation < -0.2


def test_a_span_of_few_latencies_is_inexact_and_no_deviation():
    found = in_flight([every(1.0, 4.5, 100.0)], 50.0, 60.0)
    assert found is not None
    assert (found.beyond, found.inexact) == (False, True)


def test_requests_without_a_record_make_it_inexact():
    assert not getattr(in_flight([every(0.1, 0.5, 100.0)], 10.0, 90.0), "inexact", None)
    found = in_flight([every(0.1, 0.5, 100.0)], 10.0, 90.0, without_record=3)
    assert found is not None
    assert (found.inexact, found.without_record) == (True, 3)


@pytest.mark.parametrize("requests", [[], [([0.0], [200.0])], [([5.0], [1.0])]])
def test_without_an_end_in_the_span_there_is_nothing_to_check(requests):
    assert in_flight(requests, 10.0, 90.0) is None


@given(st.lists(st.tuples(st.floats(10.0, 80.0), st.floats(0.01, 10.0)), min_size=1, max_size=50))
def test_the_law_is_exact_for_requests_within_the_span(requests: list[tuple[float, float]]):
    due_at_s, latency_s = zip(*requests, strict=True)
    found = in_flight([(due_at_s, latency_s)], 10.0, 90.5)
    assert found is not None
    assert found.ended_per_s * found.mean_latency_s == pytest.approx(found.mean)
    assert (found.deviation, found.by_chance) == (pytest.approx(0.0, abs=1e-9), 0.0)


@given(st.lists(st.tuples(st.floats(0.0, 90.0), st.floats(0.01, 30.0)), min_size=1, max_size=40), st.floats(20.0, 60.0))
def test_what_is_in_flight_adds_up_over_spans(requests: list[tuple[float, float]], cut_s: float):
    due_at_s, latency_s = zip(*requests, strict=True)
    always = ([0.0] * 3, [10.0, cut_s, 100.0])  # one ends in either span, so that both are measured
    groups = [(due_at_s, latency_s), always]
    whole, first, second = (in_flight(groups, *span) for span in ((0.0, 100.0), (0.0, cut_s), (cut_s, 100.0)))
    assert whole is not None
    assert first is not None
    assert second is not None
    assert whole.mean * 100 == pytest.approx(first.mean * cut_s + second.mean * (100 - cut_s))


@pytest.mark.parametrize(("load", "beyond"), [(0.3, False), (0.7, False), (1.3, True)])
def test_a_queue_keeps_the_law_below_its_saturation_alone(load: float, beyond: bool):
    queue = Queue(8, 0.5, sigma=0.7)
    for seed in range(10):
        sent = list(requests(queue, load * queue.saturation_per_s, 160.0, seed))
        found = in_flight([([one.at_s for one in sent], [one.service_s for one in sent])], 20.0, 140.0)
        assert found is not None
        assert (found.beyond, found.grew) == (beyond, beyond)
