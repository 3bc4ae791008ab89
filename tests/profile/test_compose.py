from collections import Counter
from typing import Any

import pytest
from msgspec import structs

from relayload.core.traffic.arrivals import Arrival
from relayload.core.traffic.prompts import CHAT_TOKENS
from relayload.core.wire.request import Timeouts
from relayload.profile.compose import Composer
from relayload.profile.prompt_texts import expected_tokens, texts
from relayload.profile.tokenizer import count_tokens

SCENARIO = "simple: {model: o3, prompt: simple}"


def arrival(index: int, **sizes: Any) -> Arrival:
    return Arrival(index, 0.0, 0, 0, **sizes)


@pytest.fixture
def compose(read, good):
    """Composes the requests of a profile whose one scenario is given."""
    return lambda scenario, *sets: Composer(read(good.replace(SCENARIO, f"simple: {scenario}"), *sets))


def test_a_request_says_what_the_scenario_says(compose):
    composer = compose(
        "{model: o3, prompt: {text: Hi}, nonce: false, max_output_tokens: 9, min_tokens: 3, ignore_eos: true, "
        "temperature: 0.5, tool_choice: auto, tools: [{type: function, function: {name: f}}], "
        "response_format: {type: json_object}, body: {top_k: 5}, headers: {X-Team: sre}}"
    )
    request = composer.job(arrival(0)).request()
    assert request.path == "/chat/completions"
    assert request.headers == {"X-Team": "sre"}
    assert request.body == {
        "model": "o3",
        "messages": [{"role": "user", "content": "Hi"}],
        "max_completion_tokens": 9,
        "temperature": 0.5,
        "stream": True,
        "stream_options": {"include_usage": True},
        "min_tokens": 3,
        "ignore_eos": True,
        "tools": [{"type": "function", "function": {"name": "f"}}],
        "tool_choice": "auto",
        "response_format": {"type": "json_object"},
        "top_k": 5,
    }


def test_an_arrival_asks_one_model_of_the_mix_whoever_sends_it(compose):
    scenario = "{model: {o3: 3, o4-mini: 1}, prompt: simple}"
    composer, other = compose(scenario), compose(scenario)
    arrivals = [arrival(index) for index in range(1000)]
    models = [composer.job(each).request().body["model"] for each in arrivals]
    assert models == [other.job(each).model for each in reversed(arrivals)][::-1]
    assert Counter(models)["o3"] == pytest.approx(750, abs=50)


def test_another_model_leaves_the_prompts_as_they_were(compose):
    one, other = (
        compose(f"{{model: {model}, prompt: code}}").job(arrival(3)).request() for model in ("o3", "{a: 1, b: 2}")
    )
    assert one.body["messages"] == other.body["messages"]


@pytest.mark.parametrize("prompt", ["", ", prompt: math_proof", ", prompt: {text: 'Grüße, 世界'}"])
def test_input_tokens_are_exact_with_the_chat_format(compose, prompt):
    composer = compose(f"{{model: o3, input_tokens: 1000, shared_prefix: 30%{prompt}}}")
    contents = [composer.job(arrival(index)).request().body["messages"][0]["content"] for index in range(20)]
    assert {count_tokens(content) + CHAT_TOKENS for content in contents} == {1000}
    assert len(set(contents)) == 20


def test_token_counts_are_drawn_for_each_arrival(compose):
    composer = compose("{model: o3, input_tokens: {from: 20, to: 40}, max_output_tokens: [5, 50]}")
    bodies = [composer.job(arrival(index)).request().body for index in range(200)]
    inputs = {count_tokens(body["messages"][0]["content"]) + CHAT_TOKENS for body in bodies}
    assert inputs == set(range(20, 41))
    assert {body["max_completion_tokens"] for body in bodies} == {5, 50}


def test_token_counts_come_from_a_file_beside_the_profile(compose, tmp_path):
    (tmp_path / "seen.txt").write_text("11\n\n12\n")
    composer = compose("{model: o3, prompt: simple, max_output_tokens: {file: seen.txt}}")
    assert {composer.job(arrival(index)).request().body["max_completion_tokens"] for index in range(50)} == {11, 12}


