"""The relay as its clients see it: the official SDK, curl, and plain HTTP."""

import json
import math
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import openai
import pytest
from openai.types.chat import ChatCompletionMessageParam
from support import PATIENCE_S, wait_for

from relayload.fakerelay.process import FakeRelay

PRESET = """
models:
  fast: {ttft: {any: 2ms}, speed: 2000/s, output_tokens: {any: 20}, images: true, reasoning: {medium: 50%}}
  steady: {ttft: {any: 100ms}, speed: 100/s, output_tokens: {any: 20}}
  blind: {ttft: {any: 2ms}, speed: 2000/s, output_tokens: {any: 20}}
  narrow: {ttft: {any: 2ms}, speed: 2000/s, output_tokens: {any: 1}}
  broken: {ttft: {any: 2ms}, speed: 2000/s, output_tokens: {any: 20}}
  crossed: {ttft: {any: 2ms}, speed: 2000/s, output_tokens: {any: 20}}
embedding_models:
  embed: {latency: 2ms, dimensions: 8}
limits:
  - {per: model, requests: 3/min, models: [narrow]}
faults:
  - {kind: status, status: 503, models: [broken]}
  - {kind: error_event, models: [crossed]}
"""
MESSAGES: list[ChatCompletionMessageParam] = [{"role": "user", "content": "one two three"}]


@pytest.fixture(scope="module")
def relay(start_relay: Callable[..., FakeRelay]) -> FakeRelay:
    return start_relay(PRESET)


@pytest.fixture
def client(relay: FakeRelay):
    with openai.OpenAI(base_url=relay.base_url, api_key="sk-fake", max_retries=0) as client:
        yield client


def fetch(relay: FakeRelay, path: str, body: object = None, method: str | None = None, key: str = "sk-fake"):
    """Status and body of a request; a `bytes` body is sent as it is."""
    data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
    url = relay.base_url.removesuffix("/v1") + path
    request = urllib.request.Request(url, data, {"Authorization": f"Bearer {key}"}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE_S) as response:
            return response.status, json.loads(response.read())
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read())


def test_the_sdk_gets_a_plain_answer_with_usage(client):
    answer = client.chat.completions.create(model="fast", messages=MESSAGES)
    assert answer.choices[0].finish_reason == "stop"
    assert len(answer.choices[0].message.content.split()) == 20
    assert answer.usage.prompt_tokens == 10
    assert answer.usage.completion_tokens == 20
    assert answer.usage.prompt_tokens_details.cached_tokens == 0
    assert answer.usage.completion_tokens_details.reasoning_tokens == 0


def test_the_sdk_gets_a_stream_of_one_token_a_chunk(client):
    stream = client.chat.completions.create(
        model="fast", messages=MESSAGES, stream=True, stream_options={"include_usage": True}, max_tokens=7
    )
    chunks = list(stream)
    texts = [chunk.choices[0].delta.content for chunk in chunks if chunk.choices and chunk.choices[0].delta.content]
    assert len(texts) == 7
    assert chunks[0].choices[0].delta.role == "assistant"
    assert chunks[-2].choices[0].finish_reason == "length"
    assert chunks[-1].choices == []
    assert chunks[-1].usage.completion_tokens == 7
    stamps = [chunk.x_relayload["first_token_ns"] for chunk in chunks if hasattr(chunk, "x_relayload")]
    assert len(stamps) == 1
    assert abs(stamps[0] - time.time_ns()) < 60e9


def test_a_stream_and_a_plain_answer_of_one_length_say_as_much(client):
    headers = {"x-relayload-output-tokens": "33"}
    plain = client.chat.completions.create(model="fast", messages=MESSAGES, extra_headers=headers)
    stream = client.chat.completions.create(model="fast", messages=MESSAGES, stream=True, extra_headers=headers)
    streamed = "".join(chunk.choices[0].delta.content or "" for chunk in stream)
    assert plain.usage.completion_tokens == 33 == len(plain.choices[0].message.content.split())
    assert len(streamed.split()) == 33


