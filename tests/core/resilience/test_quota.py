from collections import deque
from fractions import Fraction
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relayload.core.resilience.limit import Limit, Reservation, Unit
from relayload.core.resilience.quota import Quota

REQUESTS, TOKENS = Unit.REQUESTS, Unit.TOKENS

# Amounts and times are such that floats hold every instant exactly: no assertion here needs a tolerance.
POWERS = st.sampled_from([1, 2, 4, 8, 16])
LIMITS = st.lists(
    st.one_of(
        st.builds(Limit, POWERS, st.sampled_from([1.0, 4.0]), st.just(REQUESTS), st.sampled_from([1, 1, 2, 5, 40])),
        st.builds(Limit, POWERS, st.sampled_from([1.0, 4.0]), st.just(TOKENS), st.sampled_from([1, 1, 3, 16])),
    ),
    min_size=1,
    max_size=4,
)
# Gap to the one before in 1/16 s, and tokens: some are more than a whole window may hold.
ARRIVALS = st.lists(st.tuples(st.integers(0, 12), st.integers(0, 20)), min_size=1, max_size=30)


def quota(*limits: Limit) -> Quota:
    return Quota(limits, guard_s=0.0)


def starts(of: Quota, *arrivals: tuple[float, int]) -> list[float]:
    return [of.reserve(tokens, now_s).start_at_s for now_s, tokens in arrivals]


def arrived(arrivals: list[tuple[int, int]]) -> list[tuple[float, int]]:
    at, found = 0, []
    for gap, tokens in arrivals:
        at += gap
        found.append((at / 16, tokens))
    return found


def weight(limit: Limit, tokens: int) -> int:
    return tokens if limit.unit is TOKENS else 1


def fullest(limit: Limit, started: list[tuple[float, int]]) -> list[list[int]]:
    """The weights in every window (t, t + per_s] that begins just before a start."""
    return [
        [weight(limit, tokens) for at_s, tokens in started if first_s <= at_s < first_s + limit.per_s]
        for first_s, _ in started
    ]


def holds(limit: Limit, started: list[tuple[float, int]]) -> bool:
    """No window holds more than the limit, unless it is one request alone."""
    return all(sum(window) <= limit.amount or sum(window) == max(window) for window in fullest(limit, started))


def earliest(limits: list[Limit], before: list[tuple[Fraction, int]], tokens: int, now_s: float) -> Fraction:
    """The first instant that keeps the order and every limit, by looking at all starts before."""
    instant = max([Fraction(now_s), *(at_s for at_s, _ in before)])
    for limit in limits:
        spacing_s = Fraction(limit.per_s) / limit.amount
        charged = [(at_s, weight(limit, each)) for at_s, each in before]
        own = weight(limit, tokens)
        for place, (at_s, _) in enumerate(charged):
            drained_at_s = at_s + sum(each for _, each in charged[place:]) * spacing_s
            instant = max(instant, drained_at_s - max(0, limit.burst - own) * spacing_s)
    for limit in limits:
        charged = [(at_s, weight(limit, each)) for at_s, each in before]
        room = max(0, limit.amount - weight(limit, tokens))
        if limit.unit is TOKENS or limit.burst > 1:
            ways = [instant, *(at_s + Fraction(limit.per_s) for at_s, _ in charged)]
            instant = min(
                at
                for at in ways
                if at >= instant and sum(w for at_s, w in charged if at_s + Fraction(limit.per_s) > at) <= room
            )
    return instant


def test_requests_go_evenly_by_default():
    assert starts(quota(Limit(4, 1.0)), *[(10.0, 0)] * 5) == [10.0, 10.25, 10.5, 10.75, 11.0]


def test_a_pause_does_not_save_anything_up():
    assert starts(quota(Limit(4, 1.0)), (0.0, 0), (100.0, 0), (100.0, 0)) == [0.0, 100.0, 100.25]


def test_a_burst_goes_at_once_and_the_window_still_holds_no_more_than_the_limit():
    of = quota(Limit(4, 1.0, burst=3))
    assert starts(of, *[(0.0, 0)] * 6) == [0.0, 0.0, 0.0, 0.25, 1.0, 1.0]


def test_the_strictest_limit_decides_and_all_are_charged_for_its_instant():
    of = quota(Limit(4, 1.0), Limit(8, 60.0, burst=8))
    assert starts(of, *[(0.0, 0)] * 9) == [0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 60.0]
    assert starts(of, (60.0, 0)) == [60.25]


