"""The errors of Anthropic's own API, which the fake relay sends at `/v1/messages` whatever its dialect.

Source: Anthropic API reference, errors and rate limits.
"""

from datetime import UTC, datetime

from relayload.fakerelay.dialects.answers import STATUSES, Dialect, ErrorAnswer, Hints, json_error
from relayload.fakerelay.limits import Standing
from relayload.fakerelay.refusals import Occurrence, Reason, Refusal

_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}
_MESSAGES = {429: "Number of requests has exceeded your rate limit.", 529: "Overloaded"}


def error_answer(refusal: Refusal, occurrence: Occurrence) -> ErrorAnswer:
    """Return `{"type": "error", "error": {type, message}, "request_id": ...}`."""
    status = _status(refusal)
    message = refusal.message or _MESSAGES.get(status, "Internal server error")
    if refusal.reason is Reason.WRONG_KEY:
        message = "invalid x-api-key"
    if refusal.reason is Reason.UNKNOWN_MODEL:
        message = f"model: {refusal.model or _quoted(refusal.message)}"
    if (standing := refusal.standing) is not None:
        message = f"This request would exceed the rate limit of {standing.limit} {standing.metric.value}."
    error = {"type": _TYPES.get(status, "invalid_request_error" if status < 500 else "api_error"), "message": message}
    return json_error(status, {"type": "error", "error": error, "request_id": occurrence.request_id})


def _status(refusal: Refusal) -> int:
    if refusal.standing is not None:
        return 429
    if refusal.reason is Reason.OVERLOADED:
        return 529
    if refusal.reason is Reason.FAILED:
        return refusal.status or 500
    return STATUSES[refusal.reason]


def _quoted(message: str) -> str:
    """Return the model that a message quotes."""
    return message.partition("'")[2].partition("'")[0]


def _limit_lines(standing: Standing, wall_s: float) -> bytes:
    begin = f"anthropic-ratelimit-{standing.metric.value}"
    reset = datetime.fromtimestamp(wall_s + standing.reset_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return (
        f"{begin}-limit: {standing.limit}\r\n"
        f"{begin}-remaining: {max(0, standing.remaining)}\r\n"
        f"{begin}-reset: {reset}\r\n"
    ).encode()


ANTHROPIC = Dialect(
    error_answer=error_answer,
    error_event={"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}},
    hints=Hints(retry_after=True, retry_after_ms=False, ratelimit=True),
    limit_lines=_limit_lines,
    request_id_name=b"request-id",
)
