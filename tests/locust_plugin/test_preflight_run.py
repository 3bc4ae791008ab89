"""Runs at gateways with nothing behind them: `relayload run`, and Locust by itself, stop before the load goes out."""

import json
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from support import Process, Start, saved

WriteProfile = Callable[..., Path]
Answer = tuple[int, dict[str, str], bytes]
Answers = Callable[[str, dict[str, Any]], Answer]
NGINX = b"<html>\r\n<head><title>%b</title></head>\r\n<body>\r\n<center>nginx</center>\r\n</body>\r\n</html>\r\n"
MOVED = {"Location": "https://127.0.0.1:8443/v1/chat/completions"}
NO_DATABASE = b'{"error":{"message":"No connected db.","type":"no_db_connection","param":null,"code":"400"}}'
HEADER = b'{"status":"failure","message":"Either x-portkey-config or x-portkey-provider header is required"}'
ANSWER = {
    "choices": [{"message": {"content": "one"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 8, "completion_tokens": 1},
}
PLAIN = "{simple: {model: o3, prompt: simple, stream: false, max_output_tokens: 20}}"


class Gateway:
    """A little HTTP server, and what it was asked."""

    def __init__(self, answers: Answers) -> None:
        self.asked: list[str] = []
        gateway = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                asked = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"{}")
                gateway.asked.append(f"{self.command} {self.path}")
                status, headers, body = answers(self.path, asked)
                self.send_response(status)
                for name, value in {"Content-Length": str(len(body)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = answer  # noqa: N815 -- the names http.server looks for

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._httpd.daemon_threads = True
        self._thread = Thread(target=self._httpd.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()
        self.base_url = f"http://127.0.0.1:{self._httpd.server_port}/v1"

    def stop(self) -> None:
        self._httpd.shutdown()
        self._thread.join()
        self._httpd.server_close()


@pytest.fixture
def gateway() -> Iterator[Callable[[Answers], Gateway]]:
    started: list[Gateway] = []

    def begin(answers: Answers) -> Gateway:
        started.append(Gateway(answers))
        return started[-1]

    yield begin
    for each in started:
        each.stop()


@pytest.fixture(params=["run", "locust"])
def load(
    request: pytest.FixtureRequest, start: Start, locust: Start, profile: WriteProfile, tmp_path: Path
) -> Callable[[Gateway], Process]:
    """Starts a run of a profile at a gateway, in either way."""

    def begin(gateway: Gateway) -> Process:
        target = f"target.base_url={gateway.base_url}"
        if request.param == "run":
            return start("relayload", "run", profile(), "--set", target, "--out", tmp_path / "out")
        return locust("--relay-profile", profile(), "--relay-set", target, "--relay-out", tmp_path / "out")

    return begin


@pytest.mark.parametrize(
    ("answer", "asked", "said"),
    [
        (
            (502, {"Content-Type": "text/html"}, NGINX % b"502 Bad Gateway"),
            4,
            "GET /models with 502 (Bad Gateway), and each of 3 requests for an answer fails, with 502 (Bad Gateway)",
        ),
        (
            (301, MOVED, NGINX % b"301 Moved Permanently"),
            2,
            "the load follows no redirect: write target.base_url: https://127.0.0.1:8443/v1",
        ),
        ((400, {}, NO_DATABASE), 1, "rejected the key with 400 (No connected db.). Check target.api_key"),
        ((400, {}, HEADER), 2, "write target.headers: {x-portkey-provider: ...}"),
    ],
)
def test_a_relay_that_answers_nothing_but_this_is_exit_6_before_the_load(
    load: Callable[[Gateway], Process],
    gateway: Callable[[Answers], Gateway],
    tmp_path: Path,
    answer: Answer,
    asked: int,
    said: str,
) -> None:
    relay = gateway(lambda path, body: answer)
    run = load(relay)
    assert run.wait() == 6, run.output
    assert said in run.output
    assert "<html>" not in run.output
    assert len(relay.asked) == asked
    assert not list(tmp_path.glob("out/records-*"))


def test_the_list_of_models_is_asked_for_once(
    start: Start, gateway: Callable[[Answers], Gateway], profile: WriteProfile, tmp_path: Path
) -> None:
    relay = gateway(lambda path, body: (200, {}, json.dumps(ANSWER if body else {"data": []}).encode()))
    target, out = f"target.base_url={relay.base_url}", tmp_path / "out"
    options = ("--set", target, "--set", f"scenarios={PLAIN}", "--set", "objectives=[]", "--out", out)
    run = start("relayload", "run", profile(), *options)
    assert run.wait() == 0, run.output
    assert relay.asked.count("GET /v1/models") == 1
    assert len(relay.asked) == 1 + saved(out, "summary.json")["counts"]["started"]


def test_embeddings_that_are_not_implemented_are_rejected_and_not_tried_again(
    start: Start, gateway: Callable[[Answers], Gateway], profile: WriteProfile, tmp_path: Path
) -> None:
    def answers(path: str, body: dict[str, Any]) -> Answer:
        if path == "/v1/models":
            return 200, {}, b'{"data": []}'
        return 501, {}, json.dumps({"error": {"message": f"behind: {(NGINX % b'501 Not there').decode()}"}}).encode()

    relay, out = gateway(answers), tmp_path / "out"
    target = ("--set", f"target.base_url={relay.base_url}", "--set", "client={retry: {attempts: 3}}")
    embeddings = ("--set", "scenarios={e: {model: o3, prompt: simple, endpoint: embeddings}}")
    run = start("relayload", "run", profile(), *target, *embeddings, "--set", "objectives=[]", "--out", out)
    assert run.wait() == 0, run.output
    lines = [json.loads(line) for path in out.glob("records-*.jsonl") for line in path.read_text().splitlines()]
    found = [line for line in lines if line["line"] == "request"]
    attempts = [attempt for record in found for attempt in record["attempts"]]
    assert {record["outcome"] for record in found} == {"rejected"}
    assert {(each["status"], each["kind"], each["said"]) for each in attempts} == {
        (501, "bad_request", "behind: 501 Not there")
    }
    assert len(attempts) == len(found)
