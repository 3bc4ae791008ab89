"""A relay that answers every request as a test has it, and the findings of a visit to it."""

import json
from collections.abc import Callable
from typing import Any

from relayload.doctor.findings import Diagnosis, Finding, State

KEY = "sk-do-not-tell"
NGINX = b"<html>\r\n<head><title>%b</title></head>\r\n<body>\r\n<center>nginx</center>\r\n</body>\r\n</html>\r\n"
BAD_GATEWAY = (502, {"Content-Type": "text/html"}, NGINX % b"502 Bad Gateway")
PROFILE = """\
name: visit
target:
  base_url: {base_url}
  api_key: ${{env:THE_KEY}}
load:
  kind: open
  arrivals: constant
  stages: [{{for: 1m, rate: 5/s}}]
scenarios:
  simple: {{model: {model}, prompt: simple, stream: {stream}}}
"""
Visit = Callable[..., Diagnosis]
Answer = tuple[int, dict[str, str], bytes]
Choice = Callable[[dict[str, Any]], Answer]
MODELS: Answer = (200, {}, b'{"data": [{"id": "o3"}]}')
ONE = {"choices": [{"delta": {"content": "one"}}]}
STOP = {"choices": [{"delta": {}, "finish_reason": "stop"}], "usage": {"prompt_tokens": 8, "completion_tokens": 1}}
ABORT = {"choices": [{"delta": {}, "finish_reason": "abort"}]}
STREAM = b"".join(
    b"data: %b\n\n" % event
    for event in (
        b'{"choices":[{"delta":{"content":"one"}}]}',
        b'{"choices":[{"delta":{},"finish_reason":"stop"}],"usage":{"prompt_tokens":8,"completion_tokens":1}}',
        b"[DONE]",
    )
)


def doubts(diagnosis: Diagnosis) -> list[Finding]:
    return [finding for finding in diagnosis.findings if finding.state in (State.WARNING, State.FAULT)]


def the_doubt(diagnosis: Diagnosis) -> Finding:
    (finding,) = doubts(diagnosis)
    return finding


def told(diagnosis: Diagnosis) -> list[tuple[str, str]]:
    return [(finding.state.value, finding.message) for finding in diagnosis.findings if finding.topic == "target"]


def completion(**headers: str) -> Answer:
    body: dict[str, Any] = {
        "id": "c-1",
        "choices": [{"message": {"content": "one two"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 8, "completion_tokens": 2},
    }
    return 200, headers, json.dumps(body).encode()


def refusal(status: int, code: str, message: str = "no") -> Answer:
    return status, {}, json.dumps({"error": {"message": message, "code": code}}).encode()


def fault(status: int, message: str, **more: str | None) -> Answer:
    return status, {}, json.dumps({"error": {"message": message, **more}}).encode()


def streamed(*events: object, label: str = "text/event-stream", end: str = "data: [DONE]\n\n") -> Answer:
    body = "".join(f"data: {json.dumps(event)}\n\n" for event in events) + end
    return 200, {"Content-Type": label}, body.encode()