def test_thoughts_come_before_the_visible_tokens_and_can_be_hidden(client):
    def deltas(**more):
        stream = client.chat.completions.create(
            model="fast", messages=MESSAGES, stream=True, reasoning_effort="medium", **more
        )
        found = [chunk.choices[0].delta for chunk in stream]
        return [
            "t" if getattr(d, "reasoning_content", None) else "v"
            for d in found
            if d.content != "" and d != d.__class__()
        ]

    assert "".join(deltas()).strip("v").count("t") == 10
    shown = deltas()
    assert shown[:10] == ["t"] * 10
    assert "t" not in shown[10:]
    assert "t" not in deltas(extra_body={"include_reasoning": False})


def test_tokens_are_paced_from_the_first(client):
    begun = time.monotonic()
    stream = client.chat.completions.create(model="steady", messages=MESSAGES, stream=True)
    instants = [time.monotonic() - begun for chunk in stream if chunk.choices[0].delta.content]
    assert all(at_s >= 0.09 + number * 0.0099 for number, at_s in enumerate(instants))


def test_the_sdk_reads_the_responses_format(client):
    answer = client.responses.create(model="fast", input="one two three", max_output_tokens=7)
    assert (answer.status, answer.usage.output_tokens) == ("incomplete", 7)
    assert len(answer.output_text.split()) == 7
    events = list(client.responses.create(model="fast", input="hi", stream=True, reasoning={"effort": "medium"}))
    assert [event.sequence_number for event in events] == list(range(len(events)))
    kinds = [event.type for event in events]
    assert kinds[:2] == ["response.created", "response.in_progress"]
    assert kinds.count("response.reasoning_text.delta") == 10
    assert kinds.count("response.output_text.delta") == 10
    assert kinds[-1] == "response.completed"
    text = "".join(event.delta for event in events if event.type == "response.output_text.delta")
    assert events[-1].response.output_text == text


def test_the_sdk_gets_embeddings_in_its_own_base64(client):
    answer = client.embeddings.create(model="embed", input=["one", "two three"])
    assert [len(item.embedding) for item in answer.data] == [8, 8]
    assert math.fsum(value**2 for value in answer.data[0].embedding) == pytest.approx(1.0, abs=1e-6)
    assert answer.usage.prompt_tokens == 3


def test_the_sdk_lists_the_models(client):
    assert [model.id for model in client.models.list()][:2] == ["fast", "steady"]


def test_images_are_taken_by_models_that_see(client):
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA==", "detail": "low"}}
    messages = [{"role": "user", "content": [{"type": "text", "text": "what"}, image]}]
    assert client.chat.completions.create(model="fast", messages=messages).usage.prompt_tokens == 1 + 85 + 7
    with pytest.raises(openai.BadRequestError, match="image_url is only supported by certain models"):
        client.chat.completions.create(model="blind", messages=messages)


def test_repeated_prompts_are_cached(client):
    messages = [{"role": "user", "content": "a prompt of many words " * 400}]
    usages = [client.chat.completions.create(model="fast", messages=messages).usage for _ in range(2)]
    assert [usage.prompt_tokens_details.cached_tokens for usage in usages] == [0, 1920]


@pytest.mark.parametrize(
    ("create", "error", "code"),
    [
        (lambda c: c.chat.completions.create(model="none", messages=MESSAGES), openai.NotFoundError, "model_not_found"),
        (lambda c: c.chat.completions.create(model="fast", messages=[]), openai.BadRequestError, "empty_array"),
        (lambda c: c.chat.completions.create(model="broken", messages=MESSAGES), openai.InternalServerError, None),
        (lambda c: c.embeddings.create(model="fast", input="x"), openai.NotFoundError, "model_not_found"),
        (
            lambda c: c.with_options(api_key="sk-other").models.list(),
            openai.AuthenticationError,
            "invalid_api_key",
        ),
    ],
)
def test_the_sdk_raises_the_class_that_each_error_is(client, create, error, code):
    with pytest.raises(error) as raised:
        create(client)
    assert raised.value.code == code


def test_the_sdk_raises_when_a_stream_breaks(client):
    with pytest.raises(openai.APIError, match="The server had an error"):
        list(client.chat.completions.create(model="crossed", messages=MESSAGES, stream=True))


def test_a_limit_is_told_to_the_sdk_with_hints(client):
    created = [client.chat.completions.with_raw_response.create(model="narrow", messages=MESSAGES) for _ in range(3)]
    assert [answer.headers["x-ratelimit-remaining-requests"] for answer in created] == ["2", "1", "0"]
    with pytest.raises(openai.RateLimitError) as refused:
        client.chat.completions.create(model="narrow", messages=MESSAGES)
    headers = refused.value.response.headers
    assert 50 <= int(headers["retry-after"]) <= 60
    assert int(headers["retry-after"]) == math.ceil(int(headers["retry-after-ms"]) / 1e3)


