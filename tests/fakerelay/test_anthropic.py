"""The relay serves Anthropic's Messages API: as the official client sees it."""

import json
from collections.abc import Callable
from typing import Any

import anthropic
import jsonschema
import pytest

from relayload.fakerelay.process import FakeRelay

PRESET = """
models:
  fast: {ttft: {any: 1ms}, speed: 20000/s, output_tokens: {any: 40}, reasoning: {medium: 50%}}
  busy: {ttft: {any: 1ms}, speed: 20000/s, output_tokens: {any: 4}}
  limited: {ttft: {any: 1ms}, speed: 20000/s, output_tokens: {any: 4}}
  broken: {ttft: {any: 1ms}, speed: 20000/s, output_tokens: {any: 40}}
limits:
  - {models: [limited], requests: 1/min}
faults:
  - {kind: status, status: 529, models: [busy]}
  - {kind: error_event, models: [broken]}
"""
SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "days": {"type": "integer", "minimum": 1}},
    "required": ["city", "days"],
    "additionalProperties": False,
}
WEATHER = {"name": "weather", "description": "Tells the weather.", "input_schema": SCHEMA}
MESSAGES = [{"role": "user", "content": "one two three"}]


@pytest.fixture(scope="module")
def relay(start_relay: Callable[..., FakeRelay]) -> FakeRelay:
    return start_relay(PRESET)


@pytest.fixture(scope="module")
def client(relay: FakeRelay):
    base_url = relay.base_url.removesuffix("/v1")
    with anthropic.Anthropic(base_url=base_url, api_key="sk-fake", max_retries=0) as client:
        yield client


def created(client: anthropic.Anthropic, **more: Any) -> Any:
    return client.messages.create(**{"model": "fast", "max_tokens": 100, "messages": MESSAGES, **more})


def streamed(client: anthropic.Anthropic, **more: Any) -> tuple[Any, list[str]]:
    """The message as the client puts it together, and the types of its raw events."""
    events: list[str] = []
    wanted: dict[str, Any] = {"model": "fast", "max_tokens": 100, "messages": MESSAGES, **more}
    with client.messages.stream(**wanted) as stream:
        events += [event.type for event in stream]
        return stream.get_final_message(), events


def asked(client: anthropic.Anthropic, whole: bool, **more: Any) -> Any:
    return created(client, **more) if whole else streamed(client, **more)[0]


@pytest.mark.parametrize("whole", [True, False])
def test_a_message_has_text_usage_and_a_stop_reason(client: anthropic.Anthropic, whole: bool) -> None:
    message = asked(client, whole)
    (block,) = message.content
    assert len(block.text.split()) == 40
    assert (message.stop_reason, message.role) == ("end_turn", "assistant")
    assert message.usage.output_tokens == 40
    assert message.usage.input_tokens + message.usage.cache_read_input_tokens > 3


@pytest.mark.parametrize("whole", [True, False])
def test_the_budget_cuts_it(client: anthropic.Anthropic, whole: bool) -> None:
    message = asked(client, whole, max_tokens=7)
    assert (message.stop_reason, message.usage.output_tokens) == ("max_tokens", 7)


@pytest.mark.parametrize("whole", [True, False])
def test_a_stop_sequence_ends_it_and_is_named(client: anthropic.Anthropic, whole: bool) -> None:
    asks = "Repeat these words exactly as they are: alpha bravo charlie"
    more: Any = {"messages": [{"role": "user", "content": asks}], "stop_sequences": ["zulu", " charlie"]}
    message = asked(client, whole, **more)
    assert (message.content[0].text, message.stop_reason, message.stop_sequence) == (
        "alpha bravo",
        "stop_sequence",
        " charlie",
    )


def test_the_events_of_a_stream_are_in_order(client: anthropic.Anthropic) -> None:
    _, events = streamed(client, max_tokens=2)
    raw = [event for event in events if event != "text"]
    assert raw == [
        "message_start",
        "content_block_start",
        *["content_block_delta"] * 2,
        "content_block_stop",
        "message_delta",
        "message_stop",
    ]


@pytest.mark.parametrize("whole", [True, False])
def test_thinking_is_a_block_of_its_own(client: anthropic.Anthropic, whole: bool) -> None:
    message = asked(
        client,
        whole,
        thinking={"type": "enabled", "budget_tokens": 1024},
        max_tokens=2000,
        output_config={"effort": "medium"},
    )
    thinking, text = message.content
    assert (thinking.type, text.type, bool(thinking.signature)) == ("thinking", "text", True)
    assert (len(thinking.thinking.split()), len(text.text.split())) == (20, 20)


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("choice", [{"type": "auto"}, {"type": "any"}, {"type": "tool", "name": "weather"}])
def test_tools_are_called_with_arguments_that_fit(client: anthropic.Anthropic, whole: bool, choice: Any) -> None:
    message = asked(client, whole, tools=[WEATHER], tool_choice=choice)
    (call,) = message.content
    assert (call.type, call.name, message.stop_reason) == ("tool_use", "weather", "tool_use")
    jsonschema.validate(call.input, SCHEMA)


