import pytest

from relayload.core.metrics.summarize import summarize
from relayload.core.model.record import Attempt, Outcome
from relayload.core.resilience.breaker import State
from relayload.core.resilience.classify import FailureKind

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
        breaker_line(90.0, State.CLOSED, State.OPEN, worker=1, calls=20, failures=12, since_s=85.0),
        breaker_line(10.0, State.CLOSED, State.OPEN),
        breaker_line(40.0, State.OPEN, State.HALF_OPEN, reason="cooled_down"),
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
