import base64
import socket

import gevent
import pytest
from support import PATIENCE_S, PATIENT

from relayload.core.errors import AuthorError
from relayload.core.model.record import Outcome
from relayload.transport.failures import WireError
from relayload.transport.origin import Origin
from relayload.transport.proxy import Proxy, open_tunnel, proxy_for

PLAIN = Origin("http", "relay.example", 80)
SECURE = Origin("https", "relay.example", 443)
PROXY = Origin("http", "proxy.example", 3128)
VARIABLES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "REQUEST_METHOD")


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch):
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.mark.parametrize(
    ("environment", "target", "proxy"),
    [
        ({}, PLAIN, None),
        ({"HTTP_PROXY": "http://proxy.example:3128"}, PLAIN, Proxy(PROXY)),
        ({"HTTP_PROXY": "http://proxy.example:3128"}, SECURE, None),
        ({"https_proxy": "http://proxy.example:3128/"}, SECURE, Proxy(PROXY)),
        ({"ALL_PROXY": "proxy.example:3128"}, SECURE, Proxy(PROXY)),
        ({"ALL_PROXY": "http://proxy.example:3128", "NO_PROXY": "other,relay.example"}, SECURE, None),
        ({"ALL_PROXY": "http://proxy.example:3128", "NO_PROXY": ".example"}, SECURE, None),
        ({"ALL_PROXY": "http://proxy.example:3128", "NO_PROXY": "relay.example:8443"}, SECURE, Proxy(PROXY)),
        ({"ALL_PROXY": "http://proxy.example:3128", "NO_PROXY": "*"}, SECURE, None),
        ({"HTTP_PROXY": "http://proxy.example:3128"}, Origin("http", "127.0.0.1", 8000), None),
        ({"HTTP_PROXY": "http://proxy.example:3128"}, Origin("http", "localhost", 8000), None),
        ({"HTTP_PROXY": "http://proxy.example:3128"}, Origin("http", "::1", 8000), None),
    ],
)
def test_the_environment_names_the_proxy(monkeypatch, environment, target, proxy):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert proxy_for(target) == proxy


def test_credentials_are_shown_to_the_proxy(monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://me:p%40ss@proxy.example:3128")
    assert proxy_for(PLAIN) == Proxy(PROXY, "Basic " + base64.b64encode(b"me:p@ss").decode())


@pytest.mark.parametrize("url", ["https://proxy.example", "socks5://proxy.example:1080", "http://"])
def test_a_proxy_that_cannot_be_used_is_the_authors_fault(monkeypatch, url):
    monkeypatch.setenv("HTTP_PROXY", url)
    with pytest.raises(AuthorError, match="http_proxy"):
        proxy_for(PLAIN)


def use_proxy(monkeypatch, server, credentials=""):
    url = server.base_url.removesuffix("/v1").replace("http://", f"http://{credentials}")
    monkeypatch.setenv("ALL_PROXY", url)


def test_a_proxy_reads_plain_requests(serve, connect, ask, monkeypatch):
    def script(peer):
        peer.read_request()
        peer.answer()

    proxy = serve(script)
    use_proxy(monkeypatch, proxy, "me:secret@")
    attempt = connect("http://relay.invalid:8000/v1").send(ask(stream=False), PATIENT).attempt

    assert attempt.outcome is Outcome.OK
    (request,) = proxy.requests
    assert request.head.splitlines()[0] == "POST http://relay.invalid:8000/v1/chat/completions HTTP/1.1"
    assert request.headers["host"] == "relay.invalid:8000"
    assert request.headers["proxy-authorization"] == "Basic " + base64.b64encode(b"me:secret").decode()


def test_a_proxy_opens_a_tunnel_for_tls(serve, connect, ask, certificates, monkeypatch):
    def script(peer):
        peer.read_request()
        peer.send(b"HTTP/1.1 200 Connection established\r\nvia: 1.1 proxy\r\n\r\n")
        peer.start_tls(certificates.server_context())
        peer.read_request()
        peer.answer()

    proxy = serve(script)
    use_proxy(monkeypatch, proxy)
    attempt = connect("https://relay.invalid/v1", verify=False).send(ask(stream=False), PATIENT).attempt

    assert attempt.outcome is Outcome.OK
    asked, request = proxy.requests
    assert asked.head.splitlines()[0] == "CONNECT relay.invalid:443 HTTP/1.1"
    assert "authorization" not in asked.headers
    assert request.head.splitlines()[0] == "POST /v1/chat/completions HTTP/1.1"
    assert "proxy-authorization" not in request.headers


def test_a_tunnel_closed_just_then_is_replaced_in_silence(serve, connect, ask, certificates, monkeypatch):
    def script(peer):
        peer.read_request()
        peer.send(b"HTTP/1.1 200 Connection established\r\n\r\n")
        peer.start_tls(certificates.server_context())
        peer.read_request()
        peer.answer()

    proxy = serve(script)
    use_proxy(monkeypatch, proxy)
    transport = connect("https://relay.invalid/v1", verify=False)
    for _ in range(2):
        assert transport.send(ask(stream=False), PATIENT).attempt.outcome is Outcome.OK
        assert proxy.closed.acquire(timeout=PATIENCE_S)  # closed, but the loop has had no time to see it
    assert proxy.connections == 2


@pytest.mark.parametrize(
    ("refusal", "error"),
    [
        (b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", "proxy"),
        (b"HTTP/1.1 502 Bad Gateway\r\n\r\n", "proxy"),
        (b"hello\r\n\r\n", "proxy"),
        (b"x" * 70_000, "proxy"),
        (b"", "connect"),
    ],
)
def test_a_proxy_that_refuses_makes_the_relay_unreachable(serve, connect, ask, monkeypatch, refusal, error):
    def script(peer):
        peer.read_request()
        peer.send(refusal)

    use_proxy(monkeypatch, serve(script))
    attempt = connect("https://relay.invalid/v1").send(ask(), PATIENT).attempt
    assert (attempt.outcome, attempt.error) == (Outcome.UNREACHABLE, error)


def test_a_proxy_that_always_has_more_to_say_holds_up_nobody():
    here, there = socket.socketpair()
    with here, there:
        here.setblocking(False)
        there.sendall(b"HTTP/1.1 200 OK\r\nx-a: " + b"a" * 70_000)
        asking = gevent.spawn(open_tunnel, here, Proxy(PROXY), SECURE)
        turns = 0
        while not asking.ready():
            turns += 1
            gevent.sleep(0)
        with pytest.raises(WireError):
            asking.get()
    assert turns > 100