@pytest.mark.parametrize("whole", [True, False])
def test_two_tools_are_called_at_once(client: anthropic.Anthropic, whole: bool) -> None:
    choice = {"type": "any", "disable_parallel_tool_use": False}
    clock = {"name": "clock", "input_schema": {"type": "object", "properties": {}}}
    message = asked(client, whole, tools=[WEATHER, clock], tool_choice=choice)
    assert [call.name for call in message.content] == ["weather", "clock"]


def test_a_result_is_answered_with_text(client: anthropic.Anthropic) -> None:
    call = created(client, tools=[WEATHER]).content[0]
    result = {"type": "tool_result", "tool_use_id": call.id, "content": "sunny"}
    use = {"type": "tool_use", "id": call.id, "name": call.name, "input": call.input}
    turns = [*MESSAGES, {"role": "assistant", "content": [use]}, {"role": "user", "content": [result]}]
    assert created(client, tools=[WEATHER], messages=turns).content[0].type == "text"


def test_a_result_without_its_call_is_refused(client: anthropic.Anthropic) -> None:
    turns = [{"role": "user", "content": [{"type": "tool_result", "tool_use_id": "a", "content": "sunny"}]}]
    with pytest.raises(anthropic.BadRequestError, match="unexpected `tool_use_id`"):
        created(client, tools=[WEATHER], messages=turns)


@pytest.mark.parametrize("whole", [True, False])
def test_structured_output_fits_its_schema(client: anthropic.Anthropic, whole: bool) -> None:
    message = asked(client, whole, output_config={"format": {"type": "json_schema", "schema": SCHEMA}})
    jsonschema.validate(json.loads(message.content[0].text), SCHEMA)


def test_the_cached_part_of_a_prompt_is_no_input(client: anthropic.Anthropic) -> None:
    long = [{"role": "user", "content": "word " * 3000}]
    first, second = (created(client, messages=long).usage for _ in range(2))
    assert first.cache_read_input_tokens == 0
    assert second.cache_read_input_tokens > 1000
    assert second.input_tokens + second.cache_read_input_tokens == first.input_tokens


def test_a_key_may_come_in_either_header(relay: FakeRelay) -> None:
    base_url = relay.base_url.removesuffix("/v1")
    with anthropic.Anthropic(base_url=base_url, auth_token="sk-fake", api_key=None, max_retries=0) as client:
        assert created(client).stop_reason == "end_turn"
    with (
        anthropic.Anthropic(base_url=base_url, api_key="wrong", max_retries=0) as client,
        pytest.raises(anthropic.AuthenticationError, match="invalid x-api-key"),
    ):
        created(client)


def test_errors_have_anthropics_shape(client: anthropic.Anthropic) -> None:
    with pytest.raises(anthropic.NotFoundError) as unknown:
        created(client, model="none")
    body: Any = unknown.value.body
    assert (body["type"], body["error"]) == ("error", {"type": "not_found_error", "message": "model: none"})
    assert unknown.value.request_id == body["request_id"]
    with pytest.raises(anthropic.BadRequestError, match="max_tokens"):
        created(client, max_tokens=0)


def test_an_overloaded_relay_answers_529(client: anthropic.Anthropic) -> None:
    with pytest.raises(anthropic.APIStatusError) as overloaded:
        created(client, model="busy")
    body: Any = overloaded.value.body
    assert (overloaded.value.status_code, body["error"]["type"]) == (529, "overloaded_error")


def test_a_limit_answers_429_and_says_when_to_retry(client: anthropic.Anthropic) -> None:
    created(client, model="limited")
    with pytest.raises(anthropic.RateLimitError) as limited:
        created(client, model="limited")
    headers = limited.value.response.headers
    assert int(headers["retry-after"]) > 0
    assert (headers["anthropic-ratelimit-requests-limit"], headers["anthropic-ratelimit-requests-remaining"]) == (
        "1",
        "0",
    )
    assert headers["anthropic-ratelimit-requests-reset"].endswith("Z")


def test_an_error_within_a_stream_is_told_as_an_event(client: anthropic.Anthropic) -> None:
    with pytest.raises(anthropic.APIStatusError, match="Overloaded"):
        streamed(client, model="broken")
