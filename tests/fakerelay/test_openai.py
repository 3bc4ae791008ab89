"""The relay does what OpenAI's API does, or refuses: as the official SDK sees it."""

import json
import math
from collections.abc import Callable
from typing import Any, Literal

import jsonschema
import openai
import pytest
from pydantic import BaseModel

from relayload.fakerelay.process import FakeRelay

PRESET = """
models:
  fast: {ttft: {any: 1ms}, speed: 20000/s, output_tokens: {any: 40}, reasoning: {medium: 50%}}
  short: {ttft: {any: 1ms}, speed: 20000/s, output_tokens: {any: 2}}
embedding_models:
  embed: {latency: 1ms, dimensions: 8}
"""
MESSAGES = [{"role": "user", "content": "one two three"}]
PARAMETERS = {
    "type": "object",
    "properties": {
        "city": {"type": "string"},
        "unit": {"enum": ["celsius", "kelvin"]},
        "days": {"type": "integer", "minimum": 1, "maximum": 7},
    },
    "required": ["city", "unit", "days"],
    "additionalProperties": False,
}
WEATHER = {"type": "function", "function": {"name": "weather", "parameters": PARAMETERS, "strict": True}}
CLOCK = {"type": "function", "function": {"name": "clock", "description": "Tells the time."}}
NAMED = {"type": "function", "function": {"name": "weather"}}


@pytest.fixture(scope="module")
def relay(start_relay: Callable[..., FakeRelay]) -> FakeRelay:
    return start_relay(PRESET)


@pytest.fixture(scope="module")
def client(relay: FakeRelay):
    with openai.OpenAI(base_url=relay.base_url, api_key="sk-fake", max_retries=0) as client:
        yield client


def chat(client: openai.OpenAI, model: str = "fast", **more: Any):
    return client.chat.completions.create(**{"model": model, "messages": MESSAGES, **more})


def streamed(client: openai.OpenAI, **more: Any):
    """The message of a streamed chat as the SDK puts it together, and its chunks."""
    with client.chat.completions.stream(**{"model": "fast", "messages": MESSAGES, **more}) as stream:
        chunks = [event.chunk for event in stream if event.type == "chunk"]
        return stream.get_final_completion(), chunks


def flat(tool: dict[str, Any]) -> dict[str, Any]:
    return {"type": "function", **tool["function"]}


# Calls of functions


@pytest.mark.parametrize(
    ("more", "names", "finish_reason"),
    [
        ({}, ["weather"], "tool_calls"),
        ({"tool_choice": "auto"}, ["weather"], "tool_calls"),
        ({"tool_choice": "required"}, ["weather"], "tool_calls"),
        ({"tool_choice": NAMED}, ["weather"], "stop"),  # as OpenAI's guide to function calling says
        ({"tool_choice": {"type": "function", "function": {"name": "clock"}}}, ["clock"], "stop"),
        ({"parallel_tool_calls": True}, ["weather", "clock"], "tool_calls"),
        ({"parallel_tool_calls": False}, ["weather"], "tool_calls"),
        ({"tool_choice": "none"}, [], "stop"),
    ],
)
@pytest.mark.parametrize("whole", [True, False])
def test_functions_are_called_as_the_choice_says(client, more, names, finish_reason, whole):
    asked = {"tools": [WEATHER, CLOCK], **more}
    answer = chat(client, **asked) if whole else streamed(client, **asked)[0]
    choice = answer.choices[0]
    assert choice.finish_reason == finish_reason
    calls = choice.message.tool_calls or []
    assert [call.function.name for call in calls] == names
    assert len({call.id for call in calls}) == len(calls)
    for call in calls:
        schema = PARAMETERS if call.function.name == "weather" else {"type": "object", "maxProperties": 0}
        jsonschema.validate(json.loads(call.function.arguments), schema)
    assert bool(choice.message.content) == (not names)


def test_arguments_are_streamed_in_pieces_one_for_each_token(client):
    answer, chunks = streamed(client, tools=[WEATHER], stream_options={"include_usage": True})
    deltas = [
        chunk.choices[0].delta.tool_calls[0]
        for chunk in chunks
        if chunk.choices[0:1] and chunk.choices[0].delta.tool_calls
    ]
    assert (deltas[0].function.name, deltas[0].function.arguments, deltas[0].type) == ("weather", "", "function")
    assert [delta.id for delta in deltas[1:]] == [None] * 40
    assert all(delta.function.arguments for delta in deltas[1:])
    assert answer.usage.completion_tokens == 40
    assert sum(hasattr(chunk, "x_relayload") for chunk in chunks) == 1


