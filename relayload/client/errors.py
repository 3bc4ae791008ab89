"""The exceptions that a call of the client raises, and whose fault each is."""

from enum import StrEnum

from relayload.core.model.record import Attempt, FailureKind


class Fault(StrEnum):
    """Who has to act."""

    YOURS = "yours"
    """The application: its key, its account, its request."""
    RELAY = "relay"
    NETWORK = "network"
    OWN_RULES = "own rules"
    """The client did not send because of its breaker, quota or deadline."""


class CallFailed(Exception):
    """A request without an answer. The message describes the last attempt and never contains a key."""

    fault = Fault.RELAY

    def __init__(self, message: str, kind: FailureKind | None, attempts: tuple[Attempt, ...]) -> None:
        super().__init__(message, kind, attempts)  # all arguments, so that it can be pickled
        self.message = message
        self.kind = kind
        self.attempts = attempts

    def __str__(self) -> str:
        return self.message

    def __repr__(self) -> str:
        """Leave out the attempts, whose times would make every failure different."""
        return f"{type(self).__name__}({self.message!r})"

    @property
    def status(self) -> int | None:
        """The HTTP status of the last attempt."""
        return self.attempts[-1].status if self.attempts else None

    @property
    def request_id(self) -> str | None:
        """The relay's id of the last attempt, to quote to its operators."""
        return self.attempts[-1].request_id if self.attempts else None


class CallerError(CallFailed):
    """The application has to change something; a retry cannot help."""

    fault = Fault.YOURS


class AuthError(CallerError):
    """The relay does not accept the key, or the key lacks permission."""


class QuotaExhausted(CallerError):
    """The account has nothing left."""


class BadRequest(CallerError):
    """The relay rejects the request: its model, its size or a field."""


class ContentFiltered(CallerError):
    """The relay's content filter refused the request."""


class RelayError(CallFailed):
    """The relay failed, and all allowed retries were used."""


class RateLimited(RelayError):
    """There were too many requests recently."""


class Overloaded(RelayError):
    """The relay is overloaded."""


class ServerError(RelayError):
    """The relay answered with a server error."""


class TimedOut(RelayError):
    """The last attempt got no answer, or no first or next token, within its timeouts or the call's deadline."""


class BrokenStream(RelayError):
    """The answer broke off, or was not an answer."""


class Unreachable(CallFailed):
    """There was no connection to the relay, or it was lost before an answer."""

    fault = Fault.NETWORK


class NotSent(CallFailed):
    """The client itself decided not to send."""

    fault = Fault.OWN_RULES


class CircuitOpen(NotSent):
    """The breaker is open, because the relay failed too often recently."""


class DeadlineExceeded(NotSent):
    """The call's deadline would have passed while it waited for the quota."""


class CutOff(NotSent):
    """The application stopped the batch, or killed the greenlet, while the request was running."""


ERRORS: dict[FailureKind, type[CallFailed]] = {
    FailureKind.RATE_LIMITED: RateLimited,
    FailureKind.QUOTA_EXHAUSTED: QuotaExhausted,
    FailureKind.OVERLOADED: Overloaded,
    FailureKind.SERVER_ERROR: ServerError,
    FailureKind.TIMED_OUT: TimedOut,
    FailureKind.UNREACHABLE: Unreachable,
    FailureKind.BROKEN_STREAM: BrokenStream,
    FailureKind.AUTH: AuthError,
    FailureKind.BAD_REQUEST: BadRequest,
    FailureKind.CONTENT_FILTERED: ContentFiltered,
}
