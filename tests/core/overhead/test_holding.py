import pytest

from relayload.core.model.record import Outcome
from relayload.core.overhead.holding import why_not_held

ALONE_S = {"direct": 0.1, "relay": 0.2}


@pytest.fixture
def trial(request_line):
    """The records of a short trial, in which a relay takes so long for each request in turn."""

    def lines(relay_s=lambda index: 0.2, **relay):
        return [
            request_line(index, target=target, late_s=0.0, service_s=service_s, **more)
            for index in range(100)
            for target, service_s, more in (("direct", 0.1, {}), ("relay", relay_s(index), relay))
        ]

    return lines


def test_a_rate_is_held_if_every_target_takes_about_as_long_as_alone(trial):
    assert why_not_held(trial(lambda index: 0.2 + index % 10 * 0.03), ALONE_S) is None


def test_a_queue_that_grows_is_not_held(trial):
    told = why_not_held(trial(lambda index: 0.2 + index * 0.02), ALONE_S)
    assert told == "relay took 1.69s, and 200ms one at a time"


def test_failures_above_one_per_cent_are_not_held(trial):
    told = why_not_held(trial(outcome=Outcome.RATE_LIMITED), ALONE_S)
    assert told == "relay failed 100 of 100 requests: rate_limited"


def test_what_could_not_be_sent_is_not_held(trial, drop_line):
    lines = [*trial(), drop_line(100, target="relay")]
    assert why_not_held(lines, ALONE_S) == "1 of the requests found too many in flight"


def test_a_target_without_requests_did_not_hold(trial):
    lines = [line for line in trial() if line.target == "direct"]
    assert why_not_held(lines, ALONE_S) == "relay got no request"
