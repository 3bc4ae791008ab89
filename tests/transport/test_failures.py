import errno
import socket
import ssl

import pytest

from relayload.core.model.health import STARVED
from relayload.core.model.record import Outcome, outcome_of_status
from relayload.core.wire.answers import AnswerFlaw
from relayload.core.wire.stream import StreamFlaw
from relayload.transport.failures import (
    OUTCOMES,
    Failure,
    dial_failure,
    exchange_failure,
)


def test_everything_that_can_go_wrong_has_an_outcome():
    assert set(OUTCOMES) == {*Failure, *AnswerFlaw, *StreamFlaw}
    assert Outcome.OK not in OUTCOMES.values()


@pytest.mark.parametrize(
    ("error", "failure"),
    [
        (socket.gaierror(), Failure.DNS),
        (TimeoutError(), Failure.CONNECT_TIMEOUT),
        (OSError(errno.ETIMEDOUT, ""), Failure.CONNECT_TIMEOUT),
        (ConnectionRefusedError(), Failure.CONNECT),
        (OSError(errno.EHOSTUNREACH, ""), Failure.CONNECT),
        (OSError(errno.EMFILE, ""), Failure.NO_FILES),
        (OSError(errno.EADDRNOTAVAIL, ""), Failure.NO_PORTS),
        (ssl.SSLCertVerificationError(), Failure.TLS_CERTIFICATE),
        (ssl.SSLError(), Failure.TLS),
    ],
)
def test_errors_of_connecting_have_names(error, failure):
    assert dial_failure(error) is failure


@pytest.mark.parametrize(
    ("error", "answered", "failure"),
    [
        (ConnectionResetError(errno.ECONNRESET, ""), True, Failure.RESET),
        (ConnectionResetError(errno.ECONNRESET, ""), False, Failure.RESET_UNANSWERED),
        (BrokenPipeError(errno.EPIPE, ""), False, Failure.RESET_UNANSWERED),
        (OSError(errno.ETIMEDOUT, ""), False, Failure.RESET_UNANSWERED),
        (ssl.SSLError(), False, Failure.TLS),
        (ssl.SSLError(), True, Failure.RESET),
    ],
)
def test_errors_of_a_connection_have_names(error, answered, failure):
    assert exchange_failure(error, answered=answered) is failure


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (200, Outcome.OK),
        (204, Outcome.OK),
        (307, Outcome.REJECTED),
        (400, Outcome.REJECTED),
        (429, Outcome.RATE_LIMITED),
        (499, Outcome.REJECTED),
        (500, Outcome.SERVER_ERROR),
        (501, Outcome.REJECTED),
        (529, Outcome.SERVER_ERROR),
    ],
)
def test_the_status_alone_has_an_outcome(status, outcome):
    assert outcome_of_status(status) is outcome


def test_the_errors_of_this_machine_are_those_that_make_a_run_invalid():
    assert {Failure.NO_FILES.value, Failure.NO_PORTS.value} == STARVED
