"""Why a relay does not answer, before any dialect has put it into words."""

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
    """What was asked for by its id is not there."""
    WRONG_METHOD = "wrong_method"
    LIMITED = "limited"
    OVERLOADED = "overloaded"
    """No slot is free, nor a place to wait for one."""
    FAILED = "failed"
    """Something broke behind the relay."""


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
        """In OpenAI's words, where there is a closer one than that of the reason."""
        self.model = model
        self.standing = standing
        """Of the limit that was run into."""
        self.status = status
        """Of what broke behind the relay."""


@dataclass(frozen=True, slots=True)
class Occurrence:
    """When and to which request it happened, which some relays tell."""

    request_id: str
    wall_s: float
