import pytest

from relayload.core.metrics.summarize import summarize
from relayload.core.metrics.summary import BatchTally
from relayload.core.model.record import Attempt, BreakerState, FailureKind, Outcome
from relayload.core.model.run import StageInfo

_FAILED = Attempt(outcome=Outcome.SERVER_ERROR, status=503, kind=FailureKind.OVERLOADED)


def test_retries_are_told_with_what_came_of_them(request_line, make_run, folded):
    lines = [
        *(request_line(index) for index in range(6)),
        request_line(6, retried=(_FAILED, _FAILED), backoff_s=1.5),
        request_line(7, retried=(_FAILED,), backoff_s=0.5, outcome=Outcome.TIMED_OUT, stopped_by="deadline"),
        request_line(8, outcome=Outcome.SHORT_CIRCUITED, stopped_by="breaker"),
    ]
    summary = summarize(folded(lines), make_run())
    retries = summary.retries
    assert (summary.counts.attempts, summary.counts.retries) == (11, 3)
    assert (retries.by_kind, retries.succeeded_after_retry, retries.backoff_s) == ({"overloaded": 3}, 1, 2.0)
    assert retries.amplification == pytest.approx(11 / 8)
    assert retries.stopped_by == {"breaker": 1, "deadline": 1}


def test_waits_for_a_quota_are_told_apart_from_the_relay(request_line, make_run, folded):
    lines = [request_line(0), request_line(1, throttled_s=2.0), request_line(2, throttled_s=1.0)]
    summary = summarize(folded(lines), make_run())
    assert (summary.quota.throttled, summary.quota.throttled_s) == (2, 3.0)
    assert summary.metrics.throttled is not None
    assert (summary.metrics.throttled.count, summary.metrics.throttled.min, summary.metrics.throttled.max) == (3, 0, 2)


def test_where_nobody_waited_there_is_nothing_to_tell(request_line, make_run, folded):
    summary = summarize(folded([request_line(0)]), make_run())
    assert (summary.quota.throttled, summary.metrics.throttled) == (0, None)
    assert (summary.retries.amplification, summary.retries.by_kind) == (1.0, {})
    assert (summary.breaker.trips, summary.breaker.enforced, summary.breaker.transitions) == (0, None, ())


def test_a_breaker_that_was_open_when_the_load_ended_was_open_until_then(request_line, breaker_line, make_run, folded):
    lines = [
        request_line(0),
        request_line(1, outcome=Outcome.SHORT_CIRCUITED),
        breaker_line(90.0, BreakerState.CLOSED, BreakerState.OPEN, worker=1, calls=20, failures=12, since_s=85.0),
        breaker_line(10.0, BreakerState.CLOSED, BreakerState.OPEN),
        breaker_line(40.0, BreakerState.OPEN, BreakerState.HALF_OPEN, reason="cooled_down"),
    ]
    breaker = summarize(folded(lines), make_run(ended_at_s=100.0)).breaker
    assert (breaker.trips, breaker.open_time_s, breaker.short_circuited, breaker.enforced) == (2, 40.0, 1, True)
    assert [change.at_s for change in breaker.transitions] == [10.0, 40.0, 90.0]
    last = breaker.transitions[-1]
    assert (last.worker, last.scope, last.before, last.after) == (1, "o3", "closed", "open")
    assert (last.reason, last.calls, last.failures, last.since_s) == ("failure_rate", 20, 12, 85.0)


def test_what_a_breaker_refused_is_in_no_latency_of_the_relay(request_line, make_run, folded):
    lines = [request_line(0), request_line(1, outcome=Outcome.SHORT_CIRCUITED, latency_s=0.0)]
    metrics = summarize(folded(lines), make_run()).metrics
    assert metrics.latency is not None
    assert (metrics.latency.count, metrics.latency.min) == (1, pytest.approx(0.501))


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
    assert summary.rates.measured_s == pytest.approx(4.0)
    assert summary.rates.ok_per_s == pytest.approx(3 / 4.0)


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
