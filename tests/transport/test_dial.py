import socket

import pytest
from support import PATIENCE_S, PATIENT, SHORT_S

from relayload.core.model.record import Outcome
from relayload.core.wire.request import Timeouts
from relayload.transport.dial import Dialler
from relayload.transport.drivers import DRIVERS, new_transport
from relayload.transport.failures import Failure, WireError
from relayload.transport.origin import Origin
from relayload.transport.stamps import ArrivalClock


def answer(peer):
    peer.read_request()
    peer.answer()


@pytest.fixture
def dialler_to():
    """Makes diallers to `relay.invalid` on a port."""
    clocks = []

    def new(port):
        clocks.append(ArrivalClock())
        return Dialler(Origin("http", "relay.invalid", port), clocks[-1])

    yield new
    for each in clocks:
        each.close()


def test_ipv6_is_spoken(serve, connect, ask):
    server = serve(answer, host="::1", family=socket.AF_INET6)
    attempt = connect(server.base_url).send(ask(stream=False), PATIENT).attempt

    assert attempt.outcome is Outcome.OK
    assert server.requests[0].headers["host"] == f"[::1]:{server.port}"


def test_a_name_is_looked_up_once_and_timed(serve, connect, ask, resolve_to):
    asked = resolve_to("127.0.0.1")
    server = serve(answer)
    transport = connect(f"http://relay.invalid:{server.port}/v1")
    first, second = (transport.send(ask(stream=False), PATIENT).attempt for _ in range(2))

    assert asked == ["relay.invalid"]
    assert first.dns_s is not None
    assert second.dns_s is None


def test_an_address_is_not_looked_up(serve, connect, ask, resolve_to):
    asked = resolve_to()
    attempt = connect(serve(answer).base_url).send(ask(stream=False), PATIENT).attempt
    assert (attempt.outcome, attempt.dns_s, asked) == (Outcome.OK, None, [])


def test_the_next_address_is_tried_and_the_good_one_remembered(serve, connect, ask, resolve_to):
    resolve_to("127.0.0.9", "::1", "127.0.0.1")
    server = serve(answer)
    transport = connect(f"http://relay.invalid:{server.port}/v1")
    attempts = [transport.send(ask(stream=False), PATIENT).attempt for _ in range(2)]

    assert [attempt.outcome for attempt in attempts] == [Outcome.OK, Outcome.OK]


def test_an_address_that_is_silent_leaves_time_for_the_next(resolve_to, dialler_to, full_port):
    resolve_to("127.0.0.1", "127.0.0.2")
    listener = socket.create_server(("127.0.0.2", full_port))
    with listener:
        dialler = dialler_to(full_port)
        first = dialler.dial(2 * SHORT_S)
        second = dialler.dial(2 * PATIENCE_S)
    assert first.connect_s >= SHORT_S
    assert second.connect_s < PATIENCE_S  # half of the time: the one that answered is tried first now
    first.connection.close()
    second.connection.close()


def test_no_address_that_answers_is_a_connect_timeout(resolve_to, dialler_to, full_port):
    resolve_to("127.0.0.1", "127.0.0.1")
    with pytest.raises(WireError) as raised:
        dialler_to(full_port).dial(0.1)
    assert raised.value.failure is Failure.CONNECT_TIMEOUT


def test_the_total_timeout_also_ends_connecting(connect, ask, full_port):
    attempt = connect(f"http://127.0.0.1:{full_port}/v1").send(ask(), Timeouts(connect_s=5.0, total_s=0.1)).attempt
    assert (attempt.outcome, attempt.error) == (Outcome.TIMED_OUT, "total_timeout")


def test_a_name_nobody_knows_is_unreachable(connect, ask, monkeypatch):
    def lookup(*_args, **_options):
        raise socket.gaierror(socket.EAI_NONAME, "not known")

    monkeypatch.setattr("relayload.transport.resolve.lookup", lookup)
    attempt = connect("http://relay.invalid/v1").send(ask(), PATIENT).attempt
    assert (attempt.outcome, attempt.error) == (Outcome.UNREACHABLE, "dns")


@pytest.fixture
def full_port():
    """A port whose queue of connections is full, so that connecting hangs."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        port = listener.getsockname()[1]
        waiting = [socket.socket() for _ in range(3)]
        for each in waiting:
            each.setblocking(False)
            each.connect_ex(("127.0.0.1", port))
        yield port
        for each in waiting:
            each.close()


@pytest.mark.parametrize("driver", DRIVERS)
def test_neither_driver_follows_the_name_of_this_machine_to_another(ask, resolve_to, driver):
    resolve_to("192.0.2.1")
    transport = new_transport(driver, "http://localhost:9/v1", "sk-test")
    attempt = transport.send(ask(stream=False), PATIENT).attempt
    transport.close()

    assert (attempt.outcome, attempt.error, attempt.sent_at_s) == (Outcome.UNREACHABLE, "foreign_address", None)
