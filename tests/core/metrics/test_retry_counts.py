import pytest

from relayload.core.metrics.retry_counts import RetryCounts, retries_by_cause
from relayload.core.model.record import Attempt, FailureKind, Outcome

_LIMITED = Attempt(outcome=Outcome.RATE_LIMITED, status=429, kind=FailureKind.QUOTA_EXHAUSTED)
_FAILED = Attempt(outcome=Outcome.SERVER_ERROR, status=503)


@pytest.fixture
def counts(request_line) -> RetryCounts:
    own = RetryCounts()
    own.extend(
        [
            request_line(0, retried=(_LIMITED, _FAILED), backoff_s=0.5),
            request_line(7, retried=(_FAILED,), backoff_s=0.25, stopped_by="deadline", outcome=Outcome.TIMED_OUT),
            request_line(8, outcome=Outcome.SHORT_CIRCUITED, stopped_by="breaker"),
            request_line(9),
        ]
    )
    return own


def test_every_attempt_before_the_last_is_the_cause_of_a_retry(counts):
    assert counts.by_kind == {"quota_exhausted": 1, "server_error": 2}
    assert (counts.retried, counts.backoff_s) == (2, 0.75)
    assert counts.stopped_by == {"deadline": 1, "breaker": 1}


def test_a_cause_is_named_by_what_the_client_made_of_it(counts):
    assert retries_by_cause([counts, counts]) == {"server_error": 4, "quota_exhausted": 2}


def test_tries_of_parts_add_up_to_those_of_the_whole(counts, request_line):
    other = RetryCounts()
    other.extend([request_line(3, retried=(_FAILED,), backoff_s=1.0, stopped_by="deadline")])
    other.merge(counts)
    assert (other.retried, other.backoff_s, other.stopped_by["deadline"]) == (3, 1.75, 2)
    assert other.by_kind == {"server_error": 3, "quota_exhausted": 1}
