"""What relays really send, to both drivers: the same outcome, the same times and words."""

import json
import subprocess
import sys
from typing import Any

import pytest
from support import PATIENCE_S

RUNNER = """
from locust import User
import json, sys
import msgspec
from relayload.core.wire.chat import chat_request
from relayload.core.wire.embeddings import embeddings_request
from relayload.core.wire.request import Timeouts
from relayload.core.wire.responses import responses_request
from relayload.transport.drivers import new_transport
from relayload.transport.keeping import read_kept
from relayload.transport.redaction import Secrets

driver, base_url, cases = sys.argv[1], sys.argv[2], json.load(sys.stdin)


def request(endpoint, name, stream):
    if endpoint == "embeddings":
        return embeddings_request(name, ["a"])
    return chat_request(name, [], stream=stream) if endpoint == "chat" else responses_request(name, "a", stream=stream)


def send(name, endpoint, stream, finish_reason):
    transport = new_transport(driver, base_url, "sk-test", finish_reason=finish_reason)
    timeouts = Timeouts(connect_s=150.0, total_s=150.0)
    asked = request(endpoint, name, stream)
    answer = transport.send(asked, timeouts, keep_text=True, sampled=True)
    transport.close()
    kept = answer.kept and read_kept(answer.kept, asked, Secrets("sk-test"))
    return msgspec.to_builtins([answer.attempt, answer.fault, answer.text, kept])


json.dump({case[0]: send(*case) for case in cases}, sys.stdout)
"""

SSE, JSON, HTML = "text/event-stream", "application/json", "text/html"
DONE = b"data: [DONE]\n\n"
QUOTA = b'{"error":{"message":"no credit","type":"t","code":"insufficient_quota"}}'
PAGE = b"<html><head><title>502 Bad Gateway</title></head></html>"
DEEP = b"[" * 20_000 + b"]" * 20_000


def event(**fields):
    return b"data: " + json.dumps(fields).encode() + b"\n\n"


def delta(finish_reason=None, usage=None, **fields):
    choice = {"index": 0, "delta": fields, "finish_reason": finish_reason}
    return event(id="c1", choices=[choice], **({} if usage is None else {"usage": usage}))


def raw(text):
    return b'data: {"id":"c1","choices":[{"index":0,"delta":{"content":"%b"},"finish_reason":null}]}\n\n' % text


def part(kind, text):
    parts = {"type": "text", "text": text}
    return delta(content=[{"type": "thinking", "thinking": [parts]} if kind == "thinking" else parts])


def completion(reason="stop", **fields):
    choice = {"index": 0, "message": {"content": "hi"}, "finish_reason": reason}
    return json.dumps({"id": "c1", "choices": [choice]} | fields).encode()


STOP = delta("stop") + DONE
CREATED = event(type="response.created", response={"id": "r1", "status": "in_progress", "output": []})
COMPLETED = event(type="response.completed", response={"id": "r1", "status": "completed", "output": [], "usage": None})


def spoken(kind, text):
    return event(type=kind, item_id="i", output_index=0, content_index=0, delta=text)


SPOKEN = spoken("response.output_text.delta", "a")