def test_a_request_begins_when_the_tokens_before_it_have_drained():
    of = quota(Limit(1024, 64.0, TOKENS))
    assert starts(of, (0.0, 64), (0.0, 128), (0.0, 1), (0.0, 1)) == [0.0, 4.0, 12.0, 12.0625]


def test_tokens_may_burst_too():
    of = quota(Limit(1024, 64.0, TOKENS, burst=256))
    assert starts(of, *[(0.0, 128)] * 4) == [0.0, 0.0, 8.0, 16.0]


def test_tokens_of_one_window_stay_within_the_limit_where_it_is_no_multiple_of_a_request():
    of = quota(Limit(16, 16.0, TOKENS))
    assert starts(of, *[(0.0, 6)] * 4) == [0.0, 6.0, 16.0, 22.0]


def test_a_request_of_more_tokens_than_the_limit_goes_alone():
    of = quota(Limit(16, 16.0, TOKENS))
    assert starts(of, (0.0, 4), (0.0, 40), (0.0, 1), (100.0, 40)) == [0.0, 16.0, 56.0, 100.0]


def test_who_asks_later_never_starts_earlier_however_small_the_request():
    of = quota(Limit(16, 16.0, TOKENS, burst=16), Limit(100, 1.0, burst=100))
    assert starts(of, (0.0, 16), (0.0, 16), (1.0, 0)) == [0.0, 16.0, 16.0]


def test_the_guard_keeps_windows_that_much_longer():
    of = Quota([Limit(4, 1.0)], guard_s=0.25)
    assert starts(of, *[(0.0, 0)] * 5) == [0.0, 0.3125, 0.625, 0.9375, 1.25]


def test_without_limits_nobody_waits():
    assert starts(quota(), *[(1.0, 100)] * 3) == [1.0, 1.0, 1.0]


def test_the_wait_counts_from_the_instant_of_asking():
    of = quota(Limit(4, 1.0))
    assert [of.reserve(0, now_s).wait_s for now_s in (0.0, 0.125, 2.0)] == [0.0, 0.125, 0.0]


def test_what_was_reserved_and_not_used_comes_back():
    of = quota(Limit(1024, 64.0, TOKENS))
    first = of.reserve(512, 0.0)
    of.settle(first, 64, 1.0)
    assert starts(of, (1.0, 1)) == [4.0]


@pytest.mark.parametrize(("used", "start_s"), [(16, 10.0), (17, 10.0625), (80, 14.0)])
def test_what_was_used_beyond_the_reservation_is_charged_from_then_on(used: int, start_s: float):
    of = quota(Limit(1024, 64.0, TOKENS))
    first = of.reserve(16, 0.0)
    of.settle(first, used, 10.0)
    assert starts(of, (10.0, 1)) == [start_s]


def test_a_usage_beyond_the_limit_is_waited_for_until_it_has_left_the_window():
    of = quota(Limit(16, 16.0, TOKENS, burst=16))
    of.settle(of.reserve(1, 0.0), 17, 0.0)
    assert starts(of, (0.0, 1)) == [16.0]


def test_settling_for_what_was_reserved_changes_nothing():
    of = quota(Limit(16, 16.0, TOKENS))
    of.settle(of.reserve(4, 0.0), 4, 2.0)
    assert starts(of, (2.0, 1)) == [4.0]


def test_cancelling_the_newest_leaves_no_trace():
    of = quota(Limit(1, 60.0), Limit(16, 16.0, TOKENS))
    of.reserve(8, 0.0)
    of.cancel(of.reserve(16, 0.0), 0.0)
    assert starts(of, (0.0, 8), (0.0, 1)) == [60.0, 120.0]
    other = quota(Limit(16, 16.0, TOKENS))
    other.reserve(8, 0.0)
    other.cancel(other.reserve(16, 0.0), 1.0)
    assert starts(other, (1.0, 1)) == [8.0]


def test_cancelling_another_gives_back_its_tokens_but_not_its_place():
    of = quota(Limit(4, 1.0), Limit(1024, 64.0, TOKENS))
    first, *_ = [of.reserve(256, 0.0) for _ in range(3)]
    of.cancel(first, 0.0)
    assert starts(of, (0.0, 1)) == [32.25]
    only_requests = quota(Limit(4, 1.0))
    first, *_ = [only_requests.reserve(0, 0.0) for _ in range(3)]
    only_requests.cancel(first, 0.0)
    assert starts(only_requests, (0.0, 0)) == [0.75]


