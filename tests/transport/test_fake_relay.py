"""The driver against the fake relay, whose faults and stamps are known."""

import subprocess
import sys
from dataclasses import replace
from typing import Any

import pytest
from support import PATIENCE_S, PATIENT, asked

from relayload import clock
from relayload.core.model.record import Outcome
from relayload.core.wire.chat import chat_request
from relayload.core.wire.embeddings import embeddings_request, vectors
from relayload.core.wire.messages import messages_request
from relayload.core.wire.responses import responses_request
from relayload.fakerelay.process import FakeRelay

TOKENS = 20

FAULTS = {
    # fault: what a stream comes to, and what a plain answer does
    "": ("ok", None, "ok", None),
    "status, status: 503": ("server_error", "http_503", "server_error", "http_503"),
    "status, status: 429, body: empty": ("rate_limited", "http_429", "rate_limited", "http_429"),
    "reset, at: before": ("unreachable", "reset_unanswered", "unreachable", "reset_unanswered"),
    "reset, at: middle": ("broken_stream", "reset", "broken_stream", "reset"),
    "truncate": ("broken_stream", "no_finish", "broken_stream", "truncated"),
    "error_event": ("server_error", "error_event", "ok", None),
    "error_in_200": ("server_error", "error_body", "server_error", "error_body"),
    "missing_usage": ("ok", None, "ok", None),
    "malformed_json": ("broken_stream", "malformed_event", "broken_stream", "malformed_body"),
    "coalesce, events: 5": ("ok", None, "ok", None),
    "fragment, bytes: 10, pause: 1ms": ("ok", None, "ok", None),
    "split_utf8": ("ok", None, "ok", None),
    "crlf": ("ok", None, "ok", None),
    "buffered": ("ok", None, "ok", None),
    "wrong_length, by: 10": ("ok", None, "broken_stream", "truncated"),
    "huge_chunk, size: 1MB": ("ok", None, "ok", None),
    "invalid_output": ("ok", None, "ok", None),
    "stall, for: 3s, keep_alive: 50ms": ("timed_out", "gap_timeout", "ok", None),
}


INVALID = f"model-{list(FAULTS).index('invalid_output')}"
"""The model whose JSON does not parse."""


@pytest.fixture(scope="module")
def relay(tmp_path_factory):
    """A relay that has a model for every fault, `model-0` to `model-n`."""
    models = "\n".join(f"  model-{number}: *model" for number in range(len(FAULTS)))
    faults = "\n".join(
        f"  - {{kind: {fault}, models: [model-{number}]}}" for number, fault in enumerate(FAULTS) if fault
    )
    file = tmp_path_factory.mktemp("presets") / "faulty.yaml"
    file.write_text(
        "models:\n"
        f"  model: &model {{ttft: {{any: 20ms}}, speed: 1000/s, output_tokens: {{any: {TOKENS}}}}}\n"
        f"{models}\nfaults:\n{faults}\n"
        "embedding_models:\n  embedder: {latency: {p50: 20ms, p99: 60ms}, dimensions: 3}\n"
    )
    with FakeRelay.start(str(file), api_key="sk-test") as relay:
        yield relay


@pytest.fixture(scope="module")
def thinking_relay(tmp_path_factory):
    """A relay with two models that think, one of them aloud."""
    file = tmp_path_factory.mktemp("presets") / "thinking.yaml"
    answers = f"ttft: {{any: 20ms}}, speed: 1000/s, output_tokens: {{any: {TOKENS}}}"
    file.write_text(f"models:\n  shown: {{{answers}}}\n  hidden: {{{answers}, reasoning: {{stream: false}}}}\n")
    with FakeRelay.start(str(file), api_key="sk-test") as relay:
        yield relay


@pytest.mark.parametrize("new_request", [chat_request, responses_request, messages_request])
@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_is_told_by_its_name(relay, connect, fault, new_request):
    transport = connect(relay.base_url)
    model = f"model-{list(FAULTS).index(fault)}"
    messages = [{"role": "user", "content": "hi"}]
    timeouts = replace(PATIENT, gap_s=1.5) if fault.startswith("stall") else PATIENT
    streamed, plain = (
        transport.send(new_request(model, messages, stream=stream), timeouts).attempt for stream in (True, False)
    )

    came_to = (streamed.outcome.value, streamed.error, plain.outcome.value, plain.error)
    assert came_to == FAULTS[fault]
    if streamed.outcome is Outcome.OK:
        assert (streamed.chunks, streamed.output_tokens) == (TOKENS, TOKENS)
        assert streamed.counted is (fault == "missing_usage")
        came_within_s = streamed.service_s - streamed.ttft_s  # on a busy machine, a good stream may come at once, too
        assert streamed.buffered is (fault == "buffered" or came_within_s <= 0.005)


