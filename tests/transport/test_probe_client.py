import gzip
import zlib

import pytest

from relayload.fakerelay.process import FakeRelay
from relayload.transport.probe_client import TargetUnreachable, models

KEY = "sk-do-not-tell"


def test_the_models_of_a_relay_are_listed_in_its_order():
    with FakeRelay.start("o-series", api_key=KEY) as relay:
        names = models(relay.base_url, KEY)
    assert names[0] == "o3"
    assert "text-embedding-3-small" in names


@pytest.fixture
def answering(serve):
    """A server that answers once with this body and status; returns its base URL."""

    def start(body, status="200 OK"):
        def script(peer):
            peer.read_request()
            peer.answer(body, status)

        return serve(script)

    return start


def test_the_question_is_a_get_with_the_key(answering):
    server = answering(b'{"data":[{"id":"a"},{"id":"b"}]}')
    assert models(server.base_url, KEY, {"headers": {"x-team": "a"}}) == ("a", "b")
    (request,) = server.requests
    assert request.head.startswith("GET /v1/models HTTP/1.1")
    assert (request.headers["authorization"], request.headers["x-team"]) == (f"Bearer {KEY}", "a")


def test_a_query_and_a_header_for_the_key_go_with_the_question(answering):
    server = answering(b'{"data":[{"id":"a"}]}')
    base_url = f"{server.base_url}/openai/deployments/o3?api-version=2024-10-21"
    assert models(base_url, KEY, {"api_key_header": "api-key", "headers": {"Api-Version": "2"}}) == ("a",)
    (request,) = server.requests
    assert request.head.startswith("GET /v1/openai/deployments/o3/models?api-version=2024-10-21 HTTP/1.1")
    assert (request.headers["api-key"], request.headers["api-version"]) == (KEY, "2")
    assert "authorization" not in request.headers


@pytest.mark.parametrize(
    ("body", "status", "told"),
    [
        (b'{"error":{"message":"no such key"}}', "401 Unauthorized", "answers 401 to GET /models (no such key)"),
        (b"<html>", "404 Not Found", "answers 404 to GET /models"),
        (b"<html>", "200 OK", "answers GET /models with no list of models"),
        (b'{"data":[{"name":"a"}]}', "200 OK", "answers GET /models with no list of models"),
        (b'{"data":[{"id":7}]}', "200 OK", "answers GET /models with no list of models"),
    ],
)
def test_what_is_no_list_of_models_is_told(answering, body, status, told):
    server = answering(body, status)
    with pytest.raises(TargetUnreachable) as caught:
        models(server.base_url, KEY)
    assert str(caught.value) == f"target {server.base_url} {told}"


def test_nobody_there_is_told():
    with pytest.raises(TargetUnreachable, match=r"nothing listens on 127\.0\.0\.1:1"):
        models("http://127.0.0.1:1/v1", KEY)


def test_the_name_of_this_machine_is_not_followed_to_another(resolve_to):
    resolve_to("192.0.2.1")
    with pytest.raises(TargetUnreachable, match="localhost:9: 'localhost' leads to another machine"):
        models("http://localhost:9/v1", "sk-test")


def test_a_target_with_tls_is_asked_through_a_tunnel(serve, certificates, monkeypatch):
    def script(peer):
        peer.read_request()
        peer.send(b"HTTP/1.1 200 Connection established\r\n\r\n")
        peer.start_tls(certificates.server_context())
        peer.read_request()
        peer.answer(b'{"data":[{"id":"a"}]}')

    proxy = serve(script)
    monkeypatch.setenv("HTTPS_PROXY", proxy.base_url.removesuffix("/v1").replace("http://", "http://me:secret@"))
    assert models("https://relay.invalid/v1", KEY, {"verify": False}) == ("a",)
    asked, request = proxy.requests
    assert (asked.head.split()[1], "authorization" in asked.headers) == ("relay.invalid:443", False)
    assert "proxy-authorization" in asked.headers
    assert (request.head.split()[1], request.headers["host"]) == ("/v1/models", "relay.invalid")
    assert "proxy-authorization" not in request.headers


def test_a_proxy_that_opens_no_tunnel_is_told(serve, monkeypatch):
    def script(peer):
        peer.read_request()
        peer.send(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")

    monkeypatch.setenv("HTTPS_PROXY", serve(script).base_url.removesuffix("/v1"))
    with pytest.raises(TargetUnreachable, match=r"the proxy 127\.0\.0\.1:\d+ refuses to let us through"):
        models("https://relay.invalid/v1", KEY)


@pytest.mark.parametrize(
    ("encoding", "body"),
    [("gzip", gzip.compress(b'{"data":[{"id":"a"}]}', mtime=0)), ("deflate", zlib.compress(b'{"data":[{"id":"a"}]}'))],
)
def test_relays_that_compress_though_nobody_asked_are_read(serve, encoding, body):
    def script(peer):
        peer.read_request()
        peer.answer(body, headers=f"content-encoding: {encoding}\r\n")

    assert models(serve(script).base_url, KEY) == ("a",)


@pytest.mark.parametrize(
    ("options", "sent"),
    [({}, "identity"), ({"accept_encoding": "gzip, br"}, "gzip, br"), ({"accept_encoding": None}, None)],
)
def test_the_encodings_are_asked_for_as_those_of_the_load(answering, options, sent):
    server = answering(b'{"data":[{"id":"a"}]}')
    models(server.base_url, KEY, options)
    assert server.requests[0].headers.get("accept-encoding") == sent


@pytest.mark.parametrize(
    ("encoding", "body", "said"),
    [
        ("br", b"\x0b\x01\x80a\x03", "sends a content encoding that can't be undone"),
        ("gzip", gzip.compress(bytes(40_000_000), mtime=0), "no list of models"),
    ],
    ids=["not asked for", "a bomb"],
)
def test_encodings_that_cannot_be_undone_are_told_in_one_line(serve, encoding, body, said):
    def script(peer):
        peer.read_request()
        peer.answer(body, headers=f"content-encoding: {encoding}\r\n")

    with pytest.raises(TargetUnreachable, match=said):
        models(serve(script).base_url, KEY)
