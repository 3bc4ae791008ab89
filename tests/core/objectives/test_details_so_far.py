from decimal import Decimal
from itertools import pairwise

import pytest
from live import LiveRun
from msgspec import structs

from relayload.core.model.progress import BreakerSoFar
from relayload.core.model.record import BreakerState, Outcome
from relayload.core.objectives.details_so_far import details_so_far, would_be_invalid
from relayload.core.objectives.snapshots import MergedSnapshot, SnapshotMaker
from relayload.core.price import Price
from relayload.core.resilience.guard import Caps

CLOSED, OPEN, HALF_OPEN = BreakerState.CLOSED, BreakerState.OPEN, BreakerState.HALF_OPEN


@pytest.fixture
def live(make_run) -> LiveRun:
    prices = {"o3": Price(input=Decimal(1000), output=Decimal(2000))}
    return LiveRun([], make_run(ended_at_s=None, ended_by=None, prices=prices))


def test_failures_are_told_by_kind_the_worst_first(live, request_line):
    kinds = [(f"kind{number}", count) for number, count in enumerate((5, 40, 1, 1, 1, 1, 1, 1, 1, 1))]
    live.add(request_line(0, outcome=Outcome.TIMED_OUT, error=kind) for kind, count in kinds for _ in range(count))
    live.add([request_line(1), request_line(2, outcome=Outcome.CANCELLED)])
    failures = details_so_far(live.so_far, Caps(), ()).failures
    assert list(failures.items())[:2] == [("timed_out (kind1)", 40), ("timed_out (kind0)", 5)]
    assert list(failures.items())[8:] == [("of 2 more kinds", 2)]


def test_spend_stands_beside_its_cap(live, request_line):
    assert details_so_far(live.so_far, Caps(), ()).usd is None
    live.add([request_line(0)])
    details = details_so_far(live.so_far, Caps(requests=7, usd=Decimal(5)), ())
    assert details.usd is not None
    assert details.usd > 0
    assert (details.max_usd, details.max_requests) == (Decimal(5), 7)


def test_a_breaker_is_in_its_latest_state_at_each_worker(make_run, breaker_line):
    run = make_run()
    merged = MergedSnapshot([], run)
    for worker, states in enumerate([(CLOSED, OPEN, HALF_OPEN), (CLOSED, OPEN), (CLOSED,)]):
        maker = SnapshotMaker(worker, [], run)
        for at_s, (before, after) in enumerate(pairwise(states)):
            maker.add([structs.replace(breaker_line(float(at_s), before, after), worker=worker)])
            merged.replace(maker.snapshot(at_s + 1.0))
    (breaker,) = details_so_far(merged, Caps(), ()).breakers
    assert breaker == BreakerSoFar(scope=breaker.scope, states={"open": 1, "half_open": 1})
    assert list(breaker.states) == ["open", "half_open"], "the worst first"


def test_a_run_would_be_invalid_for_what_would_make_it_so(live, request_line, drop_line):
    live.add(request_line(i) for i in range(100))
    assert would_be_invalid(live.so_far) == ()
    live.add([drop_line(100), drop_line(101)])
    (reason,) = would_be_invalid(live.so_far)
    assert reason.startswith("the load was not delivered: 2 of 102 arrivals were dropped; ")
    live.add(request_line(i, late_s=0.2) for i in range(102, 110))
    late, _ = would_be_invalid(live.so_far)
    assert late.startswith("the generator was the bottleneck: 8 of 108 requests started more than 50.0ms late")


def test_a_generator_that_lags_is_told_while_it_does(make_run, request_line, end_line):
    merged, maker = MergedSnapshot([], make_run()), SnapshotMaker(0, [], make_run())
    maker.add([request_line(0)])
    lagging = structs.replace(end_line(0), timestamps="user", loop_lag_p95_s=0.2, loop_lag_p99_s=0.3)
    merged.replace(maker.snapshot(1.0, health=lagging))
    assert len(would_be_invalid(merged)) == 2
    merged.replace(maker.snapshot(2.0, health=structs.replace(lagging, loop_lag_p95_s=0.001, loop_lag_p99_s=0.001)))
    assert would_be_invalid(merged) == ()
