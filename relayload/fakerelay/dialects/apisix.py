"""The errors of Apache APISIX with its AI plugins: 503 for a limit, and OpenResty's pages for the rest."""

from math import ceil

from relayload.fakerelay.dialects.answers import HTML, STATUSES, Dialect, ErrorAnswer, Hints, html_page, json_error
from relayload.fakerelay.limits import Metric, Standing
from relayload.fakerelay.refusals import Occurrence, Reason, Refusal

_OWN_REFUSALS = {
    Reason.BAD_JSON: (400, "could not get parse JSON request body"),
    Reason.TOO_LARGE: (413, "request body is too large"),
    Reason.WRONG_KEY: (401, "Invalid API key in request"),
    Reason.UNKNOWN_PATH: (404, "404 Route Not Found"),
}
_PHRASES = {
    500: "Internal Server Error",
    502: "Bad Gateway",
    503: "Service Temporarily Unavailable",
    504: "Gateway Time-out",
}
_REJECTED = 503
_INSTANCE = "fake"


def error_answer(refusal: Refusal, _occurrence: Occurrence) -> ErrorAnswer:
    """Return `{"message": ...}` for errors that APISIX itself detects; errors of the model are passed through."""
    if refusal.standing is not None:
        return _page(_REJECTED, _quota(refusal.standing))
    if refusal.reason in (Reason.OVERLOADED, Reason.FAILED):
        return _page(refusal.status or 503)
    if refusal.reason in _OWN_REFUSALS:
        status, message = _OWN_REFUSALS[refusal.reason]
        return json_error(status, {"message": message})
    error = {"message": refusal.message, "type": "invalid_request_error", "param": refusal.param, "code": refusal.code}
    return json_error(STATUSES[refusal.reason], {"error": error})


def _page(status: int, headers: bytes = b"") -> ErrorAnswer:
    return ErrorAnswer(status, HTML + headers, html_page(status, _PHRASES.get(status, "Error"), "openresty"))


def _quota(standing: Standing) -> bytes:
    """Return the headers of ai-rate-limiting for tokens, and of limit-count for requests."""
    if standing.metric is Metric.CONCURRENT:
        return b""
    tokens = standing.metric is Metric.TOKENS
    prefix, suffix = ("X-AI-RateLimit", f"-{_INSTANCE}") if tokens else ("X-RateLimit", "")
    values = {"Limit": standing.limit, "Remaining": max(0, standing.remaining), "Reset": ceil(standing.reset_s)}
    return "".join(f"{prefix}-{name}{suffix}: {value}\r\n" for name, value in values.items()).encode()


APISIX = Dialect(
    error_answer=error_answer,
    error_event={"error": {"message": "the upstream closed the connection", "type": "server_error"}},
    hints=Hints(),
)