@pytest.mark.parametrize("more", [{}, {"tools": [WEATHER]}])
def test_several_choices_are_each_whole_and_counted_together(client, more):
    whole = chat(client, n=3, **more)
    answer, chunks = streamed(client, n=3, stream_options={"include_usage": True}, **more)
    for found in (whole, answer):
        assert [choice.index for choice in found.choices] == [0, 1, 2]
        texts = [(each.message.content, len(each.message.tool_calls or [])) for each in found.choices]
        assert texts[0] == texts[1] == texts[2]
        assert (found.usage.completion_tokens, found.usage.prompt_tokens) == (120, whole.usage.prompt_tokens)
    assert sum(hasattr(chunk, "x_relayload") for chunk in chunks) == 1


def test_a_conversation_with_a_call_ends_in_words(client):
    call = chat(client, tools=[WEATHER]).choices[0].message
    messages = [*MESSAGES, call, {"role": "tool", "tool_call_id": call.tool_calls[0].id, "content": "rain"}]
    answer = chat(client, messages=messages, tools=[WEATHER])
    assert answer.choices[0].finish_reason == "stop"
    assert len(answer.choices[0].message.content.split()) == 40
    messages[1] = {**call.model_dump(), "provider_specific_fields": None}  # as litellm sends it back
    messages[2]["name"] = "weather"
    again = chat(client, messages=messages, tools=[WEATHER], tool_choice="required")
    assert again.choices[0].message.tool_calls[0].function.name == "weather"


def test_functions_and_schemas_count_as_input(client):
    plain, with_tools = chat(client).usage, chat(client, tools=[WEATHER]).usage
    assert with_tools.prompt_tokens > plain.prompt_tokens + 10
    assert with_tools.completion_tokens == plain.completion_tokens == 40


@pytest.mark.parametrize(
    ("choice", "names"),
    [
        ("auto", ["weather"]),
        ("required", ["weather"]),
        ({"type": "function", "name": "clock"}, ["clock"]),
        ("none", []),
    ],
)
def test_responses_call_functions_too(client, choice, names):
    asked = {"model": "fast", "input": "hi", "tools": [flat(WEATHER), flat(CLOCK)], "tool_choice": choice}
    whole = client.responses.create(**asked)
    with client.responses.stream(**asked) as stream:
        events = list(stream)
    assert [event.sequence_number for event in events] == list(range(len(events)))
    for answer in (whole, events[-1].response):
        assert answer.status == "completed"
        calls = [item for item in answer.output if item.type == "function_call"]
        assert [call.name for call in calls] == names
        assert (answer.output_text == "") == bool(names)
        assert answer.usage.output_tokens >= 1
        assert [tool.name for tool in answer.tools] == ["weather", "clock"]
    for item in (item for item in events[-1].response.output if item.type == "function_call"):
        deltas = [
            e.delta for e in events if e.type == "response.function_call_arguments.delta" and e.item_id == item.id
        ]
        assert "".join(deltas) == item.arguments
        jsonschema.validate(json.loads(item.arguments), PARAMETERS if item.name == "weather" else {"type": "object"})


def test_responses_take_what_a_function_returned(client):
    first = client.responses.create(model="fast", input="hi", tools=[flat(WEATHER)])
    call = first.output[0]
    returned = {"type": "function_call_output", "call_id": call.call_id, "output": "rain"}
    answer = client.responses.create(
        model="fast", input=[{"role": "user", "content": "hi"}, *first.output, returned], tools=[flat(WEATHER)]
    )
    assert len(answer.output_text.split()) == 40


@pytest.mark.parametrize("effort", [None, "medium"])
def test_two_calls_behind_thoughts_have_their_items_and_events(client, effort):
    asked = {"tools": [flat(WEATHER), flat(CLOCK)], "parallel_tool_calls": True, "reasoning": {"effort": effort}}
    events = list(client.responses.create(model="fast", input="hi", stream=True, **asked))
    assert [event.sequence_number for event in events] == list(range(len(events)))
    done = [event.item.type for event in events if event.type == "response.output_item.done"]
    assert done == ["reasoning"] * bool(effort) + ["function_call", "function_call"]
    assert [event.output_index for event in events if event.type == "response.output_item.added"] == list(
        range(len(done))
    )