def test_curl_reads_a_stream(relay):
    body = json.dumps({"model": "fast", "messages": MESSAGES, "stream": True})
    run = subprocess.run(
        ["curl", "-sN", f"{relay.base_url}/chat/completions", "-H", "Authorization: Bearer sk-fake", "-d", body],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=True,
    )
    events = run.stdout.split("\n\n")
    assert events[-2:] == ["data: [DONE]", ""]
    assert sum('"content":" ' in event for event in events) == 20


def test_curl_waits_for_100_continue_with_a_large_body(relay):
    body = json.dumps({"model": "fast", "messages": [{"role": "user", "content": "word " * 400_000}]})
    curl = ["curl", "-s", f"{relay.base_url}/chat/completions", "-H", "Authorization: Bearer sk-fake", "-d", "@-"]
    run = subprocess.run(
        [*curl, "-H", "Expect: 100-continue"],
        input=body,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=True,
    )
    assert json.loads(run.stdout)["usage"]["prompt_tokens"] == 400_001 + 7


@pytest.mark.parametrize(
    ("path", "body", "method", "status", "code"),
    [
        ("/v1/chat/completions", b"{", None, 400, None),
        ("/v1/chat/completions", {"model": "fast"}, None, 400, "missing_required_parameter"),
        ("/v1/chat/completions", b"\x00" * (21 * 1024 * 1024), None, 413, "request_too_large"),
        ("/v1/chat/completions", None, "GET", 405, "method_not_supported"),
        ("/v1/nothing", {}, None, 404, "unknown_url"),
        ("/__relay/requests?last=many", None, None, 400, "invalid_value"),
    ],
)
def test_bad_requests_get_an_error_in_the_relays_dialect(relay, path, body, method, status, code):
    found, answer = fetch(relay, path, body, method)
    assert (found, answer["error"]["code"]) == (status, code)


def test_health_needs_no_key(relay):
    assert fetch(relay, "/health", key="none") == (200, {"status": "ok", "fake": True})


def test_its_own_account_agrees_with_what_was_sent(start_relay):
    relay = start_relay(PRESET)
    with openai.OpenAI(base_url=relay.base_url, api_key="sk-fake", max_retries=0) as client:

        def ask(model: str) -> bool:
            try:
                client.chat.completions.create(model=model, messages=MESSAGES)
            except openai.APIStatusError:
                return False
            return True

        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(ask, ["fast"] * 10 + ["steady"] * 8 + ["broken"] * 3 + ["narrow"] * 5 + ["none"]))
    assert sum(answers) == 21
    _, stats = fetch(relay, "/__relay/stats")
    assert stats["requests"] == 27
    assert stats["by_outcome"] == {
        "ok": 21,
        "rate_limited": 2,
        "rejected": 1,
        "server_error": 3,
        "broken": 0,
        "abandoned": 0,
    }
    assert stats["by_model"] == {"broken": 3, "fast": 10, "narrow": 5, "none": 1, "steady": 8}
    assert stats["faults"] == {"status": 3}
    assert stats["tokens"] == {"input": 21 * 10, "cached_input": 0, "output": 18 * 20 + 3, "reasoning": 0}
    assert 1 <= stats["peak_in_flight"] <= 8
    assert stats["in_flight"] == 0
    _, last = fetch(relay, "/__relay/requests?last=27")
    assert len(last) == 27
    served = [entry for entry in last if entry["outcome"] == "ok"]
    for entry in served:
        assert entry["received_ns"] < entry["first_byte_ns"] <= entry["ended_ns"]
    assert fetch(relay, "/__relay/reset", method="POST") == (200, {"reset": True})
    assert fetch(relay, "/__relay/stats")[1]["requests"] == 0