@pytest.mark.parametrize("new_request", [chat_request, responses_request])
@pytest.mark.parametrize(("shown", "streamed"), [(True, TOKENS), (False, 4)])
def test_hidden_thoughts_are_told_and_not_streamed(thinking_relay, connect, new_request, shown, streamed):
    request = new_request("shown" if shown else "hidden", [{"role": "user", "content": "hi"}], reasoning_effort="high")
    attempt = connect(thinking_relay.base_url).send(request, PATIENT).attempt
    assert (attempt.output_tokens, attempt.reasoning_tokens) == (TOKENS, 16)
    assert (attempt.chunks, attempt.streamed_tokens) == (streamed, streamed)
    assert attempt.ttft_s <= attempt.last_token_s <= attempt.service_s


STRICT = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}
FUNCTION: dict[str, Any] = {
    "name": "weather",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
}


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(
    ("new_request", "tool"),
    [
        (chat_request, {"type": "function", "function": FUNCTION}),
        (responses_request, {"type": "function", **FUNCTION}),
        (messages_request, {"name": "weather", "input_schema": FUNCTION["parameters"]}),
    ],
)
@pytest.mark.parametrize("valid", [True, False])
def test_the_arguments_of_a_call_are_tokens_and_are_parsed(relay, connect, new_request, tool, stream, valid):
    choice = {"type": "any"} if new_request is messages_request else "required"
    extra = {"tools": [tool], "tool_choice": choice}
    model = "model-0" if valid else INVALID
    request = new_request(model, [{"role": "user", "content": "hi"}], stream=stream, extra=extra)
    attempt = connect(relay.base_url).send(request, PATIENT).attempt
    assert (attempt.outcome, attempt.error, attempt.output_tokens) == (Outcome.OK, None, TOKENS)
    parses = valid or (new_request is messages_request and not stream)  # which has an object there
    assert (attempt.tool_calls, attempt.valid_tool_calls, attempt.fits_schema) == (1, int(parses), None)
    assert attempt.remarks == (() if parses else ("invalid_call",))
    if stream:
        assert attempt.ttft_s <= attempt.last_token_s
        assert attempt.ttfo_s is None


NAMED = {"name": "n", "schema": FUNCTION["parameters"]}


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(
    ("new_request", "extra"),
    [
        (chat_request, {"response_format": {"type": "json_schema", "json_schema": NAMED}}),
        (chat_request, {"response_format": {"type": "json_schema", "json_schema": NAMED}, "n": 2}),
        (responses_request, {"text": {"format": {"type": "json_schema", **NAMED}}}),
        (messages_request, {"output_config": {"format": {"type": "json_schema", "schema": STRICT}}}),
    ],
)
@pytest.mark.parametrize("fits", [True, False])
def test_structured_output_is_checked_against_its_schema(relay, connect, new_request, extra, stream, fits):
    model = "model-0" if fits else INVALID
    request = new_request(model, [{"role": "user", "content": "hi"}], stream=stream, extra=extra)
    attempt = connect(relay.base_url).send(request, PATIENT).attempt
    assert (attempt.outcome, attempt.fits_schema, attempt.tool_calls) == (Outcome.OK, fits, 0)
    assert attempt.remarks == (() if fits else ("unfit",))
    assert attempt.output_tokens == TOKENS * extra.get("n", 1)


@pytest.mark.parametrize("encoding", ["float", "base64"])
def test_texts_are_embedded(relay, connect, encoding):
    request = embeddings_request("embedder", ["one", "two three"], encoding_format=encoding)
    answer = connect(relay.base_url).send(request, PATIENT, keep_text=True)
    attempt = answer.attempt
    assert (attempt.outcome, attempt.chunks, attempt.ttft_s, attempt.output_tokens) == (Outcome.OK, 0, None, None)
    assert attempt.input_tokens > 0
    assert [len(vector) for vector in vectors(answer.body)] == [3, 3]


def test_the_first_token_is_timed_by_its_arrival(relay, connect, ask):
    transport = connect(relay.base_url)

    def on_the_way_s():
        attempt = transport.send(ask(extra={"model": "model-0"}), PATIENT).attempt
        wall_to_monotonic_s = clock.now_s() - clock.wall_ns() / 1e9
        (entry,) = asked(relay.base_url.removesuffix("/v1") + "/__relay/requests?last=1")
        return attempt.sent_at_s + attempt.ttft_s - entry["first_byte_ns"] / 1e9 - wall_to_monotonic_s

    # A relay that loses its core between its note and its write really is late: the best of several tells.
    assert min(on_the_way_s() for _ in range(9)) == pytest.approx(0.0, abs=0.05)


PATCHED = """
from locust import User
import sys
import gevent
from relayload.core.wire.chat import chat_request
from relayload.core.wire.request import Timeouts
from relayload.transport.native import NativeTransport

transport = NativeTransport(sys.argv[1], "sk-test")
request = chat_request("model-0", [{"role": "user", "content": "hi"}], stream=False)
sending = [gevent.spawn(transport.send, request, Timeouts()) for _ in range(20)]
print({greenlet.get().attempt.outcome.value for greenlet in sending}, transport.kernel_timestamps)
transport.close()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="other kernels do not stamp TCP")
def test_it_works_where_locust_has_patched_everything(relay):
    command = [sys.executable, "-W", "error", "-c", PATCHED, relay.base_url]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert (done.stdout, done.returncode) == ("{'ok'} True\n", 0), done.stderr
