"""What can go wrong on the wire, with stable names, and the outcome of each. Both drivers use this one table."""

import errno
import socket
import ssl
from enum import StrEnum

from relayload.core.model.record import Outcome
from relayload.core.wire.answers import AnswerFlaw
from relayload.core.wire.stream import StreamFlaw
from relayload.transport.resolve import ForeignAddress


class Failure(StrEnum):
    """The `error` of an attempt without a complete HTTP response. With one, the error is `http_<status>`."""

    NO_FILES = "no_files"
    """This process may open no more files, which is not the relay's fault."""
    NO_PORTS = "no_ports"
    """This machine has no free port left to connect from, which is not the relay's fault either."""
    DNS = "dns"
    FOREIGN_ADDRESS = "foreign_address"
    """`localhost` resolved to another machine, which must not receive load."""
    CONNECT = "connect"
    CONNECT_TIMEOUT = "connect_timeout"
    TLS = "tls"
    TLS_CERTIFICATE = "tls_certificate"
    PROXY = "proxy"
    CLOSED_UNANSWERED = "closed_unanswered"
    RESET_UNANSWERED = "reset_unanswered"
    NOT_HTTP = "not_http"
    ENCODING = "encoding"
    TOO_LARGE = "too_large"
    """The answer exceeds one of the client's limits."""
    RESET = "reset"
    TRUNCATED = "truncated"
    FIRST_TOKEN_TIMEOUT = "first_token_timeout"
    GAP_TIMEOUT = "gap_timeout"
    TOTAL_TIMEOUT = "total_timeout"
    CANCELLED = "cancelled"
    """The client hung up on purpose."""


OUTCOMES: dict[Failure | AnswerFlaw | StreamFlaw, Outcome] = {
    Failure.NO_FILES: Outcome.UNREACHABLE,
    Failure.NO_PORTS: Outcome.UNREACHABLE,
    Failure.DNS: Outcome.UNREACHABLE,
    Failure.FOREIGN_ADDRESS: Outcome.UNREACHABLE,
    Failure.CONNECT: Outcome.UNREACHABLE,
    Failure.CONNECT_TIMEOUT: Outcome.UNREACHABLE,
    Failure.TLS: Outcome.UNREACHABLE,
    Failure.TLS_CERTIFICATE: Outcome.UNREACHABLE,
    Failure.PROXY: Outcome.UNREACHABLE,
    Failure.CLOSED_UNANSWERED: Outcome.UNREACHABLE,
    Failure.RESET_UNANSWERED: Outcome.UNREACHABLE,
    Failure.NOT_HTTP: Outcome.BROKEN_STREAM,
    Failure.ENCODING: Outcome.BROKEN_STREAM,
    Failure.TOO_LARGE: Outcome.BROKEN_STREAM,
    Failure.RESET: Outcome.BROKEN_STREAM,
    Failure.TRUNCATED: Outcome.BROKEN_STREAM,
    Failure.FIRST_TOKEN_TIMEOUT: Outcome.TIMED_OUT,
    Failure.GAP_TIMEOUT: Outcome.TIMED_OUT,
    Failure.TOTAL_TIMEOUT: Outcome.TIMED_OUT,
    Failure.CANCELLED: Outcome.CANCELLED,
    AnswerFlaw.ERROR_BODY: Outcome.SERVER_ERROR,
    AnswerFlaw.FAILED_FINISH: Outcome.SERVER_ERROR,
    AnswerFlaw.MALFORMED_BODY: Outcome.BROKEN_STREAM,
    AnswerFlaw.NO_CHOICES: Outcome.SERVER_ERROR,
    AnswerFlaw.NO_OUTPUT: Outcome.SERVER_ERROR,
    AnswerFlaw.NOT_A_STREAM: Outcome.BROKEN_STREAM,
    StreamFlaw.ERROR_EVENT: Outcome.SERVER_ERROR,
    StreamFlaw.MALFORMED_EVENT: Outcome.BROKEN_STREAM,
    StreamFlaw.FAILED_FINISH: Outcome.SERVER_ERROR,
    StreamFlaw.NO_FINISH: Outcome.BROKEN_STREAM,
    StreamFlaw.NO_OUTPUT: Outcome.SERVER_ERROR,
}
"""The outcome of each failure. `error_body` and `error_event` are judged by the status they name, if any."""

_ERRORS: tuple[tuple[type[OSError], Failure], ...] = (  # the first match counts
    (ForeignAddress, Failure.FOREIGN_ADDRESS),
    (TimeoutError, Failure.CONNECT_TIMEOUT),
    (socket.gaierror, Failure.DNS),
    (ssl.SSLCertVerificationError, Failure.TLS_CERTIFICATE),
    (ssl.SSLEOFError, Failure.CONNECT),  # the peer hangs up within the handshake
    (ssl.SSLError, Failure.TLS),
    (OSError, Failure.CONNECT),
)

_STARVED = {errno.EMFILE: Failure.NO_FILES, errno.ENFILE: Failure.NO_FILES, errno.EADDRNOTAVAIL: Failure.NO_PORTS}


class WireError(Exception):
    """An attempt failed. Never leaves this package."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.value)
        self.failure = failure


def dial_failure(error: OSError) -> Failure:
    """Return the failure that an error while connecting means."""
    if error.errno in _STARVED and not isinstance(error, socket.gaierror):
        return _STARVED[error.errno]
    return next(failure for kind, failure in _ERRORS if isinstance(error, kind))


def exchange_failure(error: OSError, *, answered: bool) -> Failure:
    """Return the failure that an error on a connection means; `answered` if a byte of the response had arrived."""
    if isinstance(error, ssl.SSLError) and not answered:
        return Failure.TLS  # our certificate may be refused after the handshake
    return Failure.RESET if answered else Failure.RESET_UNANSWERED