# Formats

SCHEMA = {
    "type": "object",
    "properties": {
        "title": {"type": "string"},
        "state": {"type": "string", "enum": ["open", "closed"]},
        "kind": {"const": "issue"},
        "score": {"type": "number", "minimum": 0.5, "exclusiveMaximum": 1},
        "even": {"type": "integer", "multipleOf": 2, "minimum": 3},
        "id": {"type": "string", "format": "uuid"},
        "at": {"type": "string", "format": "date-time"},
        "short": {"type": "string", "minLength": 3, "maxLength": 5},
        "tags": {"type": "array", "items": {"type": "string"}, "minItems": 3},
        "parent": {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]},
        "note": {"type": ["string", "null"]},
        "done": {"type": "boolean"},
    },
    "required": ["title", "state", "kind", "score", "even", "id", "at", "short", "tags", "parent", "note", "done"],
    "additionalProperties": False,
    "$defs": {
        "node": {
            "type": "object",
            "properties": {"name": {"type": "string"}, "next": {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]}},
            "required": ["name", "next"],
            "additionalProperties": False,
        }
    },
}
JSON_SCHEMA = {"type": "json_schema", "json_schema": {"name": "issue", "schema": SCHEMA, "strict": True}}
FORMATS: dict[str, Any] = {"format_checker": jsonschema.FormatChecker()}


@pytest.mark.parametrize("model", ["fast", "short"])
@pytest.mark.parametrize("whole", [True, False])
def test_an_answer_fits_its_schema_however_long_it_was_to_be(client, model, whole):
    asked = {"model": model, "response_format": JSON_SCHEMA}
    answer = chat(client, **asked) if whole else streamed(client, **asked)[0]
    jsonschema.validate(json.loads(answer.choices[0].message.content), SCHEMA, **FORMATS)
    assert answer.choices[0].finish_reason == "stop"


def test_open_strings_make_the_answer_as_long_as_was_drawn(client):
    schema = {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]}
    asked = {"type": "json_schema", "json_schema": {"name": "text", "schema": schema}}
    answer = chat(client, response_format=asked)
    assert answer.usage.completion_tokens == 40
    exact = chat(client, response_format=asked, extra_headers={"x-relayload-output-tokens": "99"})
    assert exact.usage.completion_tokens == 99
    closed = {"type": "json_schema", "json_schema": {"name": "closed", "schema": {"type": "boolean"}}}
    padded = chat(client, response_format=closed, extra_headers={"x-relayload-output-tokens": "9"})
    assert (padded.usage.completion_tokens, json.loads(padded.choices[0].message.content)) == (9, True)


def test_json_that_does_not_fit_the_budget_is_cut_and_says_so(client):
    for answer in (
        chat(client, response_format=JSON_SCHEMA, max_completion_tokens=5),
        streamed_whole(client, response_format=JSON_SCHEMA, max_completion_tokens=5),
    ):
        assert (answer.choices[0].finish_reason, answer.usage.completion_tokens) == ("length", 5)
        with pytest.raises(ValueError, match=r"line 1 column \d+"):
            json.loads(answer.choices[0].message.content)


def streamed_whole(client: openai.OpenAI, **more: Any):
    """A streamed chat put together by hand: the SDK's helper raises where an answer was cut."""
    chunks = list(chat(client, stream=True, stream_options={"include_usage": True}, **more))
    whole = chunks[-2].model_copy(update={"usage": chunks[-1].usage})
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks[:-1])
    return whole.model_copy(
        update={
            "choices": [
                chunks[-2]
                .choices[0]
                .model_copy(update={"message": openai.types.chat.ChatCompletionMessage(role="assistant", content=text)})
            ]
        }
    )


class Answer(BaseModel):
    name: str
    colour: Literal["red", "green"]
    sizes: list[float]
    next: "Answer | None"


def test_the_sdk_parses_answers_into_models(client):
    answer = client.chat.completions.parse(model="fast", messages=MESSAGES, response_format=Answer)
    assert isinstance(answer.choices[0].message.parsed, Answer)
    response = client.responses.parse(model="fast", input="hi", text_format=Answer)
    assert isinstance(response.output_parsed, Answer)
    with client.responses.stream(model="fast", input="hi", text_format=Answer) as stream:
        assert isinstance(stream.get_final_response().output_parsed, Answer)


