import pytest

from relayload.core.results.binomial import share_bounds
from relayload.core.results.terms import Terms
from relayload.core.verdict.grammar import parse, with_terms
from relayload.core.verdict.looks import Looks, Moment
from relayload.core.verdict.objective import Objective
from relayload.core.verdict.tally import Slot, Tally


def _objective(limit: float, **terms) -> Objective:
    return with_terms(parse(f"errors.rate < {limit * 100:.6f}%"), Terms(abort=True, **terms))


def _moment(windows: int = 1, in_flight: int = 0) -> Moment:
    return Moment(now_s=100.0, in_flight=in_flight, windows=windows, without={"errors": set()})


def _add(looks: Looks, k: int, n: int, window: int = 0, second: int = 0) -> None:
    """Requests that were due in one second each, so that each is worth one."""
    for number in range(n):
        looks.add(Tally(objective=0, slot=Slot(window, second + number, "chat"), n=1, k=int(number % 10 < k * 10 // n)))


@pytest.mark.parametrize(("look", "before"), [(1, ()), (2, (25,)), (3, (25, 5))])
def test_each_look_spends_less_of_the_confidence(look: int, before: tuple[int, ...]):
    """The j-th has 1 / j(j + 1) of what is left of it; those before find nothing, as nothing had failed."""
    low = share_bounds(10, 100 + sum(before), 1 - 0.05 / (look * (look + 1)))[0]
    for limit, found in ((low * 0.999, True), (low * 1.001, False)):
        looks = Looks(_objective(limit))
        for number, n in enumerate(before):
            _add(looks, 0, n, second=100 * number)
            assert looks.reason(_moment()) is None
        _add(looks, 10, 100, second=1000)
        assert (looks.reason(_moment()) is not None) is found


def test_a_sample_is_looked_at_again_once_it_has_grown_by_a_twentieth():
    looks = Looks(_objective(0.05))
    _add(looks, 0, 100)
    assert looks.reason(_moment()) is None
    for number in range(4):
        looks.add(Tally(objective=0, slot=Slot(0, 200 + number, "chat"), n=1, k=1))
        assert looks.reason(_moment()) is None
    _add(looks, 100, 100, second=300)
    assert looks.reason(_moment()) == "104 of 204 were beyond the limit, 5% may"


def test_a_window_that_was_broken_is_held_to_what_came_in_since():
    looks = Looks(_objective(0.05, over_s=100.0, for_windows=2))
    _add(looks, 20, 100, window=0)
    assert looks.reason(_moment(windows=1)) is None
    for _ in range(300):
        looks.add(Tally(objective=0, slot=Slot(0, 5, "chat"), n=1))
    _add(looks, 20, 100, window=1)
    assert looks.reason(_moment(windows=2)) is None


def test_looking_once_finds_what_is_at_the_confidence_asked_for():
    low = share_bounds(10, 100, 0.95)[0]
    for limit, found in ((low * 0.999, True), (low * 1.001, False)):
        looks = Looks(_objective(limit))
        _add(looks, 10, 100)
        assert (looks.breach(_moment()) is not None) is found
        assert looks.reason(_moment()) is None


@pytest.mark.parametrize(
    ("text", "k", "n", "broken"),
    [
        ("errors.rate == 0%", 1, 40, True),
        ("errors.rate == 0%", 0, 40, False),
        ("errors.rate == 10%", 2, 20, False),
        ("retries.rate < 150%", 40, 20, True),
        ("retries.rate < 250%", 40, 20, False),
    ],
)
def test_rates_that_are_no_shares_are_compared_in_the_end(text: str, k: int, n: int, broken: bool):
    objective = with_terms(parse(text), Terms(abort=True))
    looks = Looks(objective)
    looks.add(Tally(objective=0, slot=Slot(0, 0, "chat"), n=n, k=k))
    moment = Moment(now_s=1.0, in_flight=0, windows=1, without={objective.metric: set()})
    assert (looks.breach(moment) is not None) is broken


def test_a_window_that_is_not_over_costs_no_look():
    low = share_bounds(10, 130, 1 - 0.05 / 2)[0]
    looks = Looks(_objective(low * 0.999, over_s=200.0))
    _add(looks, 0, 30)
    assert looks.reason(_moment(windows=0)) is None
    _add(looks, 10, 100, second=100)
    assert looks.reason(_moment(windows=0)) is None
    assert looks.reason(_moment(windows=1)) is not None


def test_more_retries_than_requests_prove_nothing_where_so_many_may_be():
    for limit, reason in (("90%", "40 of 20, 90% may"), ("150%", None)):
        looks = Looks(with_terms(parse(f"retries.rate < {limit}"), Terms(abort=True)))
        looks.add(Tally(objective=0, slot=Slot(0, 0, "chat"), n=20, k=40))
        assert looks.reason(Moment(now_s=1.0, in_flight=0, windows=1, without={"retries": set()})) == reason


def test_gaps_are_taken_together_as_a_recording_of_that_length_has_them():
    """All of every fourth second are long: by seconds they are correlated, four by four they are not."""
    looks = Looks(with_terms(parse("chunk_gap.p77 < 1s"), Terms(abort=True)))
    for second in range(200):
        looks.add(Tally(objective=0, slot=Slot(0, second, "chat"), n=10, k=0 if second % 4 else 10))
    broken = [
        looks.breach(Moment(now_s=now_s, in_flight=0, windows=1, without={"chunk_gap": set()})) is not None
        for now_s in (100.0, 300.0)
    ]
    assert broken == [False, True]
