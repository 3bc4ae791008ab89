from relayload.client.caller import Called
from relayload.client.metrics import MetricsCounter
from relayload.core.model.record import Attempt, Outcome

REFUSED = Attempt(outcome=Outcome.RATE_LIMITED, status=429)
ANSWERED = Attempt(outcome=Outcome.OK, status=200, ttft_s=0.1, input_tokens=10, output_tokens=5)


def called(*attempts: Attempt) -> Called:
    outcome = attempts[-1].outcome if attempts else Outcome.SHORT_CIRCUITED
    return Called(outcome=outcome, attempts=attempts, answer=None)


def test_calls_that_sent_nothing_do_not_dilute_the_amplification() -> None:
    counter = MetricsCounter()
    for each in (called(REFUSED, REFUSED, ANSWERED), called(ANSWERED), called(), called()):
        counter.add(each, 1.0)
    metrics = counter.metrics({})
    assert (metrics.calls, metrics.attempts, metrics.amplification) == (4, 4, 2.0)


def test_nothing_sent_has_no_amplification() -> None:
    counter = MetricsCounter()
    counter.add(called(), 0.0)
    assert counter.metrics({}).amplification is None
