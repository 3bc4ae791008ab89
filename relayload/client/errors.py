"""What a call of the client raises, and whose fault each is."""

from enum import StrEnum

from relayload.core.model.record import Attempt
from relayload.core.resilience.classify import FailureKind


class Fault(StrEnum):
    """Who has to do something about it."""

    YOURS = "yours"
    """The application: its key, its account, its request."""
    RELAY = "relay"
    NETWORK = "network"
    OWN_RULES = "own rules"
    """The client did not send, since its breaker, its quota or its deadline said so."""


class CallFailed(Exception):
    """A request that got no answer. The message says what came of the last attempt, never a key."""

    fault = Fault.RELAY

    def __init__(self, message: str, kind: FailureKind | None, attempts: tuple[Attempt, ...]) -> None:
        super().__init__(message, kind, attempts)  # all of them, so that it can go from process to process
        self.message = message
        self.kind = kind
        self.attempts = attempts

    def __str__(self) -> str:
        return self.message

    def __repr__(self) -> str:
        """Without the attempts, whose times make each failure another one."""
        return f"{type(self).__name__}({self.message!r})"

    @property
    def status(self) -> int | None:
        """The HTTP status of the last attempt."""
        return self.attempts[-1].status if self.attempts else None

    @property
    def request_id(self) -> str | None:
        """How the relay calls the last attempt: the thing to quote when asking its operators."""
        return self.attempts[-1].request_id if self.attempts else None


class CallerError(CallFailed):
    """The application has to change something: asking again cannot help."""

    fault = Fault.YOURS


class AuthError(CallerError):
    """The relay does not take the key, or the key may not do this."""


class QuotaExhausted(CallerError):
    """The account has nothing left."""


class BadRequest(CallerError):
    """The relay does not take the request: its model, its size, a field."""


class ContentFiltered(CallerError):
    """The relay does not answer this."""


class RelayError(CallFailed):
    """The relay failed, and all that may be tried again was."""


class RateLimited(RelayError):
    """Too many requests for now."""


class Overloaded(RelayError):
    """The relay has more to do than it can."""


class ServerError(RelayError):
    """The relay answered that it failed."""


class TimedOut(RelayError):
    """The last attempt had no answer, no first token or no next one within its timeouts or the call's deadline."""


class BrokenStream(RelayError):
    """The answer broke off, or was none."""


class Unreachable(CallFailed):
    """No connection to the relay, or it was lost before an answer."""

    fault = Fault.NETWORK


class NotSent(CallFailed):
    """The client itself decided not to send."""

    fault = Fault.OWN_RULES


class CircuitOpen(NotSent):
    """The breaker is open: the relay failed too often just now."""


class DeadlineExceeded(NotSent):
    """The call's deadline would have passed while it waited for the quota."""


class CutOff(NotSent):
    """The application stopped the batch, or killed the greenlet, while this request was on its way."""


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
