"""How a relay words its errors: status, headers and body, each in the dialect of a relay that exists."""

from dataclasses import dataclass

from msgspec.json import encode

from relayload.fakerelay.asks import Reason, Refusal

JSON = b"content-type: application/json\r\n"


@dataclass(frozen=True, slots=True)
class ErrorAnswer:
    """A response that is not an answer; `headers` are whole lines."""

    status: int
    headers: bytes
    body: bytes


_OPENAI = {
    Reason.BAD_JSON: (400, "invalid_request_error", None),
    Reason.BAD_VALUE: (400, "invalid_request_error", "invalid_value"),
    Reason.TOO_LARGE: (413, "invalid_request_error", "request_too_large"),
    Reason.WRONG_KEY: (401, "invalid_request_error", "invalid_api_key"),
    Reason.UNKNOWN_MODEL: (404, "invalid_request_error", "model_not_found"),
    Reason.UNKNOWN_PATH: (404, "invalid_request_error", "unknown_url"),
    Reason.WRONG_METHOD: (405, "invalid_request_error", "method_not_supported"),
}


def error_answer(refusal: Refusal) -> ErrorAnswer:
    """A refusal in the words of OpenAI's own endpoint."""
    status, kind, code = _OPENAI[refusal.reason]
    error = {"message": refusal.message, "type": kind, "param": refusal.param, "code": code}
    return ErrorAnswer(status, JSON, encode({"error": error}))
