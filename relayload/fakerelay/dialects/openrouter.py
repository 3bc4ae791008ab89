"""The errors of OpenRouter: the status as a number in `code`, and details under `metadata`."""

from math import ceil
from typing import Any

from relayload.fakerelay.dialects.answers import STATUSES, Dialect, ErrorAnswer, Hints, json_error
from relayload.fakerelay.limits import Standing
from relayload.fakerelay.refusals import Occurrence, Reason, Refusal

_STATUSES = {**STATUSES, Reason.UNKNOWN_MODEL: 400}
_PROVIDER = {"provider_name": "Fake"}


def error_answer(refusal: Refusal, occurrence: Occurrence) -> ErrorAnswer:
    """Return `{"error": {message, code, metadata}}`."""
    if refusal.standing is not None:
        return _limited(refusal.standing, occurrence.wall_s)
    if refusal.reason is Reason.OVERLOADED:
        return _error(503, "No instances available", _PROVIDER)
    if refusal.reason is Reason.FAILED:
        return _error(refusal.status or 502, "Provider returned error", _PROVIDER)
    message = refusal.message
    if refusal.reason is Reason.UNKNOWN_MODEL:
        message = f"{refusal.model} is not a valid model ID"
    return _error(_STATUSES[refusal.reason], message)


def _error(status: int, message: str, metadata: dict[str, Any] | None = None) -> ErrorAnswer:
    error = {"message": message, "code": status} | ({"metadata": metadata} if metadata else {})
    return json_error(status, {"error": error})


def _limited(standing: Standing, wall_s: float) -> ErrorAnswer:
    headers = {
        "X-RateLimit-Limit": str(standing.limit),
        "X-RateLimit-Remaining": str(max(0, standing.remaining)),
        "X-RateLimit-Reset": str(ceil((wall_s + standing.reset_s) * 1e3)),
    }
    return _error(429, f"Rate limit exceeded: {standing.metric}-per-{standing.per}", {"headers": headers})


OPENROUTER = Dialect(
    error_answer=error_answer,
    error_event={
        "error": {"code": 502, "message": "Provider disconnected unexpectedly"},
        "choices": [{"index": 0, "delta": {"content": ""}, "finish_reason": "error"}],
    },
    hints=Hints(retry_after=True),
)