def test_the_counts_of_conversations_come_from_files_beside_the_profile_too(compose, tmp_path):
    (tmp_path / "turns.txt").write_text("3\n")
    (tmp_path / "sizes.txt").write_text("50\n")
    composer = compose(
        "{model: o3, prompt: simple, conversation: {turns: {file: turns.txt}, input_tokens: {file: sizes.txt}}}"
    )
    assert composer.job(arrival(0)).turns == 3
    history = (*composer.job(arrival(0)).request().messages, {"role": "assistant", "content": "Yes."})
    assert count_tokens(composer.job(arrival(0)).request(history).messages[-1]["content"]) == 50


def test_the_rows_of_a_trace_go_first(compose):
    composer = compose("{model: o3, input_tokens: 500}")
    request = composer.job(arrival(0, input_tokens=107, output_tokens=8)).request()
    assert count_tokens(request.body["messages"][0]["content"]) == 100
    assert (request.body["max_completion_tokens"], request.headers["x-relayload-output-tokens"]) == (8, "8")


SAID = ("max_completion_tokens", "max_tokens", "max_output_tokens", "stream_options")


def said(composer: Composer, which: Arrival) -> dict[str, object]:
    body = composer.job(which).request().body
    return {name: body[name] for name in SAID if name in body}


@pytest.mark.parametrize(
    ("target", "scenario", "told"),
    [
        ("{}", "max_output_tokens: 9", {"max_completion_tokens": 9, "stream_options": {"include_usage": True}}),
        ("{max_tokens_field: max_tokens, stream_options: false}", "max_output_tokens: 9", {"max_tokens": 9}),
        ("{max_tokens_field: none, stream_options: false}", "max_output_tokens: 9", {}),
        ("{max_tokens_field: none}", "endpoint: responses, max_output_tokens: 9", {}),
        ("{max_tokens_field: max_tokens}", "endpoint: responses, max_output_tokens: 9", {"max_output_tokens": 9}),
        ("{max_tokens_field: max_tokens}", "max_output_tokens: 9, stream: false", {"max_tokens": 9}),
        (
            "{max_tokens_field: max_tokens, stream_options: false}",
            "max_output_tokens: 9, body: {max_tokens: 7, stream_options: {include_usage: true}}",
            {"max_tokens": 7, "stream_options": {"include_usage": True}},
        ),
        ("{}", "max_output_tokens: 9, body: {max_completion_tokens: null, stream_options: null}", {}),
    ],
)
def test_requests_have_the_form_that_the_target_wants_and_the_body_goes_first(compose, target, scenario, told):
    composer = compose(f"{{model: o3, prompt: simple, {scenario}}}", f"target={target}")
    assert said(composer, arrival(0)) == told


def test_a_trace_s_budget_goes_where_the_target_has_it(compose):
    composer = compose("{model: o3, input_tokens: 500}", "target.max_tokens_field=max_tokens")
    assert said(composer, arrival(0, output_tokens=8)) == {"max_tokens": 8, "stream_options": {"include_usage": True}}


def test_each_of_several_targets_gets_its_own_form(read, good):
    targets = "targets: {a: {}, b: {max_tokens_field: max_tokens}}\ncompare: interleaved\n"
    composer = Composer(
        read(targets + good.replace(SCENARIO, "simple: {model: o3, prompt: simple, max_output_tokens: 9}"))
    )
    told = [said(composer, Arrival(0, 0.0, 0, 0, target=target)) for target in (0, 1)]
    usage = {"stream_options": {"include_usage": True}}
    assert told == [{"max_completion_tokens": 9, **usage}, {"max_tokens": 9, **usage}]


def test_a_relay_elsewhere_is_sent_no_hint(compose):
    elsewhere = (
        "target={base_url: 'https://relay.example.com/v1', api_key: '${env:K:-k}', prices: holysheep}",
        "guardrails={allow_hosts: [relay.example.com], max_requests: 9, max_duration: 1m, max_usd: $5}",
    )
    composer = compose("{model: o3, prompt: code}", *elsewhere)
    assert composer.job(arrival(0, output_tokens=5)).request().headers == {}


def test_a_built_in_prompt_tells_a_fake_relay_its_kind(compose):
    assert compose("{model: o3, prompt: code}").job(arrival(0)).request().headers == {"x-relayload-kind": "code"}