STREAMS = {
    # name: (label, body, outcome, error, said, text, what else stands in the attempt)
    "done-alone": (SSE, DONE, "server_error", "no_output", None, "", {}),
    "roles-and-done": (SSE, delta(role="assistant", content="") + DONE, "server_error", "no_output", None, "", {}),
    "content-and-done": (SSE, delta(content="a") + DONE, "broken_stream", "no_finish", None, "a",
                         {"remarks": ["no_finish_reason"]}),
    "error-field": (SSE, b'error: {"code":400,"message":"m"}\n\n' + DONE, "rejected", "error_event", "m", "", {}),
    "error-name": (SSE, b'event: error\ndata: {"message":"m"}\n\n' + DONE, "server_error", "error_event", "m", "", {}),
    "error-name-and-done": (
        SSE, delta(content="a") + b"event: error\ndata: [DONE]\n\n", "server_error", "error_event", "[DONE]", "a", {}
    ),
    "bare-detail": (
        SSE, delta(content="a") + b'{ "detail": "m"}\n\n', "server_error", "error_event", "m", "a", {"chunks": 1}
    ),
    "words-for-an-event": (
        SSE, delta(content="a") + b"data: upstream is gone\n\n" + DONE,
        "broken_stream", "malformed_event", "upstream is gone", "a", {"chunks": 1},
    ),
    "errors": (
        SSE, delta(content="a") + event(errors=[{"message": "m", "code": 429}]) + DONE,
        "rate_limited", "error_event", "m", "a", {"chunks": 1},
    ),
    "error-object": (
        SSE, event(object="error", message="m", code=429) + DONE, "rate_limited", "error_event", "m", "", {}
    ),
    "error-in-choice": (
        SSE, event(choices=[{"delta": {}, "error": {"code": 502, "message": "m"}, "finish_reason": "error"}]),
        "server_error", "error_event", "m", "", {"finish_reason": "error"},
    ),
    "abort": (SSE, delta(content="a") + delta("abort") + DONE, "server_error", "failed_finish", None, "a", {}),
    "null-as-text": (
        SSE, delta("null", content="a") + delta(" ") + delta("None") + DONE, "broken_stream", "no_finish", None, "a", {}
    ),
    "null-as-text-then-stop": (
        SSE, delta("null", content="a") + STOP, "ok", None, None, "a", {"finish_reason": "stop"}
    ),
    "upper-error": (SSE, delta(content="a") + delta("ERROR"), "server_error", "failed_finish", None, "a", {}),
    "json-as-sse": (SSE, QUOTA, "server_error", "error_body", "no credit", "", {}),
    "json-then-done": (SSE, QUOTA + b"\n\n" + DONE, "server_error", "error_body", "no credit", "", {}),
    "bare-json": (SSE, b": ping\n\n" + QUOTA + b"\n\n", "server_error", "error_event", "no credit", "", {}),
    "json-as-json": (JSON, QUOTA, "server_error", "error_body", "no credit", "", {}),
    "page-as-sse": (SSE, PAGE, "broken_stream", "malformed_body", "502 Bad Gateway", "", {}),
    "page": (HTML, PAGE, "broken_stream", "malformed_body", "502 Bad Gateway", "", {}),
    "text-as-sse": (SSE, b"upstream is gone", "broken_stream", "malformed_body", "upstream is gone", "", {}),
    "answer-as-sse": (SSE, completion(), "broken_stream", "not_a_stream", None, "", {}),
    "sse-as-json": (JSON, delta(content="a") + STOP, "ok", None, None, "a", {"chunks": 1, "finish_reason": "stop"}),
    "sse-as-text": ("text/plain", b"\n\n" + delta(content="a") + STOP, "ok", None, None, "a", {"chunks": 1}),
    "halves": (SSE, raw(rb"\ud83d") + raw(rb"\ude00") + STOP, "ok", None, None, "\U0001f600", {"chunks": 2}),
    "one-half": (SSE, raw(rb"a\ud83d") + raw(b"b") + STOP, "ok", None, None, "a\ufffdb",
                 {"chunks": 2, "replaced": 1, "remarks": ["replaced"]}),
    "thinking-parts": (SSE, part("thinking", "h") + part("text", "a") + STOP, "ok", None, None, "a", {"chunks": 2}),
    "details": (
        SSE, delta(content="", reasoning_details=[{"type": "reasoning.text", "text": "h"}]) + delta(content="a") + STOP,
        "ok", None, None, "a", {"chunks": 2},
    ),
    "tool-call": (
        SSE, delta(tool_calls=[{"index": 0, "function": {"name": "f", "arguments": ""}}])
        + delta(tool_calls=[{"index": 0, "function": {"arguments": ""}}]) + STOP,
        "ok", None, None, "", {"chunks": 1},
    ),
    "usage-in-choice": (
        SSE, delta(content="a") + event(id="c1", choices=[
            {"index": 0, "delta": {}, "finish_reason": "stop", "usage": {"prompt_tokens": 3, "completion_tokens": 4}}
        ]),
        "ok", None, None, "a", {"input_tokens": 3, "output_tokens": 4},
    ),
    "empty-lists": (  # as PHP writes empty objects
        SSE, event(choices=[{"index": 0, "delta": [], "finish_reason": None}], usage=[]) + delta(content="a")
        + event(choices=[{"index": 0, "delta": [], "finish_reason": "stop"}], usage=[]) + DONE,
        "ok", None, None, "a", {"chunks": 1, "finish_reason": "stop"},
    ),
    "usage-under-both-names": (
        SSE, delta(content="a") + delta(
            "stop", {"prompt_tokens": 0, "completion_tokens": 0, "input_tokens": 3, "output_tokens": 4}
        ),
        "ok", None, None, "a", {"input_tokens": 3, "output_tokens": 4},
    ),
    "usage-of-groq": (
        SSE, delta(content="a") + event(
            choices=[{"index": 0, "delta": {}, "finish_reason": "stop"}], x_groq={"usage": {"prompt_tokens": 3}}
        ),
        "ok", None, None, "a", {"input_tokens": 3},
    ),
    "other-usage": (
        SSE, delta(content="a") + delta("stop", {"input_tokens": 3.0, "output_tokens": 4}),
        "ok", None, None, "a", {"input_tokens": 3, "output_tokens": 4},
    ),
    "usage-of-zero": (
        SSE, delta(content="a") + delta("stop", {"prompt_tokens": 3, "completion_tokens": 0}),
        "ok", None, None, "a", {"output_tokens": 1, "counted": True, "remarks": ["zero_usage"]},
    ),
    "vast-usage": (
        SSE, delta(content="a") + delta("stop", {"prompt_tokens": 10**300, "completion_tokens": 2**60}),
        "ok", None, None, "a", {"output_tokens": 1, "counted": True},
    ),
    "nan": (SSE, delta(content="a", logprobs=float("nan")) + STOP, "ok", None, None, "a", {"chunks": 1}),
    "empty-id": (
        SSE, event(id="", choices=[]) + delta(content="a") + STOP, "ok", None, None, "a", {"request_id": "c1"}
    ),
    "deep": (SSE, b'data: {"choices":%b}\n\n' % DEEP + STOP, "broken_stream", "too_large", None, "", {}),
    "list-as-reason": (SSE, delta(["stop"], content="a") + DONE, "broken_stream", "malformed_event", None, "", {}),
    "long-code": (
        SSE, b'data: {"error":{"message":"m","code":"%b"}}\n\n' % (b"9" * 5_000),
        "server_error", "error_event", "m", "", {},
    ),
    "named": (
        SSE, event(model="m-1", system_fingerprint="fp_sk-test", choices=[{"index": 0, "delta": {"reasoning": "hm"}}])
        + delta(content="a") + event(model="m-2", choices=[], usage={"prompt_tokens": 1, "total_tokens": 9}) + STOP,
        "ok", None, None, "a", {"chunks": 2},
    ),
}  # fmt: skip
APART = {
    # name: (label, body, what the native driver makes of it, what `driver: openai` does: outcome, error, text)
    "blanks-before-done": (SSE, delta(content="a") + delta("stop") + b"data:  [DONE]\n\n",
                           ("ok", None, "a"), ("broken_stream", "malformed_event", "a")),
    "empty-data": (SSE, b"data:\n\n" + delta(content="a") + STOP,
                   ("ok", None, "a"), ("broken_stream", "malformed_event", "")),
    "retry-alone": (SSE, b"retry: 3000\n\n" + delta(content="a") + STOP,
                    ("ok", None, "a"), ("broken_stream", "malformed_event", "")),
    "byte-order-mark": (SSE, b"\xef\xbb\xbf" + delta(content="a") + delta(content="b") + STOP,
                        ("ok", None, "ab"), ("ok", None, "b")),
    "no-last-line": (SSE, delta(content="a") + delta("stop").rstrip(),
                     ("ok", None, "a"), ("broken_stream", "no_finish", "a")),
    "cut-bytes": (SSE, raw(b"\xf0\x9f") + raw(b"\x98\x80") + STOP,
                  ("ok", None, "\U0001f600"), ("broken_stream", "malformed_event", "")),
    "error-without-words": (SSE, event(choices=[{"index": 0, "delta": {"content": "a"}}], error={"message": ""}) + STOP,
                            ("ok", None, "a"), ("server_error", "error_event", "")),
}  # fmt: skip
"""What the SDK refuses or loses, as docs/client.md tells."""
OPTIONAL = {
    "optional-done": (
        SSE,
        delta(content="a") + DONE,
        "ok",
        None,
        None,
        "a",
        {"chunks": 1, "remarks": ["no_finish_reason"]},
    ),
    "optional-cut": (SSE, delta(content="a"), "broken_stream", "no_finish", None, "a", {"chunks": 1}),
    "optional-nothing": (SSE, DONE, "server_error", "no_output", None, "", {}),
}
BODIES = {
    "body-ok": (JSON, completion(usage={"prompt_tokens": 3, "completion_tokens": 4.0}), "ok", None, None, "hi",
                {"output_tokens": 4}),
    "body-named": (
        JSON, completion(model="m-1", system_fingerprint="fp_sk-test", usage={"prompt_tokens": 1, "total_tokens": 9})
        .replace(b'"content": "hi"', b'"content": "hi", "reasoning_content": "hm"'),
        "ok", None, None, "hi", {},
    ),
    "body-abort": (JSON, completion("abort"), "server_error", "failed_finish", None, "hi", {"finish_reason": "abort"}),
    "body-zero": (JSON, completion(usage={"completion_tokens": 0}), "ok", None, None, "hi",
                  {"remarks": ["zero_usage"]}),
    "body-null-as-text": (JSON, completion("null"), "ok", None, None, "hi", {"finish_reason": None}),
    "body-error-as-sse": (
        SSE, b'data: {"error":{"message":"m","code":429}}\n\n' + DONE, "rate_limited", "error_body", "m", "", {}
    ),
    "body-error-as-event": (SSE, b"event: error\ndata: m\n\n", "server_error", "error_body", "m", "", {}),
    "body-sse": (SSE, delta(content="a") + STOP, "broken_stream", "malformed_body", None, "", {}),
    "body-empty-list": (JSON, completion(usage=[]), "ok", None, None, "hi", {}),
    "body-half": (JSON, completion().replace(b"hi", rb"a\ud83d\ude00\ud83d"), "ok", None, None, "a\U0001f600\ufffd",
                  {"replaced": 1}),
    "body-nan": (JSON, completion(x=float("nan")), "ok", None, None, "hi", {}),
    "body-choice-error": (
        JSON, b'{"choices":[{"error":{"message":"m","code":429}}]}', "rate_limited", "error_body", "m", "", {}
    ),
    "body-top": (JSON, b'{"code":429,"message":"m"}', "rate_limited", "no_choices", "m", "", {}),
    "body-page": (HTML, PAGE, "broken_stream", "malformed_body", "502 Bad Gateway", "", {}),
    "body-deep": (JSON, DEEP, "broken_stream", "too_large", None, "", {}),
    "body-nothing": (JSON, b'{"choices":[{"message":{"content":""}}]}', "server_error", "no_output", None, "", {}),
}  # fmt: skip
RESPONSES = {
    "r-thoughts": (
        SSE, CREATED + spoken("response.reasoning_text.delta", "h") + SPOKEN + COMPLETED,
        "ok", None, None, "a", {"chunks": 2},
    ),
    "r-own-thoughts": (
        SSE, CREATED + spoken("response.reasoning.delta", "h") + SPOKEN + COMPLETED,
        "ok", None, None, "a", {"chunks": 2},
    ),
    "r-done-alone": (SSE, DONE, "broken_stream", "no_finish", None, "", {}),
    "r-cancelled": (
        SSE, CREATED + event(type="response.cancelled", response={"id": "r1", "status": "cancelled"}),
        "server_error", "failed_finish", None, "", {"finish_reason": "cancelled"},
    ),
    "r-json-as-sse": (SSE, QUOTA, "server_error", "error_body", "no credit", "", {}),
    "r-sse-as-json": (JSON, CREATED + SPOKEN + COMPLETED, "ok", None, None, "a", {}),
    "r-halves": (
        SSE, CREATED + b'data: {"type":"response.output_text.delta","delta":"\\ud83d"}\n\n'
        b'data: {"type":"response.output_text.delta","delta":"\\ude00"}\n\n' + COMPLETED,
        "ok", None, None, "\U0001f600", {"chunks": 2},
    ),
}  # fmt: skip
EMBEDDINGS = {
    "e-nan": (JSON, b'{"data":[{"index":0,"embedding":[NaN,1.0]}],"usage":{"prompt_tokens":3.0}}', "ok", None, None, "",
              {"input_tokens": 3}),
    "e-error": (JSON, QUOTA, "server_error", "error_body", "no credit", "", {}),
    "e-deep": (JSON, DEEP, "broken_stream", "too_large", None, "", {}),
}  # fmt: skip
ALL: dict[str, tuple[Any, ...]] = STREAMS | OPTIONAL | BODIES | RESPONSES | EMBEDDINGS
SERVED = ALL | APART
CASES = [
    (name, endpoint, stream, finish_reason)
    for cases, endpoint, stream, finish_reason in (
        (STREAMS, "chat", True, "required"),
        (APART, "chat", True, "required"),
        (OPTIONAL, "chat", True, "optional"),
        (BODIES, "chat", False, "required"),
        (RESPONSES, "responses", True, "required"),
        (EMBEDDINGS, "embeddings", False, "required"),
    )
    for name in cases
]


