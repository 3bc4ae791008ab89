import pytest

from relayload.core.metrics.summarize import summarize
from relayload.core.metrics.summary import BatchTally
from relayload.core.model.record import Attempt, BreakerState, FailureKind, Outcome
from relayload.core.model.run import StageInfo
from relayload.report.facts import batch_facts, client_facts
from relayload.report.markdown import render_markdown
from relayload.report.text import render_summary

WHOLE = {"requests": 1500, "queued": 0, "running": 0, "done": 1490, "failed": 10, "lost": 0, "makespan_s": 12.34}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "1,500 requests · done 1,490 · failed 10 · makespan 12.3s"),
        (
            {"done": 1000, "running": 5, "queued": 485},
            "1,500 requests · done 1,000 · failed 10 · running 5 · queued 485 · ended after 12.3s",
        ),
        (
            {"done": 1000, "lost": 490},
            "1,500 requests · done 1,000 · failed 10 · lost 490 · ended after 12.3s",
        ),
        (
            {"done": 0, "failed": 0, "queued": 1500, "makespan_s": None},
            "1,500 requests · done 0 · failed 0 · queued 1,500",
        ),
    ],
    ids=["finished", "stopped", "a worker died", "nothing sent"],
)
def test_a_batch_tells_where_its_requests_are(changes, expected):
    assert batch_facts(BatchTally(**(WHOLE | changes))) == [("batch", expected)]


def test_reports_of_a_batch_begin_with_it(judged, some_lines):
    stages = (StageInfo(name="steady", for_s=None),)
    batch = {"load_kind": "batch", "stages": stages, "requests": 600, "offered": 600}
    summary, verdict = judged(["batch.makespan < 10min"], some_lines, **batch)
    told = "600 requests · done 594 · failed 6 · makespan 10m"
    assert f"\nbatch      {told}\narrivals   offered 600" in render_summary(summary)
    assert f"\n{told}\n\noffered 600 = started 600" in render_markdown(summary, verdict)
    assert verdict.verdict == "PASS"


def test_other_loads_say_nothing_of_batches(judged, some_lines):
    assert "batch" not in render_summary(judged([], some_lines)[0])


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
        breaker_line(20.0, BreakerState.CLOSED, BreakerState.OPEN, calls=20, failures=12, slow=3),
        breaker_line(50.0, BreakerState.OPEN, BreakerState.HALF_OPEN, reason="cooled_down"),
        breaker_line(51.0, BreakerState.HALF_OPEN, BreakerState.CLOSED, reason="trials_passed", calls=3),
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
    lines = [breaker_line(float(at), BreakerState.CLOSED, BreakerState.OPEN, enforced=False) for at in range(10)]
    text = render_summary(summarize(folded([request_line(0), *lines]), make_run()))
    assert "breaker    10 trips · open 1m40s · only watched" in text
    assert "7.00s open (o3, worker 0) by failure_rate\n" in text
    assert "… and 2 changes more" in text
