import pytest

from relayload.client.hints import place_hint
from relayload.core.model.record import Attempt, FailureKind, Outcome

WRONG_PATH = "Invalid URL (POST /chat/completions)"


@pytest.mark.parametrize(
    ("base_url", "kind", "status", "said", "hint"),
    [
        ("http://h:1/v1", FailureKind.UNREACHABLE, None, None, "http://h:1/v1"),
        (
            "http://h:1",
            FailureKind.BAD_REQUEST,
            404,
            WRONG_PATH,
            "does the base URL lack its path, as in http://h:1/v1?",
        ),
        ("http://h:1/", FailureKind.BAD_REQUEST, 404, None, "does the base URL lack its path, as in http://h:1/v1?"),
        ("http://h:1", FailureKind.BAD_REQUEST, 404, "The model `o33` does not exist", None),
        ("http://h:1/v1", FailureKind.BAD_REQUEST, 404, WRONG_PATH, None),
        ("http://h:1", FailureKind.BAD_REQUEST, 400, WRONG_PATH, None),
    ],
)
def test_a_base_url_that_may_be_to_blame_is_named(base_url, kind, status, said, hint):
    attempt = Attempt(outcome=Outcome.REJECTED, kind=kind, status=status, relay_message=said)
    assert place_hint(base_url, kind, attempt) == hint