def contents(composer: Composer, requests: int = 60) -> list[Any]:
    return [composer.job(arrival(index)).request().body["messages"][0]["content"] for index in range(requests)]


def test_prompts_come_from_a_file_beside_the_profile(compose, tmp_path):
    (tmp_path / "asks.txt").write_text("one\ntwo\n")
    assert set(contents(compose("{model: o3, nonce: false, prompt: {file: asks.txt}}"))) == {"one", "two"}
    in_order = compose("{model: o3, nonce: false, prompt: {file: asks.txt, order: file}}")
    assert contents(in_order, 4) == ["one", "two", "one", "two"]


def test_a_template_is_filled_anew_for_every_arrival(compose):
    variables = "{n: {from: 1, to: 3}, what: [cats, dogs]}"
    scenario = f"{{model: o3, nonce: false, prompt: {{template: '{{{{n}}}} {{{{what}}}}', variables: {variables}}}}}"
    composer = compose(scenario)
    assert set(contents(composer)) == {f"{n} {what}" for n in (1, 2, 3) for what in ("cats", "dogs")}
    assert contents(composer) == contents(compose(scenario))


def test_a_built_in_prompt_speaks_the_language_asked_for(compose):
    assert all("Beweise" in text for text in contents(compose("{model: o3, prompt: math_proof, language: de}")))


def test_image_reasoning_brings_a_picture_and_others_may(compose):
    text, image = contents(compose("{model: o4, prompt: image_reasoning}"))[0]
    assert text["type"] == "text"
    assert image["image_url"]["url"].startswith("data:image/png;base64,")
    parts = contents(compose("{model: o4, prompt: code, images: {count: 2, width: 9, height: 9, detail: low}}"))[0]
    assert [part["type"] for part in parts] == ["text", "image_url", "image_url"]
    assert parts[1]["image_url"]["detail"] == "low"
    assert parts[1] != parts[2]


def test_a_share_of_the_requests_is_cancelled_whoever_sends_them(compose):
    scenario = "{model: o3, prompt: simple, cancel: {share: 10%, after: 2s, after_tokens: 20}}"
    composer, other = compose(scenario), compose(scenario)
    told = [composer.job(arrival(index)).timeouts for index in range(2000)]
    assert told == [other.job(arrival(index)).timeouts for index in range(2000)]
    cancelled = [each for each in told if each != Timeouts()]
    assert len(cancelled) == pytest.approx(200, abs=40)
    assert set(cancelled) == {Timeouts(cancel_after_s=2.0, cancel_after_tokens=20)}


def test_a_later_turn_says_the_history_and_something_new(compose):
    composer = compose("{model: o3, prompt: simple, conversation: {turns: [3], think_time: 1500ms, input_tokens: 50}}")
    assert (composer.job(arrival(0)).turns, composer.job(arrival(0)).think_time_s) == (3, 1.5)
    first = composer.job(arrival(0)).request().body["messages"]
    history = (*first, {"role": "assistant", "content": "The answer."})
    second = composer.job(arrival(0)).request(history).body["messages"]
    assert second[:2] == list(history)
    assert [message["role"] for message in second] == ["user", "assistant", "user"]
    assert count_tokens(second[2]["content"]) == 50
    assert second[2] != first[0]


def test_a_request_that_is_no_conversation_has_one_turn(compose):
    assert compose("{model: o3, prompt: simple}").job(arrival(0)).turns == 1


def test_a_response_is_asked_for_in_its_own_words(compose):
    composer = compose(
        "{model: o3, endpoint: responses, prompt: {text: Hi}, nonce: false, max_output_tokens: 9, temperature: 0.5, "
        "reasoning_effort: low, tools: [{type: function, name: f}], body: {store: false}, headers: {X-Team: sre}}"
    )
    request = composer.job(arrival(0)).request()
    assert (request.path, request.headers) == ("/responses", {"X-Team": "sre"})
    assert request.body == {
        "model": "o3",
        "input": [{"role": "user", "content": "Hi"}],
        "max_output_tokens": 9,
        "temperature": 0.5,
        "reasoning": {"effort": "low"},
        "stream": True,
        "tools": [{"type": "function", "name": "f"}],
        "store": False,
    }


