"""The errors of one-api: no codes, no hints, and messages in Chinese.

An unknown model gets a 503 and looks like an outage. A key over its own limit gets an empty 429.
"""

from relayload.fakerelay.dialects.answers import STATUSES, Dialect, ErrorAnswer, Hints, json_error
from relayload.fakerelay.refusals import Occurrence, Reason, Refusal

_STATUSES = {**STATUSES, Reason.UNKNOWN_MODEL: 503}


def error_answer(refusal: Refusal, occurrence: Occurrence) -> ErrorAnswer:
    """Return `{"error": {message, type: one_api_error}}`."""
    if refusal.standing is not None:
        if refusal.standing.per == "key":
            return ErrorAnswer(429, b"", b"")
        return _error(429, "当前分组上游负载已饱和，请稍后再试", occurrence)
    if refusal.reason in (Reason.OVERLOADED, Reason.FAILED):
        status = refusal.status or 503
        return _error(status, f"bad response status code {status}", occurrence)
    messages = {
        Reason.WRONG_KEY: "无效的令牌",
        Reason.UNKNOWN_MODEL: f"当前分组 default 下对于模型 {refusal.model} 无可用渠道",
    }
    return _error(_STATUSES[refusal.reason], messages.get(refusal.reason, refusal.message), occurrence)


def _error(status: int, message: str, occurrence: Occurrence) -> ErrorAnswer:
    text = f"{message} (request id: {occurrence.request_id})"
    return json_error(status, {"error": {"message": text, "type": "one_api_error"}})


ONE_API = Dialect(
    error_answer=error_answer,
    error_event={"error": {"message": "upstream error", "type": "one_api_error"}},
    hints=Hints(),
)
