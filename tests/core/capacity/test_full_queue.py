"""What tells a queue that was full from other failures: how many requests were in flight when one was refused."""

from collections.abc import Sequence

import pytest
from simulated_relays import Queue, Sent, bucket, requests, requests_of_users, sliding

from relayload.core.capacity.full_queue import FullQueue, Span, full_queue

BOUNDED = Queue(10, 0.3, longest_queue=5)


def found(sent: Sequence[Sent], users: int | None = None) -> FullQueue | None:
    spans = [(each.status, Span(each.at_s, each.at_s + each.service_s)) for each in sent]
    taken, refused = ([span for status, span in spans if (status == 200) is ok] for ok in (True, False))
    return full_queue(taken, refused, 60.0, users)


@pytest.mark.parametrize("rate_per_s", [28.0, 40.0, 100.0])
def test_what_a_bounded_queue_refuses_comes_when_it_is_full(rate_per_s):
    queue = found(list(requests(BOUNDED, rate_per_s, 60.0, 1)))
    assert queue is not None
    assert (queue.in_flight, str(queue)) == (15, "a bounded queue refuses more than 15 requests at once")
    assert queue.per_s == pytest.approx(33.3, rel=0.2)


def test_users_beyond_the_queue_are_refused():
    queue = found(list(requests_of_users(BOUNDED, 20, 60.0, 1)), users=20)
    assert queue is not None
    assert queue.in_flight in (15, 16)


@pytest.mark.parametrize("quota", [sliding(20, 1.0), sliding(600, 60.0), bucket(20.0, 40)])
def test_a_quota_refuses_whatever_is_in_flight(quota):
    assert found(list(requests(Queue(64, 0.5, quota=quota), 40.0, 60.0, 1))) is None


def test_failures_by_chance_are_no_queue():
    broken = Queue(64, 1.0, failing=0.1, failing_with=503)
    assert found(list(requests(broken, 30.0, 60.0, 1))) is None
    assert found(list(requests_of_users(broken, 20, 60.0, 1)), users=20) is None


def test_a_few_refusals_tell_nothing():
    assert full_queue([Span(0.0, 10.0)], [Span(5.0, 5.1)] * 7, 10.0) is None
    assert full_queue([], [Span(5.0, 5.1)] * 8, 10.0) is None


def test_a_request_on_its_way_does_not_hide_the_queue():
    late = [Span(second / 10, second / 10 + 1.0) for second in range(600)]  # always ten in flight, or eleven
    refused = [Span(second + 0.01 * (second % 9), second + 0.3) for second in range(2, 60)]
    queue = full_queue(late, refused, 60.0)
    assert queue is not None
    assert queue.in_flight == 10
