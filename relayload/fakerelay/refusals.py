"""Refusals: why the relay does not answer, independent of the dialect."""

from dataclasses import dataclass
from enum import StrEnum

from relayload.fakerelay.limits import Standing


class Reason(StrEnum):
    """Why there is no answer."""

    BAD_JSON = "bad_json"
    BAD_VALUE = "bad_value"
    TOO_LARGE = "too_large"
    WRONG_KEY = "wrong_key"
    UNKNOWN_MODEL = "unknown_model"
    UNKNOWN_PATH = "unknown_path"
    NOT_FOUND = "not_found"
    """There is no object with the requested id."""
    WRONG_METHOD = "wrong_method"
    LIMITED = "limited"
    OVERLOADED = "overloaded"
    """No slot is free, and the queue is full."""
    FAILED = "failed"
    """An upstream of the relay failed."""


class Refusal(Exception):
    """The relay will not serve this request."""

    def __init__(
        self,
        reason: Reason,
        message: str = "",
        *,
        param: str | None = None,
        code: str | None = None,
        model: str | None = None,
        standing: Standing | None = None,
        status: int | None = None,
    ) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.param = param
        self.code = code
        """OpenAI's error code, if there is a more specific one than that of the reason."""
        self.model = model
        self.standing = standing
        """The state of the limit that was exceeded."""
        self.status = status
        """The status of an upstream failure."""


@dataclass(frozen=True, slots=True)
class Occurrence:
    """The time and the request id of an error, which some relays include."""

    request_id: str
    wall_s: float
