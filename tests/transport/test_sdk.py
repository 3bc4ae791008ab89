"""Both drivers, each in a process that Locust has patched, against one server: the same bodies, the same attempts."""

import base64
import json
import os
import subprocess
import sys

import pytest
from support import PATIENCE_S

from relayload.core.wire.embeddings import vectors

RUNNER = """
from locust import User
import json, sys
import msgspec
from gevent.pool import Pool
from relayload.core.wire.chat import chat_request
from relayload.core.wire.embeddings import embeddings_request
from relayload.core.wire.request import Timeouts
from relayload.core.wire.responses import responses_request
from relayload.transport.drivers import new_transport, prepare

PATIENT = Timeouts(connect_s=150.0, first_token_s=150.0, gap_s=150.0, total_s=150.0)
HURRIED = {
    "silent": Timeouts(connect_s=150.0, first_token_s=2.0, total_s=4.0),
    "stall": Timeouts(connect_s=150.0, gap_s=1.0, total_s=150.0),
}
prepare(sys.argv[1])
transport = new_transport(sys.argv[1], sys.argv[2], "sk-test", headers={"x-team": "a"})
messages = [{"role": "user", "content": "gr\\u00fc\\u00df"}]


more = {"extra": {"seed": 4, "unheard_of": [1]}, "headers": {"x-tenant": "t"}}


def request(endpoint, model, stream):
    if endpoint == "embeddings":
        return embeddings_request(model, ["gr\u00fc\u00df", "b"], dimensions=2, **more)
    new = chat_request if endpoint == "chat" else responses_request
    return new(
        model, messages, stream=stream, max_output_tokens=9, temperature=0.5, reasoning_effort="low", **more
    )


def send(*case):
    told = []
    answer = transport.send(request(*case), HURRIED.get(case[1], PATIENT), keep_text=True, on_text=told.append)
    assert not case[2] or "".join(told) == answer.text
    return msgspec.to_builtins([answer.attempt, answer.fault, answer.text, answer.body])


json.dump(Pool(16).map(lambda case: send(*case), json.load(sys.stdin)), sys.stdout)
transport.close()
"""

EVERYWHERE = ("answer", "http-429", "http-503-html", "error-in-200", "no-json", "silent", "close", "reset")
ODD = {"no-object": b"123", "odd-choices": b'{"choices":[1]}', "odd-usage": b'{"choices":[],"usage":"none"}'}
"""Events that are JSON, but not of the format."""
CASES = [
    (endpoint, model, stream)
    for endpoint, kinds in (("chat", (True, False)), ("responses", (True, False)), ("embeddings", (False,)))
    for model in EVERYWHERE
    for stream in kinds
] + [
    ("chat", model, True)
    for model in ("thoughts", "no-usage", "no-finish", "error-event", "malformed", "cut", "stall", "not-a-stream", *ODD)
] + [
    ("responses", model, True)
    for model in ("thoughts", "no-finish", "failed", "incomplete", "error-event", "malformed", "cut", "not-a-stream")
] + [
    ("responses", "incomplete", False), ("embeddings", "one-vector", False)
]  # fmt: skip

USAGE = (
    b'"usage":{"prompt_tokens":7,"completion_tokens":5,"prompt_tokens_details":{"cached_tokens":3},'
    b'"completion_tokens_details":{"reasoning_tokens":2}}'
)
COMPLETION = b'{"id":"c1","choices":[{"index":0,"message":{"content":"hello"},"finish_reason":"stop"}],%b}' % USAGE
USAGE_EVENT = b'data: {"id":"c1","choices":[],%b}\n\n' % USAGE


