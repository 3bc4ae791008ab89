import json
from collections import Counter

import pytest

from relayload.core.traffic.arrivals import Arrival
from relayload.core.traffic.dialogues import format_tokens
from relayload.profile.compose import Composer
from relayload.profile.expected import expected_input_tokens, expected_turns
from relayload.profile.forecast import forecast
from relayload.profile.tokenizer import count_tokens

SCENARIO = "simple: {model: o3, prompt: simple}"
SHARED = [
    {"conversations": []},
    {
        "conversations": [
            {"from": "system", "value": "Be brief."},
            {"from": "human", "value": "Hello"},
            {"from": "gpt", "value": "Hi"},
            {"from": "human", "value": "What is two and two?"},
            {"from": "gpt", "value": "Four"},
        ]
    },
    {"conversations": [{"from": "human", "value": "Why?"}, {"from": "gpt", "value": "Because."}]},
]
SYSTEM = {"role": "system", "content": "Be brief."}
HELLO = {"role": "user", "content": "Hello"}
HI = {"role": "assistant", "content": "Hi"}
SUM = {"role": "user", "content": "What is two and two?"}
WHY = {"role": "user", "content": "Why?"}
OWN = {"role": "assistant", "content": "As the relay said it."}


def arrival(index: int) -> Arrival:
    return Arrival(index, 0.0, 0, 0)


@pytest.fixture
def profile(read, good, tmp_path):
    """A profile whose one scenario has conversations for prompts, in the order of the file."""
    (tmp_path / "s.json").write_text(json.dumps(SHARED))
    prompt = "prompt: {file: s.json, order: file}"
    return lambda more="": read(good.replace(SCENARIO, f"simple: {{model: o3, {prompt}{more}}}"))


@pytest.fixture
def compose(profile):
    return lambda more="": Composer(profile(more))


def test_a_conversation_is_one_request_without_the_answer_it_asks_for(compose):
    composer = compose(", nonce: false, max_output_tokens: 9")
    assert composer.job(arrival(0)).request().body["messages"] == [SYSTEM, HELLO, HI, SUM]
    assert composer.job(arrival(1)).request().body["messages"] == [WHY]
    assert composer.job(arrival(2)).request() == composer.job(arrival(0)).request()
    assert composer.job(arrival(0)).turns == 1


def test_conversations_are_drawn_the_same_whoever_sends_them(read, good, tmp_path):
    (tmp_path / "s.json").write_text(json.dumps(SHARED))
    text = good.replace(SCENARIO, "simple: {model: o3, prompt: {file: s.json}}")
    one, other = Composer(read(text)), Composer(read(text))
    bodies = [one.job(arrival(index)).request().body for index in range(100)]
    assert bodies == [other.job(arrival(index)).request().body for index in reversed(range(100))][::-1]
    assert 30 < Counter(len(body["messages"]) for body in bodies)[1] < 70
    assert len({json.dumps(body) for body in bodies}) == 100


def test_what_the_user_says_first_has_a_number_of_its_own(compose):
    said = compose().job(arrival(0)).request().body["messages"]
    assert said[1]["content"].startswith("Request ")
    assert said[1]["content"].endswith(".\n\nHello")
    assert [said[0], *said[2:]] == [SYSTEM, HI, SUM]


@pytest.mark.parametrize("more", [", shared_prefix: 30%", ", nonce: false"])
def test_a_conversation_is_filled_up_to_the_tokens_of_the_request(compose, more):
    said = compose(f", input_tokens: 300{more}").job(arrival(0)).request().body["messages"]
    assert sum(count_tokens(message["content"]) for message in said) + format_tokens(4) == 300
    assert said[3]["content"].startswith("What is two and two?\n\n")


@pytest.mark.parametrize("endpoint", ["chat", "responses"])
def test_the_users_turns_become_those_of_the_conversation(compose, endpoint):
    composer = compose(f", nonce: false, endpoint: {endpoint}, conversation: {{turns: 5}}")
    assert [composer.job(arrival(index)).turns for index in range(2)] == [2, 1]
    begun = composer.job(arrival(0)).request()
    assert begun.messages == [SYSTEM, HELLO]
    assert composer.job(arrival(0)).request((*begun.messages, OWN)).messages == [SYSTEM, HELLO, OWN, SUM]


