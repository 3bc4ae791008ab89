"""What an application may want to look at where the base URL is to blame."""

from urllib.parse import urlsplit

from relayload.core.model.record import Attempt
from relayload.core.resilience.classify import FailureKind

_NOT_FOUND = 404


def place_hint(base_url: str, kind: FailureKind | None, attempt: Attempt) -> str | None:
    """The address that can't be reached; that one without a path may lack its `/v1`. None where neither may help."""
    if kind is FailureKind.UNREACHABLE:
        return base_url
    if attempt.status == _NOT_FOUND and not urlsplit(base_url).path.strip("/") and not _of_a_model(attempt):
        return f"does the base URL lack its path, as in {base_url.rstrip('/')}/v1?"
    return None


def _of_a_model(attempt: Attempt) -> bool:
    """Then the endpoint is there."""
    return "model" in (attempt.relay_message or "").lower()
