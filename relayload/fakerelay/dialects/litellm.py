"""The errors of the LiteLLM proxy, as version 1.106 sends them.

Codes are strings. For a key over its limit, `retry-after` is always one window, not the remaining time; for a
deployment over its limit, the header has a name that clients do not read.
"""

from datetime import UTC, datetime

from relayload.fakerelay.dialects.answers import Dialect, ErrorAnswer, Hints, json_error, used
from relayload.fakerelay.limits import Metric, Standing
from relayload.fakerelay.refusals import Occurrence, Reason, Refusal

_REFUSALS = {
    Reason.BAD_JSON: (400, "invalid_request_error"),
    Reason.BAD_VALUE: (400, "invalid_request_error"),
    Reason.TOO_LARGE: (413, "bad_request_error"),
    Reason.WRONG_KEY: (401, "auth_error"),
    Reason.UNKNOWN_MODEL: (400, "invalid_request_error"),
    Reason.UNKNOWN_PATH: (404, "not_found"),
    Reason.NOT_FOUND: (404, "invalid_request_error"),
    Reason.WRONG_METHOD: (405, "method_not_allowed"),
}
_LIMIT_TYPES = {Metric.REQUESTS: "requests", Metric.TOKENS: "tokens", Metric.CONCURRENT: "max_parallel_requests"}
_WINDOW_S = 60


def error_answer(refusal: Refusal, occurrence: Occurrence) -> ErrorAnswer:
    """Return `{"error": {message, type, param, code}}`, with the status as a string in `code`."""
    if refusal.standing is not None:
        return _limited(refusal.standing, occurrence)
    if refusal.reason in (Reason.OVERLOADED, Reason.FAILED):
        message = "litellm.ServiceUnavailableError: the model group failed. No fallback was attempted."
        return _error(refusal.status or 503, message, "internal_server_error")
    status, kind = _REFUSALS[refusal.reason]
    message = refusal.message
    if refusal.reason is Reason.UNKNOWN_MODEL:
        message = f"Invalid model name passed in model={refusal.model}. Call `/v1/models` to view available models."
    return _error(status, message, kind, refusal.param)


def _error(status: int, message: str, kind: str, param: str | None = None, headers: bytes = b"") -> ErrorAnswer:
    error = {"message": message, "type": kind, "param": param, "code": str(status)}
    return json_error(status, {"error": error}, headers)


def _limited(standing: Standing, occurrence: Occurrence) -> ErrorAnswer:
    return _deployment_limited(standing) if standing.per == "model" else _key_limited(standing, occurrence.wall_s)


def _key_limited(standing: Standing, wall_s: float) -> ErrorAnswer:
    kind = _LIMIT_TYPES[standing.metric]
    reset_at = datetime.fromtimestamp(wall_s + _WINDOW_S, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    message = (
        f"Rate limit exceeded for api_key: fake. Limit type: {kind}. Current limit: {standing.limit}, "
        f"Remaining: {max(0, standing.remaining)}. Limit resets at: {reset_at}"
    )
    headers = f"retry-after: {_WINDOW_S}\r\nrate_limit_type: {kind}\r\nreset_at: {reset_at}\r\n".encode()
    return _error(429, message, "None", "None", headers)


def _deployment_limited(standing: Standing) -> ErrorAnswer:
    name = "TPM" if standing.metric is Metric.TOKENS else "RPM"
    message = f"Model rate limit exceeded. {name} limit={standing.limit}, current usage={used(standing)}"
    return _error(429, message, "throttling_error", headers=b"llm_provider-retry-after: %d\r\n" % _WINDOW_S)


_LOST = "litellm.APIConnectionError: the connection to the model was lost"
LITELLM = Dialect(
    error_answer=error_answer,
    error_event={"error": {"message": _LOST, "type": None, "param": None, "code": "500"}},
    hints=Hints(),
)