def test_any_json_will_do_where_the_prompt_speaks_of_json(client):
    messages = [{"role": "user", "content": "answer in JSON"}]
    for answer in (
        chat(client, messages=messages, response_format={"type": "json_object"}),
        streamed(client, messages=messages, response_format={"type": "json_object"})[0],
    ):
        assert isinstance(json.loads(answer.choices[0].message.content), dict)
        assert answer.choices[0].finish_reason == "stop"
    response = client.responses.create(model="fast", input="as json", text={"format": {"type": "json_object"}})
    assert isinstance(json.loads(response.output_text), dict)
    assert chat(client, response_format={"type": "text"}).choices[0].message.content.count(" ") == 40


# Stops and logprobs


def test_an_answer_ends_before_the_first_stop_sequence(client):
    for endless in (chat(client), streamed(client)[0]):
        words = endless.choices[0].message.content.split()
        assert len(words) == 40
    headers = {"x-relayload-output-tokens": "700"}
    for stop in (" these", [" nowhere", " these"], ["never", "hese", " q", " zz"]):
        whole = chat(client, stop=stop, extra_headers=headers)
        parts = streamed(client, stop=stop, extra_headers=headers, stream_options={"include_usage": True})[0]
        for answer in (whole, parts):
            text = answer.choices[0].message.content
            assert "these" not in text
            assert answer.choices[0].finish_reason == "stop"
            assert answer.usage.completion_tokens == text.count(" ") < 700  # each begins with a space


def test_a_stop_sequence_that_does_not_come_and_none_at_all_change_nothing(client):
    absent: tuple[Any, ...] = ("zzz", None, [])
    for stop in absent:
        assert chat(client, stop=stop).usage.completion_tokens == 40


def test_an_answer_may_stop_before_it_has_begun(client):
    answer = chat(client, stop=" ")
    assert (answer.choices[0].message.content, answer.usage.completion_tokens) == ("", 1)
    assert streamed(client, stop=" ")[0].choices[0].message.content in ("", None)


@pytest.mark.parametrize("top", [None, 0, 3, 20])
@pytest.mark.parametrize("whole", [True, False])
def test_logprobs_are_those_of_the_tokens_that_were_sent(client, top, whole):
    asked = {"logprobs": True, "top_logprobs": top}
    answer = chat(client, **asked) if whole else streamed(client, **asked)[0]
    told = answer.choices[0].logprobs.content
    assert "".join(each.token for each in told) == answer.choices[0].message.content
    assert len(told) == 40
    for each in told:
        assert bytes(each.bytes).decode() == each.token
        assert len(each.top_logprobs) == (top or 0)
        assert -5 < each.logprob < 0
        shares = [math.exp(other.logprob) for other in each.top_logprobs]
        assert sum(shares) < 1
        assert shares == sorted(shares, reverse=True)
        assert len({other.token for other in each.top_logprobs}) == len(shares)
        if shares:
            assert (each.top_logprobs[0].token, each.top_logprobs[0].logprob) == (each.token, each.logprob)


def test_responses_tell_logprobs_where_they_are_included(client):
    asked = {"include": ["message.output_text.logprobs"], "top_logprobs": 2}
    whole = client.responses.create(model="fast", input="hi", **asked)
    events = list(client.responses.create(model="fast", input="hi", stream=True, **asked))
    told = [logprob for event in events if event.type == "response.output_text.delta" for logprob in event.logprobs]
    assert [len(each.top_logprobs) for each in told] == [2] * 40
    for answer in (whole, events[-1].response):
        assert "".join(each.token for each in answer.output[0].content[0].logprobs) == answer.output_text


# Completions, models and responses by their names


def test_completions_are_answered_whole_and_streamed(client):
    whole = client.completions.create(model="fast", prompt="one two", max_tokens=7)
    assert (whole.choices[0].finish_reason, len(whole.choices[0].text.split())) == ("length", 7)
    assert (whole.usage.prompt_tokens, whole.usage.completion_tokens) == (2, 7)
    chunks = list(
        client.completions.create(
            model="fast", prompt=[1, 2, 3], max_tokens=90, stream=True, stream_options={"include_usage": True}
        )
    )
    assert len("".join(chunk.choices[0].text for chunk in chunks[:-1]).split()) == 40
    assert chunks[-2].choices[0].finish_reason == "stop"
    assert (chunks[-1].usage.prompt_tokens, chunks[-1].usage.completion_tokens) == (3, 40)
    assert sum(hasattr(chunk, "x_relayload") for chunk in chunks) == 1


