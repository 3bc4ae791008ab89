"""TLS through memory buffers, against a server that checks what it is shown."""

import os
import ssl
from typing import Any

import pytest
from support import PATIENT, until

from relayload.core.errors import AuthorError
from relayload.core.model.record import Outcome
from relayload.core.wire.request import Timeouts
from relayload.transport.origin import Origin
from relayload.transport.tls import target_context


def test_a_stream_is_read_over_tls_and_the_connection_kept(serve, connect, ask, certificates):
    server = serve(lambda peer: peer.answer_with_streams(), certificates.server_context())
    transport = connect(server.base_url, ca_file=certificates.authority)
    first, second = (transport.send(ask(), PATIENT).attempt for _ in range(2))

    assert (first.outcome, first.chunks, second.outcome) == (Outcome.OK, 5, Outcome.OK)
    assert first.tls_s > 0
    assert second.tls_s is None
    assert server.connections == 1
    assert first.sent_bytes > len(server.requests[0].head) + len(server.requests[0].body)


def test_big_requests_and_answers_go_through_tls(serve, connect, ask, certificates):
    def script(peer):
        assert len(peer.read_request().body) > 1_000_000
        peer.begin_stream()
        peer.send_event("x" * 1_000_000)
        peer.end_stream()

    server = serve(script, certificates.server_context())
    answer = connect(server.base_url, ca_file=certificates.authority).send(
        ask("y" * 1_000_000), PATIENT, keep_text=True
    )
    assert answer.attempt.outcome is Outcome.OK
    assert len(answer.text) == 1_000_000


def test_stamps_survive_tls(serve, connect, ask, certificates):
    def script(peer):
        peer.read_request()
        peer.begin_stream()
        peer.send_event("a")
        peer.end_stream()

    server = serve(script, certificates.server_context())
    transport = connect(server.base_url, ca_file=certificates.authority)
    transport.send(ask(), PATIENT)
    assert transport.kernel_timestamps


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_the_server_is_shown_the_name_it_is_called_by(serve, connect, ask, certificates, host):
    names = []
    context = certificates.server_context()
    context.sni_callback = lambda _sock, name, _context: names.append(name)
    server = serve(lambda peer: peer.answer_with_streams(), context)
    base_url = server.base_url.replace("127.0.0.1", host)
    attempt = connect(base_url, ca_file=certificates.authority).send(ask(), PATIENT).attempt

    assert attempt.outcome is Outcome.OK
    assert names == [None if host == "127.0.0.1" else host]  # addresses are no names (RFC 6066)


def test_a_certificate_of_an_unknown_authority_is_refused(serve, connect, ask, certificates):
    server = serve(lambda peer: peer.answer_with_streams(), certificates.server_context())
    attempt = connect(server.base_url).send(ask(), PATIENT).attempt

    assert (attempt.outcome, attempt.error) == (Outcome.UNREACHABLE, "tls_certificate")
    assert server.requests == []


def test_a_certificate_of_another_name_is_refused(serve, connect, ask, certificates, resolve_to):
    resolve_to("127.0.0.1")
    server = serve(lambda peer: peer.answer_with_streams(), certificates.server_context())
    transport = connect(server.base_url.replace("127.0.0.1", "relay.invalid"), ca_file=certificates.authority)
    attempt = transport.send(ask(), PATIENT).attempt

    assert (attempt.outcome, attempt.error) == (Outcome.UNREACHABLE, "tls_certificate")


def test_verification_can_be_switched_off_but_not_in_silence(serve, connect, ask, certificates, caplog):
    server = serve(lambda peer: peer.answer_with_streams(), certificates.server_context())
    attempt = connect(server.base_url, verify=False).send(ask(), PATIENT).attempt

    assert attempt.outcome is Outcome.OK
    assert "NOT verified" in caplog.text


def test_a_client_certificate_is_shown(serve, connect, ask, certificates):
    server = serve(lambda peer: peer.answer_with_streams(), certificates.server_context(ask_client=True))
    shown = connect(server.base_url, ca_file=certificates.authority, client_cert=certificates.client)
    not_shown = connect(server.base_url, ca_file=certificates.authority)

    assert shown.send(ask(), PATIENT).attempt.outcome is Outcome.OK
    assert not_shown.send(ask(), PATIENT).attempt.outcome is Outcome.UNREACHABLE


