import json
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
from certificates import Certificates

from relayload.core.resilience.classify import rule
from relayload.core.resilience.dialects import DIALECTS, DialectName, classifier
from relayload.core.wire.chat import chat_request
from relayload.core.wire.embeddings import embeddings_request
from relayload.core.wire.request import WireRequest
from relayload.doctor.preflight import FirstLook, preflight
from relayload.transport.probe_client import ProbeClient, TargetUnreachable

KEY = "sk-do-not-tell"
Answer = tuple[int, bytes]
Redirect = tuple[int, bytes, str]
"""With a Location."""
Answers = Callable[[str, str], Answer | Redirect]
BODIES: list[bytes] = []
HEADERS: list[Message] = []
"""Of the requests that came to the server."""


@contextmanager
def server(answers: Answers, context: ssl.SSLContext | None = None) -> Iterator[str]:
    """A little HTTP server on a free port, over TLS with a context; yields its root URL."""

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            BODIES.append(self.rfile.read(int(self.headers.get("Content-Length") or 0)))
            HEADERS.append(self.headers)
            status, body, *location = answers(self.command, self.path)
            self.send_response(status)
            for place in location:
                self.send_header("Location", place)
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


def complaint(base_url: str, **more: Any) -> str:
    with pytest.raises(TargetUnreachable) as caught:
        preflight(base_url, KEY, **more)
    assert KEY not in str(caught.value)
    return str(caught.value)


def test_a_relay_that_lists_its_models_passes() -> None:
    with server(lambda method, path: (200, b'{"data": []}')) as url:
        preflight(f"{url}/v1", KEY)


@pytest.mark.parametrize("endpoint", ["/chat/completions", "/responses", "/embeddings"])
def test_a_relay_without_a_list_of_models_passes_if_it_has_an_endpoint_of_ours(endpoint: str) -> None:
    def answers(method: str, path: str) -> tuple[int, bytes]:
        return (400, b"{}") if (method, path) == ("POST", f"/v1{endpoint}") else (404, b"")

    with server(answers) as url:
        preflight(f"{url}/v1", KEY)


NGINX = (
    b"<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad Gateway</h1></center>\r\n"
    b"<hr><center>nginx/1.22.1</center>\r\n</body>\r\n</html>\r\n"
)
CHAT = chat_request("o3", [{"role": "user", "content": f"hello, {KEY}"}], headers={"x-team": "blue"})


def small() -> tuple[WireRequest, ...]:
    return (CHAT,)


@pytest.fixture(autouse=True)
def _without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("relayload.doctor.preflight._PAUSE_S", 0.0)


class InTurn:
    """Answers `GET /models` so, and all else in turn; the last answer stays."""

    def __init__(self, models: Answer, *others: Answer) -> None:
        self.models = models
        self.others = list(others)
        self.posted: list[str] = []

    def __call__(self, method: str, path: str) -> Answer:
        if method == "GET":
            return self.models
        self.posted.append(path)
        return self.others.pop(0) if len(self.others) > 1 else self.others[0]


def test_a_gateway_whose_upstream_is_down_is_told_in_one_line_after_three_requests() -> None:
    answers = InTurn((502, NGINX), (502, NGINX))
    with server(answers) as url:
        said = complaint(f"{url}/v1", small_requests=small)
    assert "answers GET /models with 502 (Bad Gateway), and each of 3 requests for an answer fails, with 502" in said
    assert "it is down, or what is behind it" in said
    assert 'Sent last: POST /chat/completions {"model": "o3"' in said
    assert "hello, ***" in said
    assert answers.posted == ["/v1/chat/completions"] * 3


def test_a_relay_that_fails_is_known_without_a_request_of_the_load() -> None:
    with server(lambda method, path: (503, b"busy")) as url:
        assert "with 503 (busy)" in complaint(f"{url}/v1")


@pytest.mark.parametrize(
    ("models_status", "posts", "sent"),
    [
        (503, [(200, b"{}")], 1),
        (503, [(503, b""), (200, b"{}")], 2),
        (503, [(429, b"")], 1),
        (503, [(400, b'{"error": {"message": "max_tokens"}}')], 1),
        (501, [(200, b"{}")], 1),
        (400, [(200, b"{}")], 1),
        (301, [(200, b"{}")], 1),
        (403, [(200, b"{}")], 1),
        (429, [(500, b"")], 0),
        (200, [(500, b"")], 0),
    ],
)
def test_one_answer_is_enough_where_the_list_of_models_tells_nothing(
    models_status: int, posts: list[Answer], sent: int
) -> None:
    answers = InTurn((models_status, b"{}"), *posts)
    with server(answers) as url:
        preflight(f"{url}/v1", KEY, small_requests=small)
    assert len(answers.posted) == sent


def test_a_model_that_is_down_does_not_stand_for_the_relay() -> None:
    def answers(method: str, path: str) -> Answer:
        return (200, b"{}") if path == "/v1/embeddings" else (503, b"")

    requests = (CHAT, embeddings_request("e", ["a"]))
    with server(answers) as url:
        preflight(f"{url}/v1", KEY, small_requests=lambda: requests)


LISTED = b'{"data": [{"id": "o4"}, {"id": "o3-mini"}]}'
NO_SUCH_MODEL = b'{"error": {"message": "The model \'o3\' does not exist", "code": "model_not_found"}}'


def test_a_model_that_is_neither_listed_nor_known_is_told_before_the_load() -> None:
    answers = InTurn((200, LISTED), (404, NO_SUCH_MODEL))
    with server(answers) as url:
        said = complaint(f"{url}/v1", small_requests=small, models=["o3", "o4"])
    assert "has no model 'o3': answers 404 (The model 'o3' does not exist), and lists 2 others" in said
    assert answers.posted == ["/v1/chat/completions"]