@pytest.mark.parametrize("first", ["settle", "cancel"])
@pytest.mark.parametrize("second", ["settle", "cancel"])
def test_a_reservation_given_back_twice_raises(first, second):
    of = quota(Limit(4, 1.0))
    reservation = of.reserve(5, 0.0)
    ways = {"settle": lambda: of.settle(reservation, 5, 1.0), "cancel": lambda: of.cancel(reservation, 1.0)}
    ways[first]()
    with pytest.raises(RuntimeError, match="given back twice"):
        ways[second]()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ((0, 1.0), "amount: expected at least 1, got 0"),
        ((1, 0.0), "per_s: expected above 0, got 0.0"),
        ((1, -1.0), "per_s: expected above 0, got -1.0"),
        ((1, 1.0, TOKENS, 0), "burst: expected at least 1, got 0"),
    ],
)
def test_limits_that_make_no_sense_are_refused(wrong, message):
    with pytest.raises(ValueError, match=f"^{message}$"):
        Limit(*wrong)


@given(LIMITS, ARRIVALS)
def test_nobody_waits_longer_or_shorter_than_the_limits_and_the_order_ask_for(limits, arrivals):
    of = quota(*limits)
    before: list[tuple[Fraction, int]] = []
    for now_s, tokens in arrived(arrivals):
        expected = earliest(limits, before, tokens, now_s)
        assert Fraction(of.reserve(tokens, now_s).start_at_s) == expected
        before.append((expected, tokens))


@given(LIMITS, ARRIVALS)
def test_no_sliding_window_holds_more_than_the_limit(limits, arrivals):
    asked = arrived(arrivals)
    begun = starts(quota(*limits), *asked)
    started = [(at_s, tokens) for at_s, (_, tokens) in zip(begun, asked, strict=True)]
    assert begun == sorted(begun)
    assert all(at_s >= now_s for at_s, (now_s, _) in zip(begun, asked, strict=True))
    assert all(holds(limit, started) for limit in limits)


# Gap in 1/16 s, what is done, tokens of a reservation, which of those out is given back, and the share that was used.
STEPS = st.lists(
    st.tuples(
        st.integers(0, 6),
        st.sampled_from(["reserve", "reserve", "settle", "settle", "cancel"]),
        st.integers(0, 20),
        st.integers(0, 1000),
        st.integers(0, 4),
    ),
    max_size=60,
)


@given(LIMITS, STEPS)
def test_no_window_of_real_usage_holds_more_than_the_limit_in_whatever_order_calls_end(limits, steps):
    of, now_s = quota(*limits), 0.0
    out: list[Reservation] = []
    used: dict[int, tuple[Reservation, int]] = {}
    for gap, way, tokens, which, quarters in steps:
        now_s += gap / 16
        if way == "reserve":
            out.append(of.reserve(tokens, now_s))
            used[id(out[-1])] = (out[-1], tokens)
        elif out:
            reservation = out.pop(which % len(out))
            if way == "cancel":
                of.cancel(reservation, now_s)
                del used[id(reservation)]
            else:
                real = reservation.tokens * quarters // 4
                of.settle(reservation, real, now_s)
                used[id(reservation)] = (reservation, real)
    started = [(reservation.start_at_s, real) for reservation, real in used.values()]
    assert [at_s for at_s, _ in started] == sorted(at_s for at_s, _ in started)
    assert all(holds(limit, started) for limit in limits)
    for limit in limits:
        if limit.unit is REQUESTS and limit.burst == 1:
            assert all(later - at >= limit.per_s / limit.amount for (at, _), (later, _) in pairwise(started))


@given(LIMITS, ARRIVALS, st.lists(st.tuples(st.integers(0, 29), st.integers(0, 20)), max_size=8))
def test_reservations_cancelled_at_once_change_nothing_for_the_others(limits, arrivals, looks):
    plain, looked = quota(*limits), quota(*limits)
    for number, (now_s, tokens) in enumerate(arrived(arrivals)):
        for _, more in [look for look in looks if look[0] == number]:
            looked.cancel(looked.reserve(more, now_s), now_s)
        assert looked.reserve(tokens, now_s).start_at_s == plain.reserve(tokens, now_s).start_at_s


@given(
    amount=st.integers(1, 8),
    interval_ms=st.sampled_from([100, 1000]),
    gaps_ms=st.lists(st.integers(0, 300), min_size=1, max_size=40),
)
def test_pyrate_limiter_lets_in_what_starts_and_would_not_have_earlier(amount, interval_ms, gaps_ms):
    pyrate = pytest.importorskip("pyrate_limiter")
    # its window is closed at both ends, ours open at the old one; with so large a burst the window alone decides
    bucket = pyrate.InMemoryBucket([pyrate.Rate(amount, interval_ms - 1)])
    of, now_ms = quota(Limit(amount, interval_ms / 1000, burst=amount)), 0
    last_ms = 0
    for gap_ms in gaps_ms:
        now_ms += gap_ms
        start_ms = of.reserve(0, now_ms / 1000).start_at_s * 1000
        assert start_ms == pytest.approx(round(start_ms), abs=1e-6)
        start_ms = round(start_ms)
        if start_ms > max(now_ms, last_ms):
            assert not bucket.put(pyrate.RateItem("earlier", start_ms - 1))
        assert bucket.put(pyrate.RateItem("then", start_ms))
        last_ms = start_ms