def test_completions_have_sixteen_tokens_unless_the_request_says_more(client):
    assert client.completions.create(model="fast", prompt="hi").usage.completion_tokens == 16


def test_completions_tell_logprobs_with_offsets(client):
    whole = client.completions.create(model="fast", prompt="hi", logprobs=2).choices[0]
    assert "".join(whole.logprobs.tokens) == whole.text
    assert [
        whole.text[at:].startswith(token)
        for at, token in zip(whole.logprobs.text_offset, whole.logprobs.tokens, strict=True)
    ] == [True] * 16
    assert all(
        len(top) == 2 and top[token] == logprob
        for top, token, logprob in zip(
            whole.logprobs.top_logprobs, whole.logprobs.tokens, whole.logprobs.token_logprobs, strict=True
        )
    )
    chunks = list(client.completions.create(model="fast", prompt="hi", logprobs=0, stream=True))
    offsets = [chunk.choices[0].logprobs.text_offset[0] for chunk in chunks[:-1]]
    texts = [chunk.choices[0].text for chunk in chunks[:-1]]
    assert offsets == [sum(map(len, texts[:index])) for index in range(16)]


def test_completions_stop(client):
    headers = {"x-relayload-output-tokens": "700"}
    answer = client.completions.create(model="fast", prompt="hi", stop=" these", extra_headers=headers)
    assert answer.choices[0].finish_reason == "stop"
    assert " these" not in answer.choices[0].text


def test_a_model_can_be_looked_up(client):
    assert client.models.retrieve("fast").id == "fast"
    with pytest.raises(openai.NotFoundError) as refused:
        client.models.retrieve("slow")
    assert (refused.value.code, refused.value.param) == ("model_not_found", "model")
    with pytest.raises(openai.AuthenticationError):
        client.with_options(api_key="sk-other").models.retrieve("fast")
    with pytest.raises(openai.APIStatusError, match="Not allowed to DELETE"):
        client.models.delete("fast")


def test_a_response_can_be_asked_for_again_until_it_is_deleted(client):
    whole = client.responses.create(model="fast", input="hi", metadata={"a": "b"}, temperature=0.5)
    assert (whole.metadata, whole.temperature) == ({"a": "b"}, 0.5)
    assert client.responses.retrieve(whole.id) == whole
    events = list(client.responses.create(model="fast", input="hi", stream=True, reasoning={"effort": "medium"}))
    assert client.responses.retrieve(events[-1].response.id) == events[-1].response
    client.responses.delete(whole.id)
    unkept = client.responses.create(model="fast", input="hi", store=False)
    for name in (whole.id, unkept.id, "resp_none"):
        with pytest.raises(openai.NotFoundError, match=f"Response with id '{name}' not found"):
            client.responses.retrieve(name)
    with pytest.raises(openai.BadRequestError, match="'stream'"):
        client.responses.retrieve(events[-1].response.id, extra_query={"stream": "true"})


@pytest.mark.parametrize("min_tokens", [30, 90])
def test_vllms_least_length_and_endless_answers_are_done(client, min_tokens):
    answer = chat(client, extra_body={"min_tokens": min_tokens})
    assert answer.usage.completion_tokens == max(40, min_tokens)
    endless = chat(client, extra_body={"ignore_eos": True}, max_tokens=min_tokens)
    assert (endless.usage.completion_tokens, endless.choices[0].finish_reason) == (min_tokens, "length")


# What is taken without effect


@pytest.mark.parametrize(
    "more",
    [
        {"temperature": 0},
        {"temperature": 2},
        {"top_p": 1.0},
        {"frequency_penalty": -2},
        {"presence_penalty": 2},
        {"seed": 7},
        {"n": 1},
        {"user": "me"},
        {"metadata": {"a": "b"}},
        {"store": False},
        {"logit_bias": {}},
        {"service_tier": "auto"},
        {"modalities": ["text"]},
        {"verbosity": "low"},
        {"prompt_cache_key": "k"},
        {"safety_identifier": "s"},
        {"reasoning_effort": "none"},
        {"stop": None, "logprobs": None, "tools": None, "response_format": None, "extra_body": {"functions": None}},
    ],
)
def test_what_steers_a_model_is_taken_and_changes_nothing(client, more):
    assert chat(client, **more).usage.completion_tokens == 40


