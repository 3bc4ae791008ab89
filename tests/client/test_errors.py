"""What a failed call raises."""

import pickle

from relayload.client.errors import BadRequest
from relayload.core.model.record import Attempt, FailureKind, Outcome


def test_an_error_reads_the_same_whenever_it_happened():
    attempts = (Attempt(outcome=Outcome.REJECTED, sent_at_s=1.5, service_s=0.25, status=404),)
    error = BadRequest("o33: bad_request: http_404", FailureKind.BAD_REQUEST, attempts)
    assert repr(error) == "BadRequest('o33: bad_request: http_404')"
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again), again.kind, again.attempts) == (BadRequest, str(error), error.kind, attempts)
