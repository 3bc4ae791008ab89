"""The errors of OpenAI's own endpoint. Source: platform.openai.com/docs/guides/error-codes and rate-limits."""

from math import ceil

from relayload.fakerelay.dialects.answers import Dialect, ErrorAnswer, Hints, json_error, used
from relayload.fakerelay.limits import Metric, Standing
from relayload.fakerelay.refusals import Occurrence, Reason, Refusal

_REFUSALS = {
    Reason.BAD_JSON: (400, None),
    Reason.BAD_VALUE: (400, "invalid_value"),
    Reason.TOO_LARGE: (413, "request_too_large"),
    Reason.WRONG_KEY: (401, "invalid_api_key"),
    Reason.UNKNOWN_MODEL: (404, "model_not_found"),
    Reason.UNKNOWN_PATH: (404, "unknown_url"),
    Reason.NOT_FOUND: (404, None),
    Reason.WRONG_METHOD: (405, "method_not_supported"),
}
_LIMIT_NAMES = {
    (Metric.REQUESTS, 1.0): "requests per sec (RPS)",
    (Metric.REQUESTS, 60.0): "requests per min (RPM)",
    (Metric.REQUESTS, 3600.0): "requests per hour (RPH)",
    (Metric.TOKENS, 1.0): "tokens per sec (TPS)",
    (Metric.TOKENS, 60.0): "tokens per min (TPM)",
    (Metric.TOKENS, 3600.0): "tokens per hour (TPH)",
}
_BROKEN = "The server had an error while processing your request."


def error_answer(refusal: Refusal, _occurrence: Occurrence) -> ErrorAnswer:
    """Return `{"error": {message, type, param, code}}`."""
    if refusal.standing is not None:
        message = _limit_message(refusal.standing, refusal.model)
        return _error(429, message, refusal.standing.metric.value, "rate_limit_exceeded")
    if refusal.reason is Reason.OVERLOADED:
        return _error(503, "The server is currently overloaded. Please retry later.", "server_error", None)
    if refusal.reason is Reason.FAILED:
        return _error(refusal.status or 500, _BROKEN, "server_error", None)
    status, code = _REFUSALS[refusal.reason]
    return _error(status, refusal.message, "invalid_request_error", refusal.code or code, refusal.param)


def _error(status: int, message: str, kind: str, code: str | None, param: str | None = None) -> ErrorAnswer:
    return json_error(status, {"error": {"message": message, "type": kind, "param": param, "code": code}})


def _limit_message(standing: Standing, model: str | None) -> str:
    of_window = (
        "concurrent requests"
        if standing.metric is Metric.CONCURRENT
        else f"{standing.metric.value} per {standing.window_s:g}s"
    )
    name = _LIMIT_NAMES.get((standing.metric, standing.window_s), of_window)
    return (
        f"Rate limit reached for {model} in organization org-fake on {name}: "
        f"Limit {standing.limit}, Used {used(standing)}.{_try_again(standing.wait_s)}"
    )


def _try_again(wait_s: float | None) -> str:
    if wait_s is None:
        return ""
    milliseconds = ceil(wait_s * 1e3)
    wait = f"{milliseconds}ms" if milliseconds < 1_000 else f"{milliseconds / 1e3:g}s"
    return f" Please try again in {wait}."


OPENAI = Dialect(
    error_answer=error_answer,
    error_event={"error": {"message": _BROKEN, "type": "server_error", "param": None, "code": None}},
    hints=Hints(retry_after=True, retry_after_ms=True, ratelimit=True),
)
