import pytest

from relayload.core.metrics.lanes import Phase, lane
from relayload.core.model.record import Attempt, Outcome


def _stretches(record):
    return [(phase, round(begins_s, 6), round(ends_s, 6)) for phase, begins_s, ends_s in lane(record).stretches]


def test_a_streamed_request_has_its_phases_one_after_another(request_line):
    record = request_line(
        5, latency_s=2.0, sent_at_s=5.5, service_s=1.5, send_s=0.1, ttft_s=0.4, dns_s=0.05, connect_s=0.1, tls_s=0.05
    )
    assert _stretches(record) == [
        (Phase.QUEUE, 0.0, 0.3),
        (Phase.CONNECT, 0.3, 0.5),
        (Phase.SEND, 0.5, 0.6),
        (Phase.FIRST_TOKEN, 0.6, 0.9),
        (Phase.DECODE, 0.9, 2.0),
    ]


def test_an_answer_without_a_first_token_is_one_wait(request_line):
    record = request_line(0, latency_s=1.0, sent_at_s=0.0, service_s=1.0, send_s=0.2, ttft_s=None, ttfo_s=None)
    assert _stretches(record) == [(Phase.SEND, 0.0, 0.2), (Phase.ANSWER, 0.2, 1.0)]


def test_earlier_attempts_and_the_waits_between_are_told_apart(request_line):
    failed = Attempt(outcome=Outcome.SERVER_ERROR, sent_at_s=0.1, service_s=0.2)
    record = request_line(0, retried=(failed,), latency_s=2.0, sent_at_s=1.0, service_s=1.0, ttft_s=0.5)
    assert _stretches(record) == [
        (Phase.QUEUE, 0.0, 0.1),
        (Phase.EARLIER, 0.1, 0.3),
        (Phase.QUEUE, 0.3, 1.0),
        (Phase.FIRST_TOKEN, 1.0, 1.5),
        (Phase.DECODE, 1.5, 2.0),
    ]


def test_a_request_without_an_attempt_waited_all_the_time(request_line):
    record = request_line(0, outcome=Outcome.SHORT_CIRCUITED, latency_s=0.5)
    assert _stretches(record) == [(Phase.QUEUE, 0.0, 0.5)]


@pytest.mark.parametrize(
    "odd",
    [
        {"sent_at_s": -3.0, "service_s": 9.0},
        {"sent_at_s": 0.5, "service_s": 100.0, "ttft_s": 50.0},
        {"sent_at_s": 99.0, "service_s": 0.1},
        {"sent_at_s": 0.1, "service_s": 0.2, "connect_s": 7.0},
        {"sent_at_s": None},
    ],
)
def test_phases_fill_the_latency_whatever_was_recorded(request_line, odd):
    drawn = lane(request_line(0, latency_s=1.0, **odd))
    assert drawn.stretches[0].begins_s == 0.0
    assert drawn.stretches[-1].ends_s == 1.0
    for one, following in zip(drawn.stretches, drawn.stretches[1:], strict=False):
        assert one.ends_s == following.begins_s
    assert sum(map(drawn.seconds_in, Phase)) == pytest.approx(1.0)


def test_the_id_is_that_of_the_answering_attempt(request_line):
    failed = Attempt(outcome=Outcome.SERVER_ERROR, request_id="first")
    assert lane(request_line(0, retried=(failed,), request_id="second")).request_id == "second"
    assert lane(request_line(0, outcome=Outcome.SHORT_CIRCUITED)).request_id is None