# Refusals

IMAGE = {"type": "image_url", "image_url": {"url": "data:,"}}
WRONG_CHATS = [
    ({"temperature": 9}, "temperature", "decimal_above_max_value"),
    ({"temperature": -0.1}, "temperature", "decimal_below_min_value"),
    ({"temperature": "hot"}, "temperature", "invalid_type"),
    ({"top_p": 1.1}, "top_p", "decimal_above_max_value"),
    ({"frequency_penalty": 2.5}, "frequency_penalty", "decimal_above_max_value"),
    ({"presence_penalty": -3}, "presence_penalty", "decimal_below_min_value"),
    ({"n": 129}, "n", "integer_above_max_value"),
    ({"n": 0}, "n", "integer_below_min_value"),
    ({"max_tokens": 0}, "max_tokens", "integer_below_min_value"),
    ({"max_completion_tokens": -1}, "max_completion_tokens", "integer_below_min_value"),
    ({"max_tokens": 1, "max_completion_tokens": 1}, "max_tokens", "invalid_parameter_combination"),
    ({"reasoning_effort": "ultra"}, "reasoning_effort", "invalid_value"),
    ({"seed": 1.5}, "seed", "invalid_type"),
    ({"seed": 2**63}, "seed", "integer_above_max_value"),
    ({"stop": list("abcde")}, "stop", "array_above_max_length"),
    ({"stop": ""}, "stop", "empty_string"),
    ({"stop": 3}, "stop", "invalid_type"),
    ({"logprobs": 3}, "logprobs", "invalid_type"),
    ({"logprobs": True, "top_logprobs": 21}, "top_logprobs", "integer_above_max_value"),
    ({"top_logprobs": 3}, "top_logprobs", "invalid_value"),
    ({"logit_bias": {"5": 3}}, "logit_bias", "unsupported_parameter"),
    ({"stream_options": {"include_usage": True}}, "stream_options", "invalid_value"),
    ({"store": True}, "store", "invalid_value"),
    ({"modalities": ["audio"]}, "modalities[0]", "invalid_value"),
    ({"service_tier": "flex"}, "service_tier", "invalid_value"),
    ({"verbosity": "loud"}, "verbosity", "invalid_value"),
    ({"metadata": {"a": 1}}, "metadata", "invalid_type"),
    ({"prediction": {"type": "content", "content": "a"}}, "prediction", "unsupported_parameter"),
    ({"audio": {"voice": "alloy", "format": "wav"}}, "audio", "unsupported_parameter"),
    ({"web_search_options": {}}, "web_search_options", "unsupported_parameter"),
    ({"functions": [{"name": "f"}]}, "functions", "unsupported_parameter"),
    ({"function_call": "auto"}, "function_call", "unsupported_parameter"),
    ({"extra_body": {"top_k": 5}}, "top_k", "unknown_parameter"),
    ({"messages": "hi"}, "messages", "invalid_type"),
    ({"messages": []}, "messages", "empty_array"),
    ({"messages": [{"role": "boss", "content": "a"}]}, "messages[0].role", "invalid_value"),
    ({"messages": [{"content": "a"}]}, "messages[0].role", "missing_required_parameter"),
    ({"messages": [{"role": "user"}]}, "messages[0].content", "missing_required_parameter"),
    ({"messages": [{"role": "user", "content": None}]}, "messages[0].content", "invalid_type"),
    ({"messages": [{"role": "user", "content": []}]}, "messages[0].content", "empty_array"),
    ({"messages": [{"role": "user", "content": "a", "mood": "b"}]}, "messages[0].mood", "unknown_parameter"),
    (
        {"messages": [{"role": "user", "content": [{"type": "text"}]}]},
        "messages[0].content[0].text",
        "missing_required_parameter",
    ),
    (
        {"messages": [{"role": "user", "content": [{"type": "input_audio", "input_audio": {}}]}]},
        "messages[0].content[0].type",
        "invalid_value",
    ),
    ({"messages": [{"role": "system", "content": [IMAGE]}]}, "messages[0].content[0].type", "invalid_value"),
    ({"messages": [{"role": "assistant", "content": None}]}, "messages[0].content", "invalid_value"),
    ({"messages": [{"role": "tool", "content": "a", "tool_call_id": "x"}]}, "messages[0].role", "invalid_value"),
    (
        {
            "messages": [
                {
                    "role": "assistant",
                    "tool_calls": [{"id": "x", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
                },
                *MESSAGES,
            ]
        },
        "messages[1].role",
        "invalid_value",
    ),
    ({"tools": []}, "tools", "empty_array"),
    ({"tool_choice": "auto"}, "tool_choice", "invalid_value"),
    ({"parallel_tool_calls": False}, "parallel_tool_calls", "invalid_value"),
    ({"tools": [WEATHER], "tool_choice": "any"}, "tool_choice", "invalid_value"),
    (
        {"tools": [WEATHER], "tool_choice": {"type": "function", "function": {"name": "f"}}},
        "tool_choice",
        "invalid_value",
    ),
    ({"tools": [{"type": "custom", "custom": {"name": "f"}}]}, "tools[0].type", "invalid_value"),
    ({"tools": [{"type": "function", "function": {"name": "a b"}}]}, "tools[0].function.name", "invalid_value"),
    (
        {"tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "array"}}}]},
        "tools[0].function.parameters",
        "invalid_function_parameters",
    ),
    (
        {
            "tools": [
                {
                    "type": "function",
                    "function": {
                        "name": "f",
                        "strict": True,
                        "parameters": {"type": "object", "properties": {"a": {}}},
                    },
                }
            ]
        },
        "tools[0].function.parameters",
        "invalid_function_parameters",
    ),
    ({"response_format": {"type": "xml"}}, "response_format.type", "invalid_value"),
    ({"response_format": {"type": "json_object"}}, "messages", "invalid_value"),
    ({"response_format": {"type": "json_schema"}}, "response_format.json_schema", "missing_required_parameter"),
    (
        {
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "a", "schema": {"minimum": 3, "maximum": 2, "type": "integer"}},
            }
        },
        "response_format.json_schema.schema",
        "invalid_json_schema",
    ),
    (
        {
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "a", "strict": True, "schema": {"type": "object"}},
            }
        },
        "response_format.json_schema.schema",
        "invalid_json_schema",
    ),
]