@pytest.mark.parametrize("callers", [1, 10, 1000])
def test_two_thousand_a_second_are_granted_exactly_from_one_caller_to_a_thousand(callers):
    of = quota(Limit(2000, 1.0))
    asks_at_s = [0.0] * callers
    begun = []
    for number in range(20_001):
        reservation = of.reserve(0, asks_at_s[number % callers])
        asks_at_s[number % callers] = reservation.start_at_s
        begun.append(reservation.start_at_s)
    assert begun[-1] == pytest.approx(10.0, abs=1e-9)
    assert min(later - at for at, later in pairwise(begun)) == pytest.approx(0.0005, abs=1e-9)


@pytest.mark.parametrize("count", [200_000, pytest.param(5_000_000, marks=pytest.mark.slow)])
def test_so_many_reservations_never_exceed_their_limits_and_use_them_up(count):
    per_minute = 30_000_000
    of, rng = quota(Limit(2000, 1.0), Limit(per_minute, 60.0, TOKENS, burst=8000)), Random(7)
    flying: deque[Reservation] = deque()
    window: deque[Reservation] = deque()
    at_s, in_window, most = 0.0, 0, 0
    for _ in range(count):
        flying.append(of.reserve(800, at_s))
        at_s = flying[-1].start_at_s
        if len(flying) > 500:
            ended = flying.popleft()
            of.settle(ended, rng.randrange(801), at_s)
            window.append(ended)
            in_window += ended.tokens
            while window[0].start_at_s <= ended.start_at_s - 60.0:
                in_window -= window.popleft().tokens
            most = max(most, in_window)
    assert most <= per_minute
    assert 400 * count / at_s == pytest.approx(per_minute / 60, rel=0.01)


def test_a_quota_forgets_what_has_left_its_windows():
    of = quota(Limit(100, 1.0, TOKENS), Limit(10, 1.0, burst=10))
    for number in range(5000):
        of.settle(of.reserve(10, number / 10), 5, number / 10)
    assert all(len(meter._in_window) <= 10 for meter in of._meters)


def test_a_smaller_part_spaces_later_calls_and_leaves_those_that_have_their_instants():
    of = quota(Limit(10, 1.0))
    assert [of.reserve(1, 0.0).start_at_s for _ in range(3)] == pytest.approx([0.0, 0.1, 0.2])
    assert of.last_start_s == pytest.approx(0.2)
    of.resize([5])
    assert [of.reserve(1, 0.0).start_at_s for _ in range(2)] == pytest.approx([0.3, 0.5])
    of.resize([10])
    assert [of.reserve(1, 0.0).start_at_s for _ in range(2)] == pytest.approx([0.7, 0.8])


def test_a_part_has_its_part_of_the_burst():
    of = quota(Limit(10, 1.0, burst=4))
    of.resize([5])
    assert [of.reserve(1, 0.0).start_at_s for _ in range(3)] == pytest.approx([0.0, 0.0, 0.2])


@given(st.lists(st.tuples(st.floats(0.0, 0.5), st.integers(1, 10)), min_size=1, max_size=80))
def test_a_quota_that_is_resized_keeps_to_the_largest_part_of_a_window(steps):
    of, now_s, starts, sizes = quota(Limit(10, 1.0)), 0.0, [], [(0.0, 10)]
    for wait_s, amount in steps:
        now_s += wait_s
        of.resize([amount])
        sizes.append((max(now_s, of.last_start_s), amount))
        starts.append(of.reserve(1, now_s).start_at_s)
    for start_s in starts:
        within = [at_s for at_s in starts if start_s - 1.0 < at_s <= start_s]
        before = [amount for at_s, amount in sizes if at_s <= start_s - 1.0]
        during = [amount for at_s, amount in sizes if start_s - 1.0 < at_s <= start_s]
        assert len(within) <= max([*before[-1:], *during])


def test_a_limit_of_tokens_has_a_name_of_its_own() -> None:
    assert Limit.tokens(200_000, 60.0, burst=10) == Limit(200_000, 60.0, Unit.TOKENS, 10)