@pytest.mark.parametrize("more", ["prompt: code", "input_tokens: 300", "prompt: image_reasoning"])
def test_another_endpoint_leaves_the_prompts_as_they_were(compose, more):
    chat, response = (
        compose(f"{{model: o3, endpoint: {name}, {more}}}").job(arrival(3)).request().messages
        for name in ("chat", "responses")
    )
    if "image" not in more:
        assert chat == response
    else:
        (text, image), (input_text, input_image) = chat[0]["content"], response[0]["content"]
        assert (input_text["type"], input_text["text"]) == ("input_text", text["text"])
        assert input_image == {"type": "input_image", "image_url": image["image_url"]["url"]}


def test_the_detail_of_a_picture_goes_along(compose):
    scenario = "{model: o3, endpoint: responses, prompt: code, images: {width: 9, height: 9, detail: low}}"
    _, image = compose(scenario).job(arrival(0)).request().body["input"][0]["content"]
    assert image["detail"] == "low"


def test_a_conversation_of_responses_goes_on_from_its_input(compose):
    composer = compose("{model: o3, endpoint: responses, prompt: simple, conversation: {turns: 2}}")
    history = (*composer.job(arrival(0)).request().messages, {"role": "assistant", "content": "The answer."})
    said = composer.job(arrival(0)).request(history).body["input"]
    assert said[:2] == list(history)
    assert [message["role"] for message in said] == ["user", "assistant", "user"]


def test_texts_are_embedded_without_a_stream(compose):
    composer = compose("{model: e, endpoint: embeddings, prompt: {text: Hi}, nonce: false, body: {dimensions: 256}}")
    request = composer.job(arrival(0)).request()
    assert (request.path, request.stream, request.messages) == ("/embeddings", False, [])
    assert request.body == {"model": "e", "input": ["Hi"], "encoding_format": "float", "dimensions": 256}


def test_no_two_texts_of_a_request_are_alike(compose):
    scenario = "{model: e, endpoint: embeddings, prompt: simple, inputs: 50}"
    composer = compose(scenario)
    texts = composer.job(arrival(0)).request().body["input"] + composer.job(arrival(1)).request().body["input"]
    assert len(set(texts)) == 100
    assert texts[50:] == compose(scenario).job(arrival(1)).request().body["input"]


def test_texts_of_a_file_are_embedded_in_turn(compose, tmp_path):
    (tmp_path / "asks.txt").write_text("one\ntwo\nthree\n")
    scenario = "{model: e, endpoint: embeddings, nonce: false, inputs: 2, prompt: {file: asks.txt, order: file}}"
    composer = compose(scenario)
    inputs = [composer.job(arrival(index)).request().body["input"] for index in range(2)]
    assert inputs == [["one", "two"], ["three", "one"]]


@pytest.mark.parametrize(("tokens", "each"), [(90, [30, 30, 30]), (100, [34, 33, 33]), (2, [1, 1, 1])])
def test_the_texts_of_a_request_share_its_tokens(compose, tokens, each):
    composer = compose(f"{{model: e, endpoint: embeddings, inputs: 3, input_tokens: {tokens}}}")
    assert list(map(count_tokens, composer.job(arrival(0)).request().body["input"])) == each
    traced = composer.job(arrival(0, input_tokens=60, output_tokens=1)).request().body
    assert list(map(count_tokens, traced["input"])) == [20, 20, 20]


@pytest.mark.parametrize("language", ["en", "de", "zh"])
@pytest.mark.parametrize("name", ["simple", "code", "math_proof", "image_reasoning"])
def test_the_tokens_of_built_in_prompts_are_those_that_the_tokenizer_counts(language, name):
    counted = [count_tokens(text) for text in texts(name, language)]
    assert expected_tokens(name, language) == sum(counted) / len(counted)


def test_later_turns_go_with_the_key_of_the_first(read, good):
    keys = "target: {keys: [{name: a, key: sk-1}, {name: b, key: sk-2}]}\n"
    scenario = "simple: {model: o3, prompt: simple, conversation: {turns: 3}}"
    composer = Composer(read(good.replace(SCENARIO, scenario) + keys))
    for index in range(20):
        job = composer.job(arrival(index))
        later = structs.replace(job, arrival=structs.replace(job.arrival, intended_at_s=9.0))
        assert later.addressee.key == job.addressee.key == composer.job(later.arrival).addressee.key
