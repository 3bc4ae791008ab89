import random
from collections.abc import Iterator
from itertools import pairwise

import pytest
from msgspec.structs import replace

from relayload.core.errors import AuthorError, Fault
from relayload.core.traffic.arrivals import Arrival, schedule
from relayload.core.traffic.limits import LIMIT_GUARD_S, Limits
from relayload.core.traffic.process import POISSON
from relayload.core.traffic.slack import with_slack
from relayload.core.traffic.stages import Stage


def _every(interval_s: float, count: int) -> list[Arrival]:
    return [Arrival(index, index * interval_s, 0, 0) for index in range(count)]


def _slack_s(arrivals: list[Arrival], limits: Limits) -> list[float]:
    return [arrival.slack_s for arrival in with_slack(arrivals, limits)]


def test_an_arrival_may_be_as_late_as_the_limit_leaves_room():
    """Ten a second are allowed and five come: the tenth after each is due two seconds later."""
    slack_s = _slack_s(_every(0.2, 12), Limits(per_second=10))
    assert slack_s[:2] == pytest.approx([1.0, 1.0])
    assert slack_s[2:] == [float("inf")] * 10


def test_the_tighter_of_two_limits_decides():
    slack_s = _slack_s(_every(0.5, 200), Limits(per_second=5, per_minute=121))
    assert slack_s[0] == pytest.approx(0.5)
    assert _slack_s(_every(0.5, 200), Limits(per_second=50, per_minute=121))[0] == pytest.approx(0.5)


def test_without_limits_there_is_no_end_of_it():
    assert _slack_s(_every(0.5, 3), Limits()) == [float("inf")] * 3


def test_a_schedule_that_a_limit_holds_back_leaves_the_guard_alone():
    limits = Limits(per_second=5)
    held = list(with_slack(schedule([Stage("s", 10.0, 20.0)], limits, POISSON, [1.0], seed=1), limits))
    assert min(arrival.slack_s for arrival in held) == pytest.approx(LIMIT_GUARD_S)


def test_copies_of_an_arrival_count_as_one():
    copies = [replace(arrival, target=target) for arrival in _every(0.2, 12) for target in (0, 1)]
    assert _slack_s(copies, Limits(per_second=10))[:4] == pytest.approx([1.0] * 4)


def test_what_comes_before_an_unreadable_row_is_sent_first():
    def rows() -> Iterator[Arrival]:
        yield from _every(0.1, 3)
        raise AuthorError([Fault("a bad row")])

    slack = with_slack(rows(), Limits(per_second=50))
    assert [next(slack).index for _ in range(3)] == [0, 1, 2]
    with pytest.raises(AuthorError, match="a bad row"):
        next(slack)


@pytest.mark.parametrize("seed", range(20))
def test_no_window_holds_more_than_its_limit_however_late_starts_are(seed: int):
    rng = random.Random(seed)
    limits = Limits(per_second=rng.randint(2, 12), per_minute=rng.randint(60, 400))
    planned = schedule([Stage("s", 150.0, rng.uniform(1, 9))], limits, POISSON, [1.0], seed)
    starts = sorted(
        arrival.intended_at_s + min(arrival.slack_s, 20.0) * rng.choice((0.0, rng.random(), 0.999999))
        for arrival in with_slack(planned, limits)
    )
    for window_s, most in limits.windows:
        assert all(later - earlier >= window_s for earlier, later in zip(starts, starts[most:], strict=False))
    assert all(earlier <= later for earlier, later in pairwise(starts))
