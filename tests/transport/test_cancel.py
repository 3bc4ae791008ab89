import pytest
from support import PATIENCE_S, SHORT_S

from relayload.core.model.record import Outcome
from relayload.core.wire.request import Timeouts
from relayload.transport.drivers import new_transport


def endless(peer):
    peer.read_request()
    peer.begin_stream()
    for _ in range(5):
        peer.send_event("a")
    peer.wait_for_close()


@pytest.mark.parametrize(
    ("driver", "timeouts", "least"),
    [
        ("native", Timeouts(cancel_after_tokens=3), 3),
        ("openai", Timeouts(cancel_after_tokens=3), 3),
        ("native", Timeouts(cancel_after_s=SHORT_S), 1),  # the SDK's instants need a patched standard library
    ],
)
def test_a_client_hangs_up_as_it_was_told_and_that_is_no_failure(serve, ask, driver, timeouts, least):
    server = serve(endless)
    transport = new_transport(
        driver,
        server.base_url,
        "sk-fake",
    )
    attempt = transport.send(ask(), timeouts).attempt
    transport.close()
    assert (attempt.outcome, attempt.error) == (Outcome.CANCELLED, "cancelled")
    assert attempt.chunks >= least
    assert attempt.ttft_s is not None
    assert server.closed.acquire(timeout=PATIENCE_S)


def test_an_answer_that_is_there_before_is_not_cancelled(serve, connect, ask):
    def script(peer):
        peer.read_request()
        peer.begin_stream()
        peer.send_event("a")
        peer.end_stream()

    timeouts = Timeouts(cancel_after_s=PATIENCE_S, cancel_after_tokens=9)
    assert connect(serve(script).base_url).send(ask(), timeouts).attempt.outcome is Outcome.OK
