from relayload.core.metrics.summarize import summarize
from relayload.core.model.record import Attempt, Outcome
from relayload.core.resilience.breaker import State
from relayload.core.resilience.classify import FailureKind
from relayload.report.client import client_facts
from relayload.report.text import render_summary

_FAILED = Attempt(outcome=Outcome.RATE_LIMITED, status=429, kind=FailureKind.RATE_LIMITED)


def test_a_client_that_did_nothing_is_not_told_of(request_line, make_run, folded):
    assert client_facts(summarize(folded([request_line(0)]), make_run())) == []


def test_retries_and_quotas_have_a_line_each(request_line, make_run, folded):
    lines = [
        request_line(0, retried=(_FAILED, _FAILED), backoff_s=1.5, throttled_s=2.0),
        request_line(1, retried=(_FAILED,), outcome=Outcome.RATE_LIMITED, stopped_by="attempts"),
    ]
    assert client_facts(summarize(folded(lines), make_run())) == [
        (
            "retries",
            "3 retries (3 rate_limited) · 1 ok after one · 2.50 attempts per request · backoff 1.50s in all"
            " · stopped by 1 attempts",
        ),
        ("quota", "1 request waited for it, 2.00s in all · at most 2.00s"),
    ]


def test_a_breaker_is_told_with_its_changes(request_line, breaker_line, make_run, folded):
    lines = [
        request_line(0),
        request_line(1, outcome=Outcome.SHORT_CIRCUITED),
        breaker_line(20.0, State.CLOSED, State.OPEN, calls=20, failures=12, slow=3),
        breaker_line(50.0, State.OPEN, State.HALF_OPEN, reason="cooled_down"),
        breaker_line(51.0, State.HALF_OPEN, State.CLOSED, reason="trials_passed", calls=3),
    ]
    assert client_facts(summarize(folded(lines), make_run())) == [
        ("breaker", "1 trip · open 30.0s · 1 request refused"),
        ("", "20.0s open (o3, worker 0) by failure_rate: 12 of 20 failed, 3 of 20 slow"),
        ("", "50.0s half_open (o3, worker 0) by cooled_down"),
        ("", "51.0s closed (o3, worker 0) by trials_passed"),
    ]


def test_a_breaker_that_only_watched_says_so_and_many_changes_are_cut_short(
    request_line, breaker_line, make_run, folded
):
    lines = [breaker_line(float(at), State.CLOSED, State.OPEN, enforced=False) for at in range(10)]
    text = render_summary(summarize(folded([request_line(0), *lines]), make_run()))
    assert "breaker    10 trips · open 1m40s · only watched" in text
    assert "7.00s open (o3, worker 0) by failure_rate\n" in text
    assert "… and 2 changes more" in text
