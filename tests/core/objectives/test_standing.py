import pytest
from live import LiveRun

from relayload.core.model.objective_options import ObjectiveOptions, TooFew
from relayload.core.model.progress import ObjectiveSoFar, Standing
from relayload.core.model.record import Outcome
from relayload.core.objectives.grammar import parse, with_options
from relayload.core.objectives.so_far import judge_so_far
from relayload.core.objectives.standing import standing


@pytest.fixture
def stands(make_run, request_line):
    """How an objective stands after so many requests, of which the first ones failed."""

    def stands(text: str, n: int, failed: int = 0, **options) -> ObjectiveSoFar:
        objective = with_options(parse(text), ObjectiveOptions(**options))
        live = LiveRun([objective], make_run(ended_at_s=None, ended_by=None))
        live.add(
            request_line(i, intended_at_s=i / 8, **({"outcome": Outcome.TIMED_OUT} if i < failed else {}))
            for i in range(n)
        )
        return standing(objective, judge_so_far(objective, live.so_far, 100.0))

    return stands


@pytest.mark.parametrize(
    ("text", "n", "failed", "wanted", "needs"),
    [
        ("errors.rate < 5%", 0, 0, Standing.UNDECIDED, 20),
        ("errors.rate < 5%", 15, 0, Standing.UNDECIDED, 5),
        ("errors.rate < 5%", 20, 0, Standing.PASSING, None),
        ("errors.rate < 5%", 400, 300, Standing.BROKEN, None),
        ("latency.p99 < 1s", 60, 0, Standing.UNDECIDED, 40),
        ("latency.p50 < 1ms", 200, 0, Standing.BROKEN, None),
        ("errors.count <= 2", 9, 3, Standing.BROKEN, None),
        ("requests.count >= 100", 60, 0, Standing.UNDECIDED, None),
        ("requests.count >= 100", 100, 0, Standing.PASSING, None),
        ("breaker.trips >= 1", 50, 0, Standing.UNDECIDED, None),
    ],
)
def test_an_objective_passes_is_undecided_or_broken_so_far(stands, text, n, failed, wanted, needs):
    found = stands(text, n, failed)
    assert (found.standing, found.needs) == (wanted, needs)


def test_a_proof_takes_more(stands):
    assert stands("errors.rate < 5%", 20, strict=True).needs == 59 - 20


def test_too_few_are_undecided_whatever_the_gate_makes_of_them(stands):
    assert stands("errors.rate < 5%", 15, on_too_few=TooFew.FAIL).needs == 5


def test_windows_need_no_number(stands):
    found = stands("errors.rate < 5%", 4, over_s=10.0)
    assert (found.standing, found.needs) == (Standing.UNDECIDED, None)
