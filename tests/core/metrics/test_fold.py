from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relayload.core.metrics.fold import Fold, account
from relayload.core.metrics.merging import Shift
from relayload.core.metrics.summarize import summarize
from relayload.core.model.audited import Audited
from relayload.core.model.kept_records import KeptRecords
from relayload.core.model.record import Attempt, Drop, End, Line, Outcome, Record
from relayload.core.model.run import ProfileInfo, RunInfo, StageInfo, WorkerInfo
from relayload.core.objectives.snapshots import SnapshotMaker

_USERS_MOVED = ("worker 1 was gone early: its users were missing until the others had taken them over",)


def _account(lines, run, folded):
    counted = account(folded(lines), run)
    return counted.offered, counted.started, counted.dropped, counted.lost, counted.faults


def test_every_arrival_is_started_dropped_or_lost(request_line, drop_line, make_run, folded):
    lines = [request_line(0), drop_line(1), request_line(3)]
    assert _account(lines, make_run(offered=6), folded) == (6, 2, 1, 3, ())


def test_later_turns_of_a_conversation_are_offered_on_top_of_the_arrivals(request_line, make_run, folded):
    lines = [request_line(0), request_line(0, turn=1, intended_at_s=2.0), request_line(2)]
    counts = account(folded(lines), make_run(offered=4))
    assert (counts.offered, counts.started, counts.lost, counts.faults) == (5, 3, 2, ())


def test_a_killed_run_offers_what_its_highest_index_says(request_line, make_run, folded):
    run = make_run(ended_at_s=None, ended_by=None)
    assert _account([request_line(0), request_line(4)], run, folded) == (5, 2, 0, 3, ())


def test_a_run_without_a_line_has_lost_what_was_offered(make_run, folded):
    assert _account([], make_run(offered=7), folded) == (7, 0, 0, 7, ())
    assert _account([], make_run(), folded) == (0, 0, 0, 0, ())


def test_an_arrival_recorded_twice_is_a_fault_and_the_sum_still_holds(request_line, drop_line, make_run, folded):
    lines = [request_line(0), request_line(1), request_line(1, worker=1), drop_line(1)]
    offered, *parts, faults = _account(lines, make_run(offered=3), folded)
    assert (offered, parts) == (5, [3, 1, 1])
    assert faults == ("2 arrivals are recorded twice",)


def test_records_that_a_worker_claims_and_nobody_has_are_a_fault(request_line, end_line, make_run, folded):
    lines = [request_line(0), request_line(1, worker=1), end_line(0, started=1), end_line(1, started=3, dropped=1)]
    *_, lost, faults = _account(lines, make_run(offered=5), folded)
    assert lost == 3
    assert faults == (
        "worker 1 wrote 3 records that are not here: its file is cut short, or lies on another host (relayload merge)",
    )


def test_records_of_a_worker_that_ended_in_order_are_a_fault_also_where_its_last_line_is_gone(
    request_line, make_run, folded
):
    told = (WorkerInfo(worker=0, started=3, drained=True), WorkerInfo(worker=1, started=2))
    *_, lost, faults = _account([request_line(0)], make_run(offered=5, worker_reports=told), folded)
    assert lost == 4
    assert [fault[:48] for fault in faults] == ["worker 0 wrote 2 records that are not here: its "]
    assert _account([request_line(0)], make_run(offered=1, worker_reports=(told[0],)), folded)[-1] != ()
    whole = (WorkerInfo(worker=0, started=1, drained=True),)
    assert _account([request_line(0)], make_run(offered=1, worker_reports=whole), folded)[-1] == ()


def test_a_closed_load_offers_what_it_starts(request_line, end_line, make_run, folded):
    lines = [request_line(0), request_line(4096, worker=1), end_line(0, started=1), end_line(1, started=1)]
    assert _account(lines, make_run(load_kind="closed"), folded) == (2, 2, 0, 0, ())


def test_a_closed_load_has_lost_what_a_dead_worker_had_told_of(request_line, end_line, make_run, folded):
    told = (WorkerInfo(worker=0, started=1), WorkerInfo(worker=1, started=5))
    lines = [request_line(0), request_line(1, worker=1), end_line(0, started=1)]
    run = make_run(load_kind="closed", worker_reports=told)
    assert _account(lines, run, folded) == (6, 2, 0, 4, ())
    assert account(folded(lines), run).warnings == _USERS_MOVED


def test_the_part_of_one_worker_has_lost_nothing_of_the_others(request_line, make_run, folded):
    run = make_run(part=1, ended_by=None, ended_at_s=None)
    lines = [request_line(index, worker=1) for index in (1, 3, 5)]
    assert _account(lines, run, folded) == (3, 3, 0, 0, ())
    (warning,) = account(folded(lines), run).warnings
    assert warning == "these are the records of worker 1 alone: relayload merge makes one recording of all"


def test_a_worker_elsewhere_that_did_not_end_in_order_may_have_kept_records(request_line, end_line, make_run, folded):
    told = [
        WorkerInfo(worker=number, started=0, host=f"h{number}", clock_error_s=0.001 * number) for number in (0, 1, 2)
    ]
    lines = [request_line(0), end_line(2, started=0)]
    (warning,) = account(folded(lines), make_run(worker_reports=tuple(told))).warnings
    assert warning.startswith("worker 1 on h1 did not end in order")


