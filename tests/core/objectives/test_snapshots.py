import pytest
from live import sent

from relayload.core.model.record import BreakerState, Outcome
from relayload.core.model.snapshot import Snapshot
from relayload.core.objectives.grammar import parse
from relayload.core.objectives.slot_table import SlotTable
from relayload.core.objectives.snapshots import MergedSnapshot, SnapshotMaker, metrics_of
from relayload.core.objectives.window import Window

_OBJECTIVES = [parse("errors.rate < 1%"), parse("latency.p99 < 1s"), parse("service.p50 < 1s")]


@pytest.fixture
def maker(make_run) -> SnapshotMaker:
    return SnapshotMaker(0, _OBJECTIVES, make_run())


@pytest.fixture
def so_far(make_run) -> MergedSnapshot:
    return MergedSnapshot(_OBJECTIVES, make_run())


def _known(so_far: MergedSnapshot) -> tuple[int, int, int, int]:
    """Requests that ended ok, that failed, and what an objective counted of them."""
    counts = so_far.counts[_OBJECTIVES[0]].windows.get(0, SlotTable())
    ok, failed = so_far.count(lambda tags: tags.ok), so_far.count(lambda tags: tags.failed)
    return ok, failed, sum(slot.n for slot in counts.values()), sum(slot.bad_at_most for slot in counts.values())


def test_snapshots_hold_what_is_shown_and_what_objectives_are_on():
    assert metrics_of([]) == ["latency", "ttft", "tpot", "late"]
    assert metrics_of([*_OBJECTIVES, parse("goodput{ttfo<1s}.rate > 9%")]) == [
        "latency",
        "service",
        "ttft",
        "ttfo",
        "tpot",
        "late",
    ]


def test_a_snapshot_that_comes_twice_does_no_harm(maker, so_far, request_line):
    maker.add([request_line(0), request_line(1, outcome=Outcome.TIMED_OUT)])
    first = sent(maker.snapshot(1.0))
    maker.add([request_line(0), request_line(0)])
    second = sent(maker.snapshot(2.0))
    for snapshot in (first, first, second, second, first):
        assert so_far.replace(snapshot)
    assert _known(so_far) == (3, 1, 4, 1)


def test_only_what_has_changed_is_sent(maker, request_line):
    maker.add([request_line(0)])
    assert [len(part) for part in _parts(maker.snapshot(1.0))] == [1, 3, 0]
    assert [len(part) for part in _parts(maker.snapshot(1.5))] == [0, 0, 0]
    maker.add([request_line(5)])
    assert [slot.span.begins_s for slot in maker.snapshot(6.0).slots] == [5]
    assert [len(part) for part in _parts(maker.snapshot(6.5, whole=True))] == [2, 6, 0]


def _parts(snapshot: Snapshot):
    return snapshot.slots, snapshot.indicators, snapshot.transitions


def test_a_snapshot_that_is_missing_is_noticed_until_a_whole_one_comes(maker, so_far, request_line, breaker_line):
    maker.add([request_line(0), breaker_line(0.5, BreakerState.CLOSED, BreakerState.OPEN)])
    maker.snapshot(1.0)  # and lost
    maker.add([request_line(5)])
    assert not so_far.replace(maker.snapshot(6.0))
    maker.add([request_line(6)])
    assert not so_far.replace(maker.snapshot(7.0))
    assert _known(so_far)[0] == 2
    assert so_far.replace(sent(maker.snapshot(8.0, whole=True)))
    assert (_known(so_far), len(so_far.transitions)) == ((3, 0, 3, 0), 1)
    maker.add([request_line(7), breaker_line(8.0, BreakerState.OPEN, BreakerState.HALF_OPEN)])
    assert so_far.replace(maker.snapshot(9.0))
    assert (_known(so_far)[0], len(so_far.transitions)) == (4, 2)


def test_processes_add_up(so_far, make_run, request_line):
    for number in range(3):
        maker = SnapshotMaker(number, _OBJECTIVES, make_run())
        maker.add([request_line(number, outcome=Outcome.TIMED_OUT), request_line(0, service_s=float(number))])
        so_far.replace(sent(maker.snapshot(1.0)))
    assert _known(so_far) == (3, 3, 6, 3)
    assert so_far.total("latency", lambda tags: tags.ok).count == 3
    assert (so_far.last_due_at_s, so_far.last_end_s) == (2.0, pytest.approx(2.501))
    assert so_far.first_start_s == pytest.approx(0.001)


def test_a_slot_of_several_seconds_takes_the_place_of_those_that_it_covers(maker, so_far, request_line):
    for second in range(30):
        maker.add([request_line(0, intended_at_s=float(second))])
        so_far.replace(sent(maker.snapshot(second + 1.0)))
    for now_s in (625.0, 650.0):
        so_far.replace(sent(maker.snapshot(now_s)))
        assert so_far.count(lambda tags: tags.ok) == so_far.total("latency", lambda tags: tags.ok).count == 30
    ordered = so_far.sample(_OBJECTIVES[1], [], None).ordered
    assert ordered.count == 30
    assert ordered.at(30) == pytest.approx(0.501, rel=0.004)


@pytest.mark.parametrize(("begins_at_s", "ends_at_s", "count"), [(0.0, 10.0, 10), (10.0, 15.0, 5), (4.6, 8.4, 3)])
def test_the_sample_of_a_window_has_the_seconds_whose_middle_lies_in_it(
    maker, so_far, request_line, begins_at_s: float, ends_at_s: float, count: int
):
    maker.add([request_line(second) for second in range(30)])
    so_far.replace(sent(maker.snapshot(30.0)))
    assert so_far.sample(_OBJECTIVES[1], [], Window(0, begins_at_s, ends_at_s)).ordered.count == count
