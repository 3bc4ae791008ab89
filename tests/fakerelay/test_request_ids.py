"""Every answer names its request, as OpenAI's do: also those that say no."""

import json
import re
from collections.abc import Callable
from http.client import HTTPConnection

from relayload.fakerelay.process import FakeRelay

PRESET = """
models:
  fine: {ttft: {any: {p50: 1ms, p99: 2ms}}, speed: {p50: 170/s, p99: 180/s}, output_tokens: {any: {p50: 2, p99: 3}}}
limits: [{per: key, requests: 3/min}]
"""
FAILING = f"{PRESET}faults: [{{kind: status, status: 500}}]\n"


def answered(relay: FakeRelay, method: str, path: str, model: str = "fine", key: str = "sk-fake") -> tuple[int, bool]:
    """The status, and whether the answer has a name."""
    connection = HTTPConnection(relay.base_url.split("/")[2], timeout=10)
    body = json.dumps({"model": model, "messages": [{"role": "user", "content": "hi"}], "max_completion_tokens": 2})
    connection.request(method, f"/v1{path}", body, {"authorization": f"Bearer {key}"})
    response = connection.getresponse()
    response.read()
    connection.close()
    return response.status, re.fullmatch(r"req_fake[0-9a-f]{24}", response.headers["x-request-id"] or "") is not None


def test_what_is_refused_names_its_request(start_relay: Callable[..., FakeRelay]) -> None:
    relay = start_relay(PRESET)
    assert answered(relay, "POST", "/chat/completions", model="none") == (404, True)
    assert answered(relay, "POST", "/chat/completions", key="sk-other") == (401, True)
    assert answered(relay, "POST", "/nowhere") == (404, True)
    assert answered(relay, "DELETE", "/chat/completions") == (405, True)
    statuses = [answered(relay, "POST", "/chat/completions") for _ in range(4)]
    assert statuses[0] == (200, True)
    assert statuses[-1] == (429, True)


def test_what_fails_names_its_request(start_relay: Callable[..., FakeRelay]) -> None:
    assert answered(start_relay(FAILING), "POST", "/chat/completions") == (500, True)
