from heapq import heapify, heappop, heappush
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relayload.core.resilience.header_quota import HeaderQuota
from relayload.core.resilience.quota import Quota

Told = tuple[int | None, float | None]
"""How many remain, and for how many seconds."""


def told(quota: HeaderQuota, *, now_s: float = 0.0, requests: Told = (None, None), tokens: Told = (None, None)) -> None:
    """The relay's answer to a call that is made for it and costs no time."""
    quota.observe(quota.reserve(0, now_s), *requests, *tokens, now_s)


def starts(quota: HeaderQuota, now_s: float, count: int, tokens: int = 0) -> list[float]:
    return [quota.reserve(tokens, now_s).start_at_s for _ in range(count)]


def test_before_the_first_answer_calls_go_at_once():
    assert starts(HeaderQuota(), 5.0, 1000, tokens=1_000_000) == [5.0] * 1000


@pytest.mark.parametrize("requests", [(None, None), (None, 1.0), (0, None)])
def test_an_answer_that_does_not_tell_both_what_remains_and_until_when_holds_nobody_back(requests):
    quota = HeaderQuota()
    told(quota, requests=requests)
    assert starts(quota, 1.0, 3) == [1.0] * 3


def test_calls_go_at_once_as_long_as_something_remains_and_then_wait_in_line_for_the_reset():
    quota = HeaderQuota()
    told(quota, requests=(20, 60.0))
    assert starts(quota, 1.0, 20) == [1.0] * 20
    assert starts(quota, 2.0, 4) == [60.0, 63.0, 66.0, 69.0]


def test_the_line_is_spread_by_the_most_that_ever_remained_over_the_longest_reset():
    quota = HeaderQuota()
    told(quota, requests=(100, 50.0))
    told(quota, now_s=49.0, requests=(0, 1.0))
    assert starts(quota, 49.0, 3) == [50.0, 50.5, 51.0]


def test_the_line_moves_one_a_second_while_the_relay_has_only_told_that_nothing_remains():
    quota = HeaderQuota()
    told(quota, requests=(0, 20.0))
    assert starts(quota, 1.0, 3) == [20.0, 21.0, 22.0]


def test_tokens_are_followed_by_their_number():
    quota = HeaderQuota()
    told(quota, tokens=(1000, 10.0))
    assert starts(quota, 1.0, 2, tokens=400) == [1.0, 1.0]
    assert starts(quota, 1.0, 2, tokens=400) == [10.0, 14.0]


def test_a_small_request_does_not_overtake_a_large_one():
    quota = HeaderQuota()
    told(quota, tokens=(1000, 10.0))
    assert [*starts(quota, 1.0, 1, tokens=2000), *starts(quota, 1.0, 1, tokens=1)] == [10.0, 30.0]


def test_who_waits_for_tokens_until_after_the_reset_of_requests_also_keeps_to_their_line():
    quota = HeaderQuota()
    told(quota, requests=(10, 5.0), tokens=(100, 10.0))
    assert starts(quota, 0.0, 3, tokens=100) == [0.0, 10.0, 20.0]


def test_after_a_reset_calls_are_spread_until_the_relay_has_told_again():
    quota = HeaderQuota()
    told(quota, requests=(100, 10.0))
    first, *rest = [quota.reserve(0, 20.0) for _ in range(4)]
    assert [place.start_at_s for place in (first, *rest)] == pytest.approx([20.0, 20.1, 20.2, 20.3])
    quota.observe(first, 99, 10.0, None, None, 20.5)
    assert starts(quota, 20.5, 96) == [20.5] * 96
    assert starts(quota, 20.5, 1) == [30.5]


def test_who_asks_while_others_wait_joins_the_line_and_not_its_last_place():
    quota = HeaderQuota()
    told(quota, requests=(100, 10.0))
    assert starts(quota, 0.0, 100) == [0.0] * 100
    waiting = [quota.reserve(0, 1.0) for _ in range(5)]
    quota.observe(waiting[0], 99, 10.0, None, None, 10.05)
    assert starts(quota, 10.05, 2) == pytest.approx([10.5, 10.6])


def test_what_was_sent_after_the_answered_call_is_taken_off():
    quota = HeaderQuota()
    first, *_ = [quota.reserve(50, 0.0) for _ in range(8)]
    quota.observe(first, 10, 60.0, 1000, 60.0, 0.5)
    assert starts(quota, 0.5, 3) == [0.5] * 3
    assert starts(quota, 0.5, 1) == [60.5]


def test_an_answer_that_was_overtaken_tells_nothing_new():
    quota = HeaderQuota()
    first, second = quota.reserve(0, 0.0), quota.reserve(0, 0.0)
    quota.observe(second, 0, 30.0, None, None, 1.0)
    quota.observe(first, 1000, 60.0, None, None, 2.0)
    assert starts(quota, 2.0, 1) == [31.0]


def test_usage_beyond_the_estimate_is_taken_off_and_less_is_not_given_back():
    quota = HeaderQuota()
    told(quota, tokens=(1000, 10.0))
    more, less = quota.reserve(100, 0.0), quota.reserve(100, 0.0)
    quota.settle(less, 0, 1.0)
    quota.settle(more, 400, 1.0)
    assert starts(quota, 1.0, 2, tokens=500) == [1.0, 10.0]


