import pytest

from relayload.core.metrics.batch import BatchTally
from relayload.core.metrics.summarize import summarize
from relayload.core.model.record import Outcome
from relayload.core.model.run import StageInfo


@pytest.fixture
def tally(make_run, folded):
    def tally(lines, **changes):
        run = make_run(load_kind="batch", stages=(StageInfo(name="steady", for_s=None),), **changes)
        return summarize(folded(lines), run)

    return tally


def numbers(batch: BatchTally) -> tuple[int, ...]:
    return batch.queued, batch.running, batch.done, batch.failed, batch.lost


def test_a_finished_batch_has_a_makespan_from_the_first_start_to_the_last_end(tally, request_line):
    lines = [request_line(2, intended_at_s=1.5), request_line(0, service_s=4.0), request_line(1)]
    summary = tally(lines, requests=3, offered=3)
    batch = summary.batch
    assert numbers(batch) == (0, 0, 3, 0, 0)
    assert batch.finished
    assert batch.makespan_s == pytest.approx(4.0)  # from 0.001, sent late, to 4.001
    assert summary.rates.measured_s == pytest.approx(4.001)
    assert summary.rates.ok_per_s == pytest.approx(3 / 4.001)


def test_what_failed_has_ended_too(tally, request_line):
    outcomes = [Outcome.OK, Outcome.CANCELLED, Outcome.TIMED_OUT, Outcome.RATE_LIMITED, Outcome.SHORT_CIRCUITED]
    batch = tally([request_line(i, outcome=outcome) for i, outcome in enumerate(outcomes)], requests=5, offered=5).batch
    assert numbers(batch) == (0, 0, 2, 3, 0)
    assert batch.finished


def test_a_stop_leaves_requests_in_the_queue_which_were_not_offered(tally, request_line):
    lines = [request_line(0), request_line(7), request_line(3, outcome=Outcome.ABANDONED)]
    summary = tally(lines, requests=100, offered=3, ended_by="sigint")
    assert numbers(summary.batch) == (97, 1, 2, 0, 0)
    assert not summary.batch.finished
    assert (summary.counts.offered, summary.counts.lost) == (3, 0)


def test_the_requests_of_a_worker_that_died_are_lost(tally, request_line):
    summary = tally([request_line(0), request_line(2)], requests=6, offered=6)
    assert numbers(summary.batch) == (0, 0, 2, 0, 4)
    assert (summary.counts.offered, summary.counts.lost) == (6, 4)


def test_of_a_killed_run_the_records_tell_all_that_is_known(tally, request_line):
    summary = tally([request_line(0), request_line(9)], requests=20, ended_by=None, ended_at_s=None)
    assert numbers(summary.batch) == (18, 0, 2, 0, 0)
    assert summary.counts.offered == 2


def test_a_batch_of_which_nothing_was_started_has_no_makespan(tally):
    batch = tally([], requests=4, offered=0).batch
    assert numbers(batch) == (4, 0, 0, 0, 0)
    assert batch.makespan_s is None


def test_other_loads_are_no_batch(request_line, make_run, folded):
    assert summarize(folded([request_line(0)]), make_run()).batch is None