def test_no_more_turns_are_led_than_the_scenario_says(compose):
    assert compose(", conversation: {turns: 1}").job(arrival(0)).turns == 1


def test_later_messages_are_filled_up_and_need_no_number(compose):
    composer = compose(", conversation: {turns: 2, input_tokens: 50}")
    begun = composer.job(arrival(0)).request().messages
    assert begun[1]["content"].startswith("Request ")
    later = composer.job(arrival(0)).request((*begun, OWN)).messages
    assert later[:3] == [*begun, OWN]
    assert later[3]["content"].startswith("What is two and two?\n\n")
    assert count_tokens(later[3]["content"]) == 50


def test_pictures_follow_what_the_user_says_last(compose):
    said = (
        compose(", nonce: false, images: {width: 9, height: 9, detail: low}").job(arrival(0)).request().body["messages"]
    )
    text, image = said[3]["content"]
    assert said[:3] == [SYSTEM, HELLO, HI]
    assert text == {"type": "text", "text": "What is two and two?"}
    assert (image["type"], image["image_url"]["detail"]) == ("image_url", "low")


def test_a_response_has_the_pictures_in_its_own_words(compose):
    composer = compose(", nonce: false, endpoint: responses, images: {width: 9, height: 9}")
    (said,) = composer.job(arrival(1)).request().body["input"]
    assert said["content"][0] == {"type": "input_text", "text": "Why?"}
    assert said["content"][1]["image_url"].startswith("data:image/png;base64,")


def test_calls_of_tools_go_along_as_they_are(read, good, tmp_path):
    call = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    messages = [
        WHY,
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "content": "42", "tool_call_id": "c1"},
    ]
    (tmp_path / "m.jsonl").write_text(json.dumps({"messages": messages}))
    scenario = "simple: {model: o3, nonce: false, prompt: {file: m.jsonl, format: messages}"
    chat = Composer(read(good.replace(SCENARIO, f"{scenario}}}")))
    assert chat.job(arrival(0)).request().body["messages"] == messages
    response = Composer(read(good.replace(SCENARIO, f"{scenario}, endpoint: responses}}")))
    assert [item.get("type") for item in response.job(arrival(0)).request().body["input"]] == [
        None,
        "function_call",
        "function_call_output",
    ]


def test_embeddings_are_of_what_the_user_says(compose):
    composer = compose(", endpoint: embeddings, nonce: false, inputs: 2")
    assert composer.job(arrival(0)).request().body["input"] == ["Hello\n\nWhat is two and two?", "Why?"]


@pytest.mark.parametrize(
    ("more", "first"),
    [("", [SYSTEM, HELLO, HI, SUM]), (", conversation: {turns: 2}", [SYSTEM, HELLO])],
)
def test_the_tokens_to_expect_are_the_mean_of_the_first_requests(profile, more, first):
    scenario = profile(f"{more}, nonce: false").scenarios["simple"]
    said = [
        format_tokens(len(each)) + sum(count_tokens(message["content"]) for message in each) for each in (first, [WHY])
    ]
    assert expected_input_tokens(scenario) == sum(said) / 2


@pytest.mark.parametrize(("turns", "expected"), [("5", 1.5), ("1", 1.0), ("{from: 1, to: 2}", 1.25)])
def test_the_turns_to_expect_end_with_the_rows(profile, turns, expected):
    assert expected_turns(profile(f", conversation: {{turns: {turns}}}").scenarios["simple"]) == expected


def test_a_forecast_tells_how_many_rows_are_left_out(profile):
    (note,) = forecast(profile()).notes
    assert note == "simple: rows of s.json left out, since no user asks or they begin with an answer: 1"


def test_a_forecast_of_other_prompts_has_no_notes(read, good):
    assert forecast(read(good)).notes == ()
