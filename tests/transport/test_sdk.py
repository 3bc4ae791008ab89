"""Both drivers, each in a process that Locust has patched, against one server: the same bodies, the same attempts."""

import json
import subprocess
import sys

import pytest

RUNNER = """
from locust import User
import json, sys
import gevent
import msgspec
from relayload.core.wire.chat import chat_request
from relayload.core.wire.request import Timeouts
if sys.argv[1] == "native":
    from relayload.transport.native import NativeTransport as Transport
else:
    from relayload.transport.sdk import SdkTransport as Transport

timeouts = Timeouts(connect_s=3.0, first_token_s=2.0, gap_s=0.8, total_s=3.0)
transport = Transport(sys.argv[2], "sk-test", headers={"x-team": "a"})
messages = [{"role": "user", "content": "gr\\u00fc\\u00df"}]


def send(model, stream):
    request = chat_request(
        model, messages, stream=stream, max_output_tokens=9, temperature=0.5, reasoning_effort="low",
        extra={"seed": 4, "unheard_of": [1]}, headers={"x-tenant": "t"},
    )
    answer = transport.send(request, timeouts, keep_text=True)
    return msgspec.to_builtins([answer.attempt, answer.fault, answer.text])


asked = json.load(sys.stdin)
sending = [gevent.spawn(send, *each) for each in asked]
json.dump([greenlet.get() for greenlet in sending], sys.stdout)
transport.close()
"""

CASES = [
    (model, stream)
    for model in ("answer", "http-429", "http-503-html", "error-in-200", "no-json", "silent", "close", "reset")
    for stream in (True, False)
] + [
    (model, True)
    for model in ("thoughts", "no-usage", "no-finish", "error-event", "malformed", "cut", "stall", "not-a-stream")
]  # fmt: skip

USAGE = (
    b'"usage":{"prompt_tokens":7,"completion_tokens":5,"prompt_tokens_details":{"cached_tokens":3},'
    b'"completion_tokens_details":{"reasoning_tokens":2}}'
)
PLAIN = b'{"id":"c1","choices":[{"index":0,"message":{"content":"hello"},"finish_reason":"stop"}],%b}' % USAGE
USAGE_EVENT = b'data: {"id":"c1","choices":[],%b}\n\n' % USAGE


def script(peer):
    """Answers by the name of the model."""
    while True:
        body = json.loads(peer.read_request().body)
        answer(peer, body["model"], body.get("stream", False))


def answer(peer, model, stream):
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
        case "not-a-stream":
            peer.answer(PLAIN, headers="x-request-id: req-1\r\n")
        case _ if not stream:
            peer.answer(PLAIN, headers="x-request-id: req-1\r\n")
        case _:
            stream_answer(peer, model)


def stream_answer(peer, model):
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
    done = subprocess.run(command, input=json.dumps(CASES), capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return server.requests, json.loads(done.stdout)


def _said(requests):
    """Every request by what it asks for, headers that both must send with it."""
    names = ("authorization", "content-type", "x-team", "x-tenant")
    said = [(json.loads(each.body), [each.headers.get(name) for name in names]) for each in requests]
    return sorted(said, key=lambda each: (each[0]["model"], each[0].get("stream", False)))


def test_both_drivers_send_the_same_requests(told):
    (native, _), (openai, _) = told["native"], told["openai"]
    assert len(native) == len(CASES)
    assert _said(native) == _said(openai)


TIMES = {"sent_at_s", "service_s", "ttft_s", "ttfo_s", "chunk_gaps"}
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


@pytest.mark.parametrize("case", CASES)
def test_both_drivers_tell_the_same_of_an_answer(told, case):
    (native, native_fault, native_text), (openai, openai_fault, openai_text) = (
        told[driver][1][CASES.index(case)] for driver in ("native", "openai")
    )
    assert _comparable(native) == _comparable(openai)
    assert (native_fault, native_text) == (openai_fault, openai_text)


def _comparable(attempt):
    return {
        name: value is not None if name in TIMES else value for name, value in attempt.items() if name not in PHASES
    }
