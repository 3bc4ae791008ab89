"""What a relay gets of `traceparent`, and where its ids stand afterwards."""

import json
import threading
from collections import defaultdict
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from completion import COMPLETION
from support import HttpServer, Start

_PROFILE = """
name: traced
driver: {driver}
target: {{base_url: "{base_url}"}}
load: {{kind: open, arrivals: constant, stages: [{{for: 1s, rate: 20/s}}]}}
scenarios:
  simple: {{model: o3, prompt: simple, stream: false, max_output_tokens: 5}}
client: {{retry: {{attempts: 2, backoff: 1ms}}}}
generator: {{late: 10s, late_share: 100%, loop_lag: 10s}}
"""


class Relay:
    """Refuses the first request that it gets, and keeps the `traceparent` of each by its prompt."""

    def __init__(self) -> None:
        self.base_url = ""
        self.contexts: defaultdict[str, list[str | None]] = defaultdict(list)

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        body = json.loads(handler.rfile.read(int(handler.headers.get("Content-Length", 0))) or b"{}")
        if "messages" not in body:  # the preflight asks so whether anybody is there
            handler.send_error(400)
            return
        first = not self.contexts
        self.contexts[json.dumps(body["messages"])].append(handler.headers["traceparent"])
        data = json.dumps({"error": {"message": "later"}} if first else COMPLETION).encode()
        handler.send_response(503 if first else 200)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", str(len(data)))
        handler.end_headers()
        handler.wfile.write(data)


@pytest.fixture
def relay() -> Iterator[Relay]:
    found = Relay()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            found.answer(self)

        def do_GET(self) -> None:
            self.send_error(404)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with HttpServer(("127.0.0.1", 0), Handler) as server:
        found.base_url = f"http://127.0.0.1:{server.server_port}/v1"
        serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        serving.start()
        yield found
        server.shutdown()
        serving.join()


@pytest.fixture
def run(start: Start, relay: Relay, tmp_path: Path):
    def run(traceparent: str, driver: str = "native") -> list[dict]:
        """Run, and return the records."""
        file = tmp_path / "traced.yaml"
        file.write_text(_PROFILE.format(driver=driver, base_url=relay.base_url))
        done = start("relayload", "run", file, "--set", f"telemetry.traceparent={traceparent}", "--out", tmp_path / "r")
        assert done.wait() == 0, done.output
        files = (tmp_path / "r").glob("records-*")
        lines = [json.loads(line) for path in files for line in path.read_text().splitlines()]
        return [line for line in lines if line["line"] == "request"]

    return run


@pytest.mark.parametrize("driver", ["native", "openai"])
def test_every_request_has_a_trace_of_its_own_which_its_attempts_share(run, relay: Relay, tmp_path, driver) -> None:
    records = run("all", driver)
    assert max(len(record["attempts"]) for record in records) == 2
    contexts = list(relay.contexts.values())
    assert sorted(map(len, contexts)) == sorted(len(record["attempts"]) for record in records)
    assert all(len(set(each)) == 1 for each in contexts)
    sent = [str(each[0]).split("-") for each in contexts]
    assert {(version, flags) for version, _, _, flags in sent} == {("00", "01")}
    assert sorted(trace_id for _, trace_id, _, _ in sent) == sorted(record["trace_id"] for record in records)
    page = (tmp_path / "r" / "report.html").read_text()
    assert all(record["trace_id"] in page for record in records)
    assert ">trace id<" in page


def test_of_a_share_the_rest_is_told_not_to_be_sampled(run, relay: Relay) -> None:
    records = run("sample 40%")
    contexts = [str(each[0]).split("-") for each in relay.contexts.values()]
    sampled = sorted(trace_id for _, trace_id, _, flags in contexts if flags == "01")
    assert {flags for *_, flags in contexts} == {"00", "01"}
    assert sampled == sorted(record["trace_id"] for record in records if "trace_id" in record)


def test_none_sends_and_records_nothing(run, relay: Relay, tmp_path) -> None:
    records = run("none")
    assert {context for each in relay.contexts.values() for context in each} == {None}
    assert not any("trace_id" in record for record in records)
    assert ">trace id<" not in (tmp_path / "r" / "report.html").read_text()
