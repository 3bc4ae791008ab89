import json
from collections.abc import Callable, Iterator
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from canned_relay import KEY, MODELS, PROFILE, STREAM, Answer, Choice, Visit, completion

from relayload.doctor.diagnose import diagnose
from relayload.doctor.findings import Diagnosis
from relayload.doctor.text import render_diagnosis
from relayload.profile import load


@pytest.fixture
def visit(tmp_path: Path) -> Visit:
    """Visits the target of a profile; the key is never told."""

    def visit(base_url: str, model: str = "o3", stream: bool = True, key: str = KEY) -> Diagnosis:
        path = tmp_path / "p.yaml"
        path.write_text(PROFILE.format(base_url=base_url, model=model, stream=str(stream).lower()))
        diagnosis = diagnose(load(path, environ={"THE_KEY": key}))
        assert key not in render_diagnosis(diagnosis)
        return diagnosis

    return visit


@pytest.fixture
def relay_with() -> Iterator[Callable[..., str]]:
    """Starts a little server that answers chat completions as it is told; its base URL."""
    servers: list[tuple[ThreadingHTTPServer, Thread]] = []

    def start(plain: Answer | Choice, stream: Answer | None = None, models: Answer = MODELS) -> str:
        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                asked = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"{}")
                chosen = models if self.command == "GET" else stream if asked.get("stream") and stream else plain
                status, headers, body = chosen(asked) if callable(chosen) else chosen
                self.send_response_only(status)
                for name, value in {"Content-Length": str(len(body)), "Date": formatdate(), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = answer  # noqa: N815 -- the names http.server looks for

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        thread = Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        servers.append((httpd, thread))
        return f"http://127.0.0.1:{httpd.server_port}/v1"

    yield start
    for httpd, thread in servers:
        httpd.shutdown()
        thread.join()
        httpd.server_close()


@pytest.fixture
def picky(tmp_path: Path, relay_with: Callable[..., str]) -> Callable[..., tuple[Diagnosis, list[dict[str, Any]]]]:
    """Visits a relay that refuses some fields; what was found, and what it was asked."""

    def visit(refused: dict[str, Answer], target: str = "", scenario: str = "") -> Any:
        asked: list[dict[str, Any]] = []

        def choose(body: dict[str, Any]) -> Answer:
            asked.append(body)
            said = next((answer for name, answer in refused.items() if name in body), None)
            return said or (
                (200, {"Content-Type": "text/event-stream"}, STREAM) if body.get("stream") else completion()
            )

        base_url = relay_with(choose)
        path = tmp_path / "p.yaml"
        text = PROFILE.format(base_url=base_url, model="o3", stream="true")
        path.write_text(text.replace("\nload:", f"\n{target}load:").replace(", stream:", f"{scenario}, stream:"))
        return diagnose(load(path, environ={"THE_KEY": KEY})), asked

    return visit