@pytest.mark.parametrize(("more", "param", "code"), WRONG_CHATS)
def test_chats_are_refused_as_openai_refuses_them_and_the_parameter_is_named(client, more, param, code):
    with pytest.raises(openai.BadRequestError) as refused:
        chat(client, **more)
    error = refused.value
    assert (error.param, error.code, error.type) == (param, code, "invalid_request_error")
    assert isinstance(error.body, dict)
    assert set(error.body) == {"message", "type", "param", "code"}


WRONG_RESPONSES = [
    ({"temperature": 3}, "temperature", "decimal_above_max_value"),
    ({"max_output_tokens": 0}, "max_output_tokens", "integer_below_min_value"),
    ({"reasoning": {"effort": "ultra"}}, "reasoning.effort", "invalid_value"),
    ({"reasoning": {"summary": "auto"}}, "reasoning.summary", "unsupported_parameter"),
    ({"previous_response_id": "resp_1"}, "previous_response_id", "unsupported_parameter"),
    ({"conversation": "c"}, "conversation", "unsupported_parameter"),
    ({"background": True}, "background", "invalid_value"),
    ({"prompt": {"id": "p"}}, "prompt", "unsupported_parameter"),
    ({"include": ["reasoning.encrypted_content"]}, "include[0]", "invalid_value"),
    ({"top_logprobs": 3}, "top_logprobs", "invalid_value"),
    ({"tools": [{"type": "web_search"}]}, "tools[0].type", "invalid_value"),
    ({"tool_choice": "required"}, "tool_choice", "invalid_value"),
    ({"text": {"format": {"type": "json_object"}}}, "input", "invalid_value"),
    ({"text": {"format": {"type": "json_schema", "name": "a"}}}, "text.format.schema", "missing_required_parameter"),
    (
        {"text": {"format": {"type": "json_schema", "name": "a", "schema": {"$ref": "#/no"}}}},
        "text.format.schema",
        "invalid_json_schema",
    ),
    ({"input": []}, "input", "empty_array"),
    ({"input": [{"content": "hi"}]}, "input[0].role", "missing_required_parameter"),
    (
        {"input": [{"role": "user", "content": [{"type": "text", "text": "a"}]}]},
        "input[0].content[0].type",
        "invalid_value",
    ),
    ({"input": [{"type": "function_call_output", "call_id": "x", "output": "y"}]}, "input", "invalid_value"),
    ({"extra_body": {"messages": []}}, "messages", "unknown_parameter"),
    ({"extra_body": {"stop": "a"}}, "stop", "unknown_parameter"),
]