def test_users_of_a_worker_that_left_a_closed_load_were_missing_for_a_while(request_line, end_line, make_run, folded):
    lines = [request_line(0), end_line(0, started=1, at_s=99.9), end_line(1, at_s=50.0)]
    assert account(folded(lines), make_run(load_kind="closed")).warnings == _USERS_MOVED
    assert account(folded(lines), make_run(load_kind="closed", ended_at_s=50.5)).warnings == ()
    assert account(folded(lines), make_run()).warnings == ()


def test_requests_of_a_batch_begin_in_any_order_so_gaps_are_no_loss(request_line, make_run, folded):
    lines = [request_line(0), request_line(5, worker=1)]
    for offered, lost in ((None, 0), (2, 0), (4, 2)):
        run = make_run(load_kind="batch", requests=9, offered=offered)
        assert _account(lines, run, folded) == (2 + lost, 2, 0, lost, ())


_RUN = RunInfo(
    run_id="r",
    profile=ProfileInfo(name="p", sha256=""),
    started_at="",
    load_kind="open",
    stages=(StageInfo(name="a", for_s=50.0, warmup=True), StageInfo(name="b", for_s=50.0)),
    workers=2,
    base_url="",
)


@st.composite
def _lines(draw: st.DrawFn) -> list[Line]:
    lines: list[Line] = []
    for index in range(draw(st.integers(0, 40))):
        kind, stage = draw(st.sampled_from(["ok", "failed", "drop", "nothing"])), draw(st.sampled_from("ab"))
        place: dict[str, Any] = {
            "index": index,
            "worker": draw(st.integers(0, 2)),
            "scenario": draw(st.sampled_from(["x", "y"])),
            "model": "m",
            "stage": stage,
            "measured": stage == "b",
            "intended_at_s": float(index),
        }
        if kind == "drop":
            lines.append(Drop(**place, reason="late"))
        elif kind != "nothing":
            service_s = draw(st.floats(0.001, 10))
            outcome = Outcome.OK if kind == "ok" else Outcome.TIMED_OUT
            tries = draw(st.integers(0, 3))
            attempt = Attempt(
                outcome=outcome, service_s=service_s, ttft_s=service_s / 2, output_tokens=5, chunk_gaps=(90, 4)
            )
            lines.append(Record(**place, late_s=0.0, latency_s=service_s, outcome=outcome, attempts=(attempt,) * tries))
    return lines


@given(_lines(), st.randoms())
def test_the_workers_merged_are_one_worker_over_the_same_records(lines, rng):
    ends = [End(worker=worker, at_s=60.0, started=0, dropped=0) for worker in range(3)]
    one, merged = Fold(), Fold()
    folds = [Fold() for _ in range(3)]
    one.extend([*lines, *ends])
    for line in [*lines, *ends]:
        folds[line.worker].extend([line])
    rng.shuffle(folds)
    for fold in folds:
        merged.merge(fold)
    assert msgspec.json.encode(summarize(merged, _RUN)) == msgspec.json.encode(summarize(one, _RUN))


@given(_lines(), st.integers(0, 60))
def test_the_sums_hold_for_any_records(lines, offered):
    fold = Fold()
    fold.extend(lines)
    counts = summarize(fold, msgspec.structs.replace(_RUN, offered=offered)).counts
    assert counts.offered == counts.started + counts.dropped + counts.lost
    assert counts.started == sum(counts.by_outcome.values()) == sum(isinstance(line, Record) for line in lines)
    assert counts.dropped == sum(isinstance(line, Drop) for line in lines)


@pytest.mark.parametrize("outcome", list(Outcome))
def test_every_outcome_has_its_count(outcome, request_line, make_run, folded):
    summary = summarize(folded([request_line(0, outcome=outcome)]), make_run())
    assert summary.counts.by_outcome == {outcome.value: 1}
    assert summary.counts.ok == (outcome is Outcome.OK)


def _audited(index: int, worker: int = 0) -> Audited:
    place: dict[str, Any] = {
        "scenario": "simple",
        "stage": "steady",
        "model": "o3",
        "measured": True,
        "intended_at_s": 1.0,
    }
    return Audited(index=index, worker=worker, request="00", **place)


def test_audited_answers_are_kept_as_they_are_and_count_as_no_request(request_line):
    one, other = Fold(most_exact=1), Fold(most_exact=1)
    one.extend([request_line(0), _audited(0), End(worker=0, at_s=2.0, started=1, dropped=0)])
    other.extend([_audited(1, worker=1)])
    one.merge(other)
    assert one.audited == [_audited(0), _audited(1, worker=1)]
    assert (one.started, one.dropped, len(one.ends)) == (1, 0, 1)


def test_snapshots_and_a_merge_of_runs_know_them(request_line):
    maker = SnapshotMaker(0, [], _RUN)
    maker.begin(0.0)
    maker.add([request_line(0), _audited(0)])
    assert sum(slot.due for slot in maker.snapshot(5.0).slots) == 1
    assert Shift(2, 10)(_audited(1)) == _audited(11, worker=2)
    assert _audited(3) in KeptRecords(failed=False, share=0.0)