def test_requests_queue_for_slots_as_arithmetic_says(start_relay):
    # Each takes 900 ms + 10 / (100/s) = 1 s of one of two slots: six at once start two by two.
    relay = start_relay(
        "models: {m: {ttft: {any: 900ms}, speed: 100/s, output_tokens: {any: 11}}}\ncapacity: {slots: 2, queue: 4}"
    )
    body = {"model": "m", "messages": MESSAGES}
    with ThreadPoolExecutor(7) as pool:
        statuses = [status for status, _ in pool.map(lambda _: fetch(relay, "/v1/chat/completions", body), range(7))]
    assert sorted(statuses) == [200] * 6 + [503]
    _, entries = fetch(relay, "/__relay/requests")
    queued_s = sorted(entry["queued_s"] for entry in entries if entry["outcome"] == "ok")
    assert queued_s == pytest.approx([0, 0, 1, 1, 2, 2], abs=0.5)


def test_garbage_and_half_requests_leave_it_standing(relay):
    address = urlsplit(relay.base_url)
    before = fetch(relay, "/__relay/stats")[1]["requests"]
    half = b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{"
    for data in (b"\x00\xff\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"GET " + b"x" * 100_000, half, b""):
        with socket.create_connection((address.hostname, address.port), timeout=PATIENCE_S) as connection:
            connection.sendall(data)
    assert fetch(relay, "/health")[0] == 200
    assert fetch(relay, "/__relay/stats")[1]["requests"] == before


def test_two_requests_at_once_on_one_connection_are_answered_in_turn(relay):
    address = urlsplit(relay.base_url)
    body = json.dumps({"model": "fast", "messages": MESSAGES}).encode()
    request = (
        b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer sk-fake\r\n"
        b"content-length: %d\r\n\r\n%b" % (len(body), body)
    )
    with socket.create_connection((address.hostname, address.port), timeout=PATIENCE_S) as connection:
        connection.sendall(request + request.replace(b"host: x", b"host: x\r\nconnection: close"))
        answered = b""
        while piece := connection.recv(65536):
            answered += piece
    assert answered.count(b"HTTP/1.1 200 OK") == 2


def test_an_answer_to_head_has_no_body(relay):
    address = urlsplit(relay.base_url)
    with socket.create_connection((address.hostname, address.port), timeout=PATIENCE_S) as connection:
        connection.sendall(b"HEAD /health HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        answered = b""
        while piece := connection.recv(65536):
            answered += piece
    assert answered.startswith(b"HTTP/1.1 405 ")
    assert answered.endswith(b"\r\n\r\n")


def test_an_error_status_of_the_relay_tells_its_limits_and_whole_seconds_to_wait(start_relay):
    relay = start_relay(
        "models: {m: {ttft: {any: 1ms}, speed: 1000/s, output_tokens: {any: 1}}}\nlimits: [{requests: 5/min}]\n"
        "faults: [{kind: status, status: 503, retry_after: 400ms, every: 2}, {kind: status, status: 500, body: html}]"
    )
    told = []
    for _ in range(2):
        with (
            pytest.raises(openai.InternalServerError) as caught,
            openai.OpenAI(base_url=relay.base_url, api_key="sk-fake", max_retries=0) as client,
        ):
            client.chat.completions.create(model="m", messages=MESSAGES)
        headers = caught.value.response.headers
        told.append((headers.get("retry-after"), headers.get("x-ratelimit-remaining-requests")))
    assert told == [(None, None), ("1", "3")]


def test_an_error_under_status_200_holds_its_slot_until_it_is_told(start_relay):
    relay = start_relay(
        "models: {m: {ttft: {any: 10ms}, speed: 10/s, output_tokens: {any: 6000}}}\ncapacity: {slots: 1}\n"
        "faults: [{kind: error_in_200}]"
    )
    body = {"model": "m", "messages": MESSAGES}
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda _: fetch(relay, "/v1/chat/completions", body), range(3)))
    _, entries = fetch(relay, "/__relay/requests")
    assert max(entry["queued_s"] for entry in entries) < 600, "what the whole answer would take"


def test_a_client_that_leaves_is_counted_as_gone(start_relay):
    relay = start_relay(PRESET)
    body = json.dumps({"model": "steady", "messages": MESSAGES, "stream": True}).encode()
    request = urllib.request.Request(
        f"{relay.base_url}/chat/completions",
        body,
        {"Authorization": "Bearer sk-fake", "x-relayload-output-tokens": "500"},
    )
    with urllib.request.urlopen(request, timeout=PATIENCE_S) as response:
        response.readline()
    wait_for(lambda: not fetch(relay, "/__relay/stats")[1]["in_flight"])
    assert fetch(relay, "/__relay/stats")[1]["by_outcome"]["abandoned"] == 1