def test_a_server_without_tls_is_unreachable_by_it(serve, connect, ask):
    def script(peer):
        peer.sock.recv(100)
        peer.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        peer.wait_for_close()

    base_url = serve(script).base_url.replace("http:", "https:")
    attempt = connect(base_url).send(ask(), PATIENT).attempt
    assert (attempt.outcome, attempt.error) == (Outcome.UNREACHABLE, "tls")


def test_a_server_that_hangs_up_on_a_handshake_is_unreachable(serve, connect, ask):
    base_url = serve(lambda peer: peer.sock.recv(65_536)).base_url.replace("http:", "https:")
    attempt = connect(base_url).send(ask(), PATIENT).attempt
    assert (attempt.outcome, attempt.error) == (Outcome.UNREACHABLE, "connect")


def test_a_handshake_that_takes_too_long_is_a_connect_timeout(serve, connect, ask):
    base_url = serve(lambda peer: peer.wait_for_close()).base_url.replace("http:", "https:")
    attempt = connect(base_url).send(ask(), Timeouts(connect_s=0.05)).attempt
    assert (attempt.outcome, attempt.error) == (Outcome.UNREACHABLE, "connect_timeout")


def test_a_connection_cut_inside_tls_is_a_broken_stream(serve, connect, ask, certificates):
    def script(peer):
        peer.read_request()
        peer.begin_stream()
        peer.send_event("a")
        peer.wait_until_heard()
        peer.sock.unwrap()

    server = serve(script, certificates.server_context())
    attempt = connect(server.base_url, verify=False).send(ask(), PATIENT, on_text=server.heard).attempt
    assert (attempt.outcome, attempt.error, attempt.chunks) == (Outcome.BROKEN_STREAM, "truncated", 1)


def test_a_record_that_cannot_be_read_breaks_the_stream(serve, connect, ask, certificates):
    def script(peer):
        peer.read_request()
        peer.begin_stream()
        peer.send_event("a")
        peer.wait_until_heard()
        os.write(peer.sock.fileno(), b"no record of TLS")
        peer.wait_for_close()

    server = serve(script, certificates.server_context())
    attempt = connect(server.base_url, verify=False).send(ask(), PATIENT, on_text=server.heard).attempt
    assert (attempt.outcome, attempt.error, attempt.chunks) == (Outcome.BROKEN_STREAM, "reset", 1)


def test_an_idle_tls_connection_that_was_closed_is_not_used_again(serve, connect, ask, certificates):
    def script(peer):
        peer.read_request()
        peer.answer()
        peer.sock.unwrap()

    server = serve(script, certificates.server_context())
    transport = connect(server.base_url, verify=False)
    for _ in range(2):
        assert transport.send(ask(stream=False), PATIENT).attempt.outcome is Outcome.OK
        until(lambda: server.closed.acquire(blocking=False))
    assert server.connections == 2


@pytest.mark.parametrize("option", ["ca_file", "client_cert"])
@pytest.mark.parametrize("content", [None, "", "no certificate"])
def test_a_file_that_is_no_certificate_is_the_authors_fault(tmp_path, option, content):
    file = tmp_path / "certificate.pem"
    if content is not None:
        file.write_text(content)
    with pytest.raises(AuthorError, match=option):
        target_context(Origin("https", "relay.invalid", 443), **{option: file})


@pytest.mark.parametrize("option", ["ca_file", "client_cert"])
def test_certificates_are_read_from_a_regular_file(option):
    wrong: dict[str, Any] = {option: "/dev/zero"}
    with pytest.raises(AuthorError, match=f"{option}: cannot be used: .*is not a regular file"):
        target_context(Origin("https", "relay.invalid", 443), **wrong)


def test_only_http_1_is_offered(serve, connect, ask, certificates):
    context = certificates.server_context()
    context.set_alpn_protocols(["h2", "http/1.1"])
    chosen = []

    def script(peer):
        chosen.append(peer.sock.selected_alpn_protocol())
        peer.answer_with_streams()

    connect(serve(script, context).base_url, verify=False).send(ask(), PATIENT)
    assert chosen == ["http/1.1"]
    assert ssl.HAS_ALPN
