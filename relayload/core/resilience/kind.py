"""What an attempt came to, as a client has to know it: finer than the outcome, since what to do next depends on it."""

from enum import StrEnum


class Kind(StrEnum):
    """Whose fault an answer was, and whether asking again can help."""

    OK = "ok"
    RATE_LIMITED = "rate_limited"
    """Too many requests for now."""
    QUOTA_EXHAUSTED = "quota_exhausted"
    """The account has nothing left: asking again cannot help."""
    OVERLOADED = "overloaded"
    SERVER_ERROR = "server_error"
    TIMED_OUT = "timed_out"
    UNREACHABLE = "unreachable"
    BROKEN_STREAM = "broken_stream"
    AUTH = "auth"
    BAD_REQUEST = "bad_request"
    CONTENT_FILTERED = "content_filtered"
    CANCELLED = "cancelled"
    """We hung up on purpose: no error of anybody."""