@pytest.mark.parametrize(("more", "param", "code"), WRONG_RESPONSES)
def test_responses_are_refused_alike(client, more, param, code):
    with pytest.raises(openai.BadRequestError) as refused:
        client.responses.create(**{"model": "fast", "input": "hi", **more})
    assert (refused.value.param, refused.value.code) == (param, code)


@pytest.mark.parametrize(
    ("more", "param"),
    [
        ({"n": 2}, "n"),
        ({"best_of": 3}, "best_of"),
        ({"echo": True}, "echo"),
        ({"suffix": "end"}, "suffix"),
        ({"logprobs": 6}, "logprobs"),
        ({"prompt": ["a", "b"]}, "prompt"),
        ({"prompt": [[1], [2]]}, "prompt"),
        ({"prompt": []}, "prompt"),
        ({"temperature": 3}, "temperature"),
        ({"extra_body": {"messages": []}}, "messages"),
    ],
)
def test_completions_are_refused_alike(client, more, param):
    with pytest.raises(openai.BadRequestError) as refused:
        client.completions.create(**{"model": "fast", "prompt": "hi", **more})
    assert refused.value.param == param


@pytest.mark.parametrize(
    ("more", "param", "code"),
    [
        ({"input": ""}, "input", "invalid_value"),
        ({"input": ["a", ""]}, "input", "invalid_value"),
        ({"input": []}, "input", "empty_array"),
        ({"input": [[]]}, "input", "invalid_value"),
        ({"input": [-1]}, "input", "invalid_value"),
        ({"input": ["a", 1]}, "input", "invalid_value"),
        ({"input": [[1], "a"]}, "input", "invalid_value"),
        ({"input": ["a"] * 2049}, "input", "array_above_max_length"),
        ({"input": [[1] * 8193]}, "input", "context_length_exceeded"),
        ({"input": [[1] * 8000] * 38}, "input", "max_tokens_per_request"),
        ({"dimensions": 0}, "dimensions", "integer_below_min_value"),
        ({"dimensions": 9}, "dimensions", "invalid_value"),
        ({"encoding_format": "hex"}, "encoding_format", "invalid_value"),
        ({"extra_body": {"truncate": "END"}}, "truncate", "unknown_parameter"),
    ],
)
def test_embeddings_are_refused_alike(client, more, param, code):
    with pytest.raises(openai.BadRequestError) as refused:
        client.embeddings.create(**{"model": "embed", "input": "hi", **more})
    assert (refused.value.param, refused.value.code) == (param, code)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (
            {"temperature": 9},
            "Invalid 'temperature': decimal above maximum value. Expected a value <= 2, but got 9 instead.",
        ),
        (
            {"reasoning_effort": "ultra"},
            "Invalid value for 'reasoning_effort': 'ultra'. Supported values are: 'high', 'low', 'max', 'medium', "
            "'minimal', 'none', and 'xhigh'.",
        ),
        (
            {"messages": [{"role": "boss", "content": "a"}]},
            "Invalid value for 'messages[0].role': 'boss'. Supported values are: 'system', 'developer', 'user', "
            "'assistant', 'tool', and 'function'.",
        ),
        (
            {"stop": list("abcde")},
            "Invalid 'stop': array too long. Expected an array with maximum length 4, but got an array with length 5 "
            "instead.",
        ),
        ({"seed": "x"}, "Invalid type for 'seed': expected an integer, but got a string instead."),
        ({"extra_body": {"top_k": 1}}, "Unknown parameter: 'top_k'."),
        ({"audio": {}}, "Unsupported parameter: 'audio' is not supported by the fake relay."),
    ],
)
def test_a_refusal_says_what_was_wrong_and_what_would_be_right(client, more, message):
    with pytest.raises(openai.BadRequestError) as refused:
        chat(client, **more)
    body = refused.value.body
    assert isinstance(body, dict)
    assert body["message"] == message
