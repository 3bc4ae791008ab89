"""How failed calls read in Locust's table, in a process that Locust has patched."""

import json

from support import ran_patched

ROWS = """
import json
from relayload.client.errors import RateLimited
from relayload.core.model.record import Attempt, FailureKind, Outcome
from relayload.locust_plugin.failed_calls import call_failed


def row(said, tries=1):
    attempts = (Attempt(outcome=Outcome.RATE_LIMITED, error="http_429", relay_message=said),) * tries
    error = RateLimited(f"gpt-4o: rate_limited: {said}", FailureKind.RATE_LIMITED, attempts)
    return call_failed("gpt-4o", error, "https://relay.example/v1")


told = "Limit 10000, used 9981, requested 530.\\nPlease try again in 3.06s (req_0a1b)"
first, second = row(told), row(told.replace("9981", "9722").replace("3.06", "12.2"), tries=3)
print(json.dumps([repr(first), repr(second), len(repr(row("word " * 99))), repr(row(None)), str(second.__cause__)]))
"""


def test_what_differs_each_time_is_left_out_of_a_row() -> None:
    first, second, length, bare, cause = json.loads(ran_patched(ROWS))
    assert first == second
    assert (
        first == "RequestFailed('gpt-4o: rate_limited: http_429: Limit … used … requested … Please try again in … …')"
    )
    assert length < 250
    assert bare == "RequestFailed('gpt-4o: rate_limited: http_429')"
    assert "try again in 12.2s" in cause
