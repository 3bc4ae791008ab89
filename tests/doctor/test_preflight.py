import json
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from certificates import Certificates

from relayload.doctor.preflight import preflight
from relayload.transport.asking import TargetUnreachable

KEY = "sk-do-not-tell"
Answers = Callable[[str, str], tuple[int, bytes]]


@contextmanager
def server(answers: Answers, context: ssl.SSLContext | None = None) -> Iterator[str]:
    """A little HTTP server on a free port, over TLS with a context; yields its root URL."""

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, body = answers(self.command, self.path)
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = answer  # noqa: N815 -- the names http.server looks for

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as httpd:
        if context is not None:
            httpd.socket = context.wrap_socket(httpd.socket, server_side=True)
        thread = Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"{'https' if context else 'http'}://127.0.0.1:{httpd.server_port}"
        finally:
            httpd.shutdown()
            thread.join()


def complaint(base_url: str) -> str:
    with pytest.raises(TargetUnreachable) as caught:
        preflight(base_url, KEY)
    assert KEY not in str(caught.value)
    return str(caught.value)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def test_a_relay_that_lists_its_models_passes() -> None:
    with server(lambda method, path: (200, b'{"data": []}')) as url:
        preflight(f"{url}/v1", KEY)


@pytest.mark.parametrize("endpoint", ["/chat/completions", "/responses", "/embeddings"])
def test_a_relay_without_a_list_of_models_passes_if_it_has_an_endpoint_of_ours(endpoint: str) -> None:
    def answers(method: str, path: str) -> tuple[int, bytes]:
        return (400, b"{}") if (method, path) == ("POST", f"/v1{endpoint}") else (404, b"")

    with server(answers) as url:
        preflight(f"{url}/v1", KEY)


def test_a_failing_relay_is_there() -> None:
    with server(lambda method, path: (503, b"busy")) as url:
        preflight(f"{url}/v1", KEY)


def test_nothing_listening_is_said_with_the_port() -> None:
    port = free_port()
    assert f"nothing listens on 127.0.0.1:{port}" in complaint(f"http://127.0.0.1:{port}/v1")


@pytest.mark.parametrize("status", [401, 403])
def test_a_rejected_key_is_said_with_the_words_of_the_relay(status: int) -> None:
    body = b'{"error": {"message": "no such key"}}'
    with server(lambda method, path: (status, body)) as url:
        said = complaint(f"{url}/v1")
    assert f"rejected the key with {status} (no such key)" in said
    assert "target.api_key" in said


def test_a_key_that_a_relay_repeats_is_not_said_again() -> None:
    body = json.dumps({"error": {"message": f"no such key:\n{KEY}\x1b[2J"}}).encode()
    with server(lambda method, path: (401, body)) as url:
        assert "rejected the key with 401 (no such key: *** [2J)" in complaint(f"{url}/v1")


def test_a_missing_v1_is_said_with_the_line_to_write() -> None:
    with server(lambda method, path: (200, b'{"data": []}') if path.startswith("/v1/") else (404, b"")) as url:
        assert f"write target.base_url: {url}/v1" in complaint(url)


def test_another_server_is_not_taken_for_a_relay() -> None:
    with server(lambda method, path: (404, b"not found")) as url:
        assert "not the base URL of an OpenAI-compatible API" in complaint(f"{url}/v1")


def test_a_web_page_is_not_taken_for_a_relay() -> None:
    with server(lambda method, path: (200, b"<!doctype html>")) as url:
        assert "something that is not JSON" in complaint(f"{url}/v1")


def test_plain_http_where_tls_was_expected_is_said() -> None:
    with server(lambda method, path: (200, b"{}")) as url:
        assert "Should target.base_url begin with http://?" in complaint(f"{url.replace('http', 'https')}/v1")


def test_a_name_that_does_not_resolve_is_said() -> None:
    assert "does not resolve" in complaint("http://no-such-host.invalid/v1")


def models(method: str, path: str) -> tuple[int, bytes]:
    return 200, b'{"data": []}'


def test_a_relay_is_asked_with_the_tls_settings_of_its_target(certificates: Certificates) -> None:
    with server(models, certificates.server_context(ask_client=True)) as url:
        preflight(f"{url}/v1", KEY, {"ca_file": certificates.authority, "client_cert": certificates.client})


def test_an_unknown_authority_is_said_with_the_lines_to_write(certificates: Certificates) -> None:
    with server(models, certificates.server_context()) as url:
        said = complaint(f"{url}/v1")
        preflight(f"{url}/v1", KEY, {"verify": False})
    assert "can't be verified" in said
    assert "target.tls.ca_file" in said


def test_a_relay_is_asked_by_the_proxy_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def proxy(method: str, path: str) -> tuple[int, bytes]:
        asked.append(path)
        return models(method, path)

    with server(proxy) as url:
        monkeypatch.setenv("HTTP_PROXY", url)
        preflight("http://relay.invalid:8000/v1", KEY)
    assert asked == ["http://relay.invalid:8000/v1/models"]


def test_a_proxy_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{free_port()}")
    assert "nothing listens on the proxy 127.0.0.1:" in complaint("https://relay.invalid/v1")