@pytest.mark.parametrize(
    ("models", "post", "sent"),
    [
        (["o4"], (404, NO_SUCH_MODEL), 0),
        (["o3"], (200, b"{}"), 1),
        (["o3"], (400, b'{"error": {"message": "max_tokens"}}'), 1),
    ],
)
def test_a_relay_may_know_more_models_than_it_lists(models: list[str], post: Answer, sent: int) -> None:
    answers = InTurn((200, LISTED), post)
    with server(answers) as url:
        preflight(f"{url}/v1", KEY, small_requests=small, models=models)
    assert len(answers.posted) == sent


@pytest.mark.parametrize("path", ["/v1/v1", "/V1", "/llm", "/llm/v1/V1"])
def test_the_base_url_to_write_is_found_beside_the_one_that_is_there(path: str) -> None:
    root = "/llm" if path.startswith("/llm") else ""

    def answers(method: str, asked: str) -> Answer:
        return (200, b'{"data": []}') if asked == f"{root}/v1/models" else (404, b"")

    with server(answers) as url:
        assert f"write target.base_url: {url}{root}/v1" in complaint(f"{url}{path}")


def test_a_key_that_only_an_answer_refuses_is_told_as_such() -> None:
    answers = InTurn((503, b"no workers"), (401, b'{"error": {"message": "Invalid key"}}'))
    with server(answers) as url:
        said = complaint(f"{url}/v1", small_requests=small)
    assert "rejected the key with 401 (Invalid key)" in said
    assert len(answers.posted) == 1


def test_a_key_that_may_not_list_models_may_ask_them() -> None:
    answers = InTurn((403, b'{"error": {"message": "Missing scopes: api.model.read"}}'), (403, b""))
    with server(answers) as url:
        assert "rejected the key with 403" in complaint(f"{url}/v1", small_requests=small)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_key_that_litellm_refuses_with_a_400_is_known_before_anything_is_sent(dialect: DialectName) -> None:
    body = b'{"error": {"message": "No connected db.", "type": "no_db_connection", "param": null, "code": "400"}}'
    answers = InTurn((400, body), (400, body))
    with server(answers) as url:
        said = complaint(f"{url}/v1", small_requests=small, classifier=classifier(dialect))
    assert "rejected the key with 400 (No connected db.)" in said
    assert answers.posted == []


def test_a_rule_of_the_profile_s_own_tells_what_a_refused_key_is() -> None:
    rules = classifier("openai", [rule("auth", status=400, message="who are you")])
    with server(InTurn((400, b"who are you?"), (400, b""))) as url:
        assert "rejected the key with 400 (who are you?)" in complaint(f"{url}/v1", classifier=rules)


@pytest.mark.parametrize(("status", "code"), [(402, "x"), (429, "insufficient_quota"), (403, "insufficient_quota")])
def test_an_account_without_credit_is_told_as_such(status: int, code: str) -> None:
    body = json.dumps({"error": {"message": "no credit", "code": code}}).encode()
    with server(lambda method, path: (status, body)) as url:
        assert "the account behind target.api_key has no credit left" in complaint(f"{url}/v1", small_requests=small)


def test_the_relay_s_own_key_is_not_taken_for_ours() -> None:
    body = json.dumps({"error": {"message": "OpenAIException - Incorrect API key provided: sk-****wxyz"}}).encode()
    with server(lambda method, path: (401, body)) as url:
        said = complaint(f"{url}/v1")
    assert "the relay's own key for what is behind it is refused" in said
    assert "api_key" not in said


def test_a_header_that_a_gateway_wants_is_told_with_the_line_to_write() -> None:
    body = b'{"status":"failure","message":"Either x-portkey-config or x-portkey-provider header is required"}'
    with server(lambda method, path: (400, body)) as url, pytest.raises(TargetUnreachable) as caught:
        preflight(f"{url}/v1", KEY, small_requests=small)
    assert str(caught.value).endswith("write target.headers: {x-portkey-provider: ...}")
    assert caught.value.key == "headers"


def test_a_redirect_is_told_with_the_line_to_write() -> None:
    def answers(method: str, path: str) -> Redirect:
        return 301, b"<html><title>301 Moved Permanently</title></html>", f"https://127.0.0.1:8443{path}?key={KEY}"

    with server(answers) as url:
        said = complaint(f"{url}/v1", small_requests=small)
    assert (
        "answers POST /chat/completions with 301: redirects to https://127.0.0.1:8443/v1/chat/completions?***" in said
    )
    assert said.endswith("write target.base_url: https://127.0.0.1:8443/v1")


def test_a_mock_that_knows_nothing_but_the_requests_of_the_load_passes() -> None:
    def answers(method: str, path: str, body: bytes) -> Answer:
        return (200, b"{}") if b"hello" in body else (404, b'{"error": {"message": "No fixture matched"}}')

    with server(lambda method, path: answers(method, path, BODIES[-1])) as url:
        preflight(f"{url}/v1", KEY, small_requests=small)
    assert HEADERS[-1]["x-team"] == "blue"


def test_whatever_was_sent_is_counted() -> None:
    probe_client = ProbeClient(KEY)
    with server(InTurn((503, b""), (200, b"{}"))) as url:
        first = FirstLook(f"{url}/v1", probe_client, KEY, "target", classifier())
        first.ensure_up(first.look(), small)
    assert probe_client.sent == [("GET", "/models"), ("POST", "/chat/completions")]


def test_nothing_listening_is_said_with_the_port(port: int) -> None:
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


def test_a_proxy_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch, port: int) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{port}")
    assert "nothing listens on the proxy 127.0.0.1:" in complaint("https://relay.invalid/v1")
