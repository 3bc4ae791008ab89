"""Hints for errors that may be caused by the base URL."""

from urllib.parse import urlsplit

from relayload.core.model.record import Attempt, FailureKind

_NOT_FOUND = 404


def place_hint(base_url: str, kind: FailureKind | None, attempt: Attempt) -> str | None:
    """Return the address that can't be reached, or a hint that its path such as `/v1` is missing; else None."""
    if kind is FailureKind.UNREACHABLE:
        return base_url
    if attempt.status == _NOT_FOUND and not urlsplit(base_url).path.strip("/") and not _names_model(attempt):
        return f"does the base URL lack its path, as in {base_url.rstrip('/')}/v1?"
    return None


def _names_model(attempt: Attempt) -> bool:
    """Return whether the error is about the model, which means that the endpoint exists."""
    return "model" in (attempt.relay_message or "").lower()