def script(peer):
    """Answers by the name of the model."""
    while True:
        label, body, *_ = SERVED[json.loads(peer.read_request().body)["model"]]
        head = f"HTTP/1.1 200 OK\r\ncontent-type: {label}\r\ncontent-length: {len(body)}\r\n\r\n"
        peer.send(head.encode() + body)


@pytest.fixture(scope="module")
def told(serve_module):
    return {driver: _run(driver, serve_module(script)) for driver in ("native", "openai")}


def _run(driver, server):
    done = subprocess.run(
        [sys.executable, "-c", RUNNER, driver, server.base_url],
        input=json.dumps(CASES), capture_output=True, text=True, timeout=PATIENCE_S,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


_DEEP_ENDINGS = {("deep", "openai"): "malformed_event"}
"""The SDK reads events before anybody can look how deep they nest."""


@pytest.mark.parametrize("driver", ["native", "openai"])
@pytest.mark.parametrize("name", ALL)
def test_both_drivers_take_it_for_what_it_is(told, driver, name):
    attempt, _, text, _ = told[driver][name]
    *_, outcome, error, said, words, more = ALL[name]
    error = _DEEP_ENDINGS.get((name, driver), error)
    got = tuple(attempt.get(field) for field in ("outcome", "error", "said"))
    assert (*got, text) == (outcome, error, said, words)
    assert {field: attempt.get(field) for field in more} == more


@pytest.mark.parametrize("driver", ["native", "openai"])
@pytest.mark.parametrize("name", [name for name in ALL if name not in EMBEDDINGS])
def test_both_drivers_keep_of_a_sampled_answer_what_came(told, driver, name):
    attempt, _, text, kept = told[driver][name]
    if attempt["outcome"] != "ok":
        assert kept is None
        return
    assert (kept["text"], kept["cut"]) == (text, False)
    if name in ("named", "body-named"):
        named = {field: kept[field] for field in ("model", "fingerprint", "total_tokens", "thoughts")}
        assert named == {"model": "m-1", "fingerprint": "fp_***", "total_tokens": 9, "thoughts": "hm"}


@pytest.mark.parametrize("name", APART)
def test_what_the_sdk_refuses_fails_under_its_driver_alone(told, name):
    *_, native, openai = APART[name]
    came = [(attempt["outcome"], attempt.get("error"), text) for attempt, _, text, _ in (told[d][name] for d in told)]
    assert came == [native, openai]


@pytest.mark.parametrize("driver", ["native", "openai"])
def test_what_came_at_once_has_no_time_between_its_tokens(told, driver):
    attempt, *_ = told[driver]["details"]
    assert attempt["last_token_s"] == attempt["ttft_s"]