def test_cancelling_the_newest_leaves_no_trace():
    quota = HeaderQuota()
    told(quota, requests=(2, 10.0), tokens=(100, 10.0))
    for tokens in (50, 500):
        quota.cancel(quota.reserve(tokens, 0.0), 0.0)
    assert starts(quota, 0.0, 3, tokens=50) == [0.0, 0.0, 10.0]


def test_what_else_is_cancelled_stays_taken_off_until_a_later_call_is_answered():
    quota = HeaderQuota()
    told(quota, requests=(3, 10.0))
    cancelled, answered = quota.reserve(0, 0.0), quota.reserve(0, 0.0)
    quota.cancel(cancelled, 0.0)
    assert starts(quota, 0.0, 2) == [0.0, 10.0]
    quota.observe(answered, 2, 10.0, None, None, 1.0)
    assert quota.reserve(0, 20.0).start_at_s == 20.0


def test_a_reservation_given_back_twice_raises():
    quota = HeaderQuota()
    place = quota.reserve(0, 0.0)
    quota.settle(place, 0, 1.0)
    with pytest.raises(RuntimeError, match="given back twice"):
        quota.cancel(place, 1.0)


def test_a_reservation_of_another_quota_is_refused():
    with pytest.raises(AssertionError, match="of another quota"):
        HeaderQuota().observe(Quota([]).reserve(0, 0.0), 1, 1.0, 1, 1.0, 0.0)


class Relay:
    """A relay of fixed windows, which tells what remains."""

    def __init__(self, limit: int, window_s: float) -> None:
        self.limit, self.window_s = limit, window_s
        self.window, self.used = -1, 0
        self.refused: list[float] = []

    def answer(self, now_s: float) -> tuple[int, float]:
        window = int(now_s // self.window_s)
        if window != self.window:
            self.window, self.used = window, 0
        if self.used == self.limit:
            self.refused.append(now_s)
        else:
            self.used += 1
        return self.limit - self.used, (window + 1) * self.window_s - now_s


def drive(relay: Relay, callers: int, until_s: float, service_s: float) -> list[float]:
    """Callers that call again as soon as they are answered; when their calls started."""
    quota = HeaderQuota()
    begun: list[float] = []
    events: list[tuple[float, int, Any]] = [(0.0, caller, None) for caller in range(callers)]
    heapify(events)
    number = callers
    while events[0][0] < until_s:
        now_s, _, going = heappop(events)
        number += 1
        if going is None:
            place = quota.reserve(0, now_s)
            heappush(events, (place.start_at_s, number, (place, None)))
        elif going[1] is None:
            begun.append(now_s)
            heappush(events, (now_s + service_s, number, (going[0], (*relay.answer(now_s), now_s))))
        else:
            place, (remaining, reset_s, answered_at_s) = going
            quota.observe(place, remaining, reset_s, None, None, answered_at_s)
            quota.settle(place, 0, now_s)
            heappush(events, (now_s, number, None))
    return begun


@pytest.mark.parametrize("callers", [1, 10, 50])
def test_a_relay_that_tells_is_used_up_and_has_nothing_to_refuse(callers):
    relay = Relay(limit=100, window_s=10.0)
    begun = drive(relay, callers, until_s=100.0, service_s=0.05)
    assert relay.refused == []
    assert len(begun) >= 0.9 * 100 * 10


def test_more_callers_than_the_limit_are_refused_once_and_never_again():
    relay = Relay(limit=100, window_s=10.0)
    drive(relay, 300, until_s=100.0, service_s=0.05)
    assert len(relay.refused) == 200
    assert max(relay.refused) == 0.0


def test_there_is_no_herd_at_the_reset():
    relay = Relay(limit=100, window_s=10.0)
    begun = drive(relay, 50, until_s=60.0, service_s=0.05)
    for reset_at_s in (10.0, 20.0, 30.0, 40.0, 50.0):
        after_s = [at_s - reset_at_s for at_s in begun if reset_at_s <= at_s < reset_at_s + 1.0]
        assert 9 <= len(after_s) <= 11
        assert all(later - earlier >= 0.05 for earlier, later in pairwise(after_s))


@given(
    st.lists(
        st.tuples(
            st.integers(0, 30), st.integers(0, 50), st.integers(0, 20), st.integers(0, 40), st.sampled_from("oscx")
        ),
        max_size=40,
    )
)
def test_starts_are_in_order_and_never_in_the_past_whatever_the_relay_tells(steps):
    quota, now_s, places = HeaderQuota(), 0.0, []
    for gap, tokens, remaining, reset, way in steps:
        now_s += gap / 8
        place = quota.reserve(tokens, now_s)
        assert place.start_at_s >= now_s
        if way == "o":
            quota.observe(place, remaining, reset / 4, remaining * 10, reset / 2, now_s)
        elif way == "s":
            quota.settle(place, tokens * 2, now_s)
        elif way == "c":
            quota.cancel(place, now_s)
        if way != "c":
            places.append(place)
    assert all(one.start_at_s <= other.start_at_s for one, other in pairwise(places))