OUTPUT = [
    {"id": "rs_1", "type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}]},
    {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "status": "completed",
        "content": [{"type": "output_text", "text": "hello", "annotations": []}],
    },
]
RESPONSE = {
    "id": "resp_1",
    "object": "response",
    "created_at": 1,
    "model": "m",
    "status": "completed",
    "error": None,
    "incomplete_details": None,
    "output": OUTPUT,
    "usage": {
        "input_tokens": 7,
        "input_tokens_details": {"cached_tokens": 3},
        "output_tokens": 5,
        "output_tokens_details": {"reasoning_tokens": 2},
        "total_tokens": 12,
    },
}
INCOMPLETE = RESPONSE | {"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}
FAILED = RESPONSE | {"status": "failed", "error": {"code": "server_error", "message": "broken"}, "usage": None}
VECTORS = [{"object": "embedding", "index": number, "embedding": [0.5, -1.0]} for number in range(2)]


def plain(path, model):
    """A whole answer of the endpoint."""
    if path.endswith("/chat/completions"):
        return COMPLETION
    if path.endswith("/responses"):
        return json.dumps(INCOMPLETE if model == "incomplete" else RESPONSE).encode()
    data = VECTORS[:1] if model == "one-vector" else VECTORS
    return json.dumps({"object": "list", "model": model, "data": data, "usage": {"prompt_tokens": 7}}).encode()


def script(peer):
    """Answers by the name of the model."""
    while True:
        request = peer.read_request()
        body = json.loads(request.body)
        answer(peer, request.head.split()[1], body["model"], body.get("stream", False))


def answer(peer, path, model, stream):
    match model:
        case "http-429":
            peer.answer(b'{"error":{"message":"slow","code":"c","type":"t"}}', "429 Too Many", "retry-after: 7\r\n")
        case "http-503-html":
            peer.answer(b"<html>busy</html>", "503 Service Unavailable")
        case "error-in-200":
            peer.answer(b'{"error":{"message":"no","code":404}}')
        case "no-json":
            peer.answer(b"{")
        case "silent":
            peer.wait_for_close()
        case "close":
            peer.sock.close()
        case "reset":
            peer.reset()
        case _ if model == "not-a-stream" or not stream:
            peer.answer(plain(path, model), headers="x-request-id: req-1\r\n")
        case _ if path.endswith("/responses"):
            stream_response(peer, model)
        case _:
            stream_completion(peer, model)


def stream_response(peer, model):
    def send(kind, **fields):
        event = {"type": kind, "sequence_number": 0} | fields
        peer.send_chunk(f"event: {kind}\ndata: {json.dumps(event)}\n\n".encode())

    place = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
    peer.begin_stream()
    send("response.created", response=RESPONSE | {"status": "in_progress", "output": [], "usage": None})
    if model == "thoughts":
        send("response.reasoning_summary_text.delta", item_id="rs_1", output_index=0, summary_index=0, delta="hm")
        send("response.function_call_arguments.delta", item_id="fc_1", output_index=1, delta="{")
    send("response.output_text.delta", **place, delta="", logprobs=[])
    send("response.output_text.delta", **place, delta="a", logprobs=[])
    send("response.of_another_day", news=1)
    send("response.output_text.delta", **place, delta="b", logprobs=[])
    match model:
        case "cut":
            peer.sock.close()
            return
        case "error-event":
            send("error", code="rate_limit", message="broken", param=None)
        case "malformed":
            peer.send_chunk(b"data: {\n\n")
        case "failed":
            send("response.failed", response=FAILED)
        case "incomplete":
            send("response.incomplete", response=INCOMPLETE)
        case "no-finish":
            pass
        case _:
            send("response.completed", response=RESPONSE)
    peer.send_chunk(b"")


def stream_completion(peer, model):
    peer.begin_stream("x-request-id: req-1\r\n")
    peer.send_chunk(b'data: {"id":"c1","choices":[{"index":0,"delta":{"role":"assistant","content":""}}]}\n\n')
    if model == "thoughts":
        peer.send_chunk(b'data: {"choices":[{"index":0,"delta":{"reasoning_content":"hm"}}]}\n\n')
        peer.send_chunk(b'data: {"choices":[{"index":0,"delta":{"reasoning":"hm"}}]}\n\n')
    peer.send_event("a")
    peer.send_event("b")
    match model:
        case "error-event":
            peer.send_chunk(b'data: {"error":{"message":"broken","code":"429","type":"t"}}\n\n')
            peer.send_chunk(b"")
        case "malformed":
            peer.send_chunk(b"data: {\n\n")
            peer.send_chunk(b"")
        case "no-finish":
            peer.send_chunk(b"")
        case model if model in ODD:
            peer.send_chunk(b"data: %b\n\n" % ODD[model])
            peer.end_stream()
        case "cut":
            peer.sock.close()
        case "stall":
            peer.send_chunk(b": ping\n\n")
            peer.wait_for_close()
        case "no-usage":
            peer.end_stream()
        case _:
            peer.send_chunk(USAGE_EVENT)
            peer.end_stream()


@pytest.fixture(scope="module")
def told(serve_module):
    """What each driver sent and what it told of every case."""
    return {driver: _run(driver, serve_module(script)) for driver in ("native", "openai")}


def _run(driver, server):
    command = [sys.executable, "-c", RUNNER, driver, server.base_url]
    environ = os.environ | {"OPENAI_ORG_ID": "org-1", "OPENAI_PROJECT_ID": "proj-1"}  # which no relay has to know
    done = subprocess.run(
        command, input=json.dumps(CASES), capture_output=True, text=True, timeout=PATIENCE_S, check=False, env=environ
    )
    assert done.returncode == 0, done.stderr
    return server.requests, json.loads(done.stdout)


def _said(requests):
    """Every request by where it goes, what it asks for, and headers that both must send with it.

    Only once: what meets a connection that is just being closed is silently sent anew.
    """
    names = ("authorization", "content-type", "x-team", "x-tenant", "openai-organization", "openai-project")
    return {
        (each.head.split()[1], json.dumps(json.loads(each.body), sort_keys=True), *map(each.headers.get, names))
        for each in requests
    }


def test_both_drivers_send_the_same_requests(told):
    (native, _), (openai, _) = told["native"], told["openai"]
    assert len(_said(native)) == len(CASES)
    assert _said(native) == _said(openai)


TIMES = {"sent_at_s", "service_s", "ttft_s", "ttfo_s", "last_token_s", "chunk_gaps"}
ERRORS = {"ttft_error_s", "ttfo_error_s", "last_token_error_s", "gap_errors"}
"""Only kernel timestamps have them."""
"""Compared by whether they are there; the phases and bytes on the wire are for the native driver to tell."""
PHASES = {
    "blocked_s",
    "dns_s",
    "connect_s",
    "tls_s",
    "send_s",
    "waiting_s",
    "receive_s",
    "sent_bytes",
    "received_bytes",
}


@pytest.mark.parametrize("case", CASES, ids=lambda case: "-".join(map(str, case)))
def test_both_drivers_tell_the_same_of_an_answer(told, case):
    (native, *native_rest), (openai, *openai_rest) = (
        told[driver][1][CASES.index(case)] for driver in ("native", "openai")
    )
    assert _comparable(native) == _comparable(openai)
    assert native_rest == openai_rest


CAME_TO = {
    ("chat", "answer", True): ("ok", None, "stop", 5),
    ("chat", "answer", False): ("ok", None, "stop", 5),
    ("responses", "answer", True): ("ok", None, "completed", 5),
    ("responses", "answer", False): ("ok", None, "completed", 5),
    ("responses", "incomplete", True): ("ok", None, "max_output_tokens", 5),
    ("responses", "incomplete", False): ("ok", None, "max_output_tokens", 5),
    ("responses", "no-finish", True): ("broken_stream", "no_finish", None, 2),
    ("responses", "failed", True): ("server_error", "error_event", "failed", 2),
    ("responses", "error-event", True): ("server_error", "error_event", None, 2),
    ("responses", "thoughts", True): ("ok", None, "completed", 5),
    ("embeddings", "answer", False): ("ok", None, None, None),
    ("embeddings", "one-vector", False): ("broken_stream", "malformed_body", None, None),
}


@pytest.mark.parametrize(("case", "came_to"), CAME_TO.items(), ids=lambda each: "-".join(map(str, each)))
def test_answers_of_every_endpoint_come_to_what_they_say(told, case, came_to):
    attempt, *_ = told["native"][1][CASES.index(case)]
    names = ("outcome", "error", "finish_reason", "output_tokens")
    assert tuple(attempt.get(name) for name in names) == came_to


STREAMED = {
    ("chat", "answer", True): 5 - 2,
    ("chat", "thoughts", True): 5,
    ("chat", "no-usage", True): 2,
    ("chat", "cut", True): 2,
    ("chat", "silent", True): None,
    ("chat", "answer", False): None,
    ("responses", "answer", True): 5 - 2,
    ("responses", "thoughts", True): None,
    ("responses", "cut", True): 2,
    ("responses", "answer", False): None,
}
"""Where the answer tells 5 tokens with 2 of reasoning; what the responses stream of it is a summary."""


@pytest.mark.parametrize("driver", ["native", "openai"])
@pytest.mark.parametrize(("case", "streamed"), STREAMED.items(), ids=["-".join(map(str, case)) for case in STREAMED])
def test_streamed_tokens_are_without_the_reasoning_that_nobody_saw(told, driver, case, streamed):
    attempt, *_ = told[driver][1][CASES.index(case)]
    assert attempt.get("streamed_tokens") == streamed
    assert ("last_token_s" in attempt) is ("ttft_s" in attempt)
    assert attempt.get("last_token_s", 0.0) <= attempt.get("service_s", 9.0)


def test_an_answer_in_one_piece_brings_its_body(told):
    bodies = {case: answer[3] for case, answer in zip(CASES, told["native"][1], strict=True)}
    kept = base64.b64decode(bodies["embeddings", "answer", False])
    assert vectors(kept) == [[0.5, -1.0], [0.5, -1.0]]
    assert bodies["responses", "answer", True] == bodies["chat", "http-429", False] == ""


def _comparable(attempt):
    return {
        name: value is not None if name in TIMES else value
        for name, value in attempt.items()
        if name not in PHASES | ERRORS
    }
