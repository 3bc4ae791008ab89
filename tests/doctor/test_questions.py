from collections.abc import Callable
from pathlib import Path

import pytest

from relayload.core.traffic.arrivals import Arrival
from relayload.core.wire.request import Endpoint
from relayload.doctor.questions import Question, questions, small_requests
from relayload.profile import Profile, load
from relayload.profile.compose import Composer
from relayload.profile.plan import arrivals

PROFILE = """\
name: asked
target: {models: {o3: openai/o3}}
load: {kind: open, arrivals: constant, stages: [{for: 1m, rate: 5/s}]}
scenarios:
"""
Load = Callable[..., Profile]


@pytest.fixture
def profile(tmp_path: Path) -> Load:
    def written(scenarios: str, text: str = PROFILE) -> Profile:
        path = tmp_path / "p.yaml"
        path.write_text(text + scenarios)
        return load(path)

    return written


def the_question(profile: Profile) -> Question:
    (question,) = questions(profile, profile.target)
    return question


def test_what_is_asked_is_the_first_request_of_the_scenario_but_for_its_budget(profile: Load) -> None:
    loaded = profile(
        "  s: {model: o3, prompt: code, max_output_tokens: 4000, temperature: 0.5, reasoning_effort: low,"
        " headers: {x-team: blue}, body: {top_p: 1, max_tokens: 900}, tools: [{type: function}]}\n"
    )
    first = Composer(loaded).job(next(arrivals(loaded))).request()
    asked = the_question(loaded).request(stream=True)
    assert asked.body == {**first.body, "max_completion_tokens": 64, "max_tokens": 64}
    assert asked.headers == first.headers
    assert asked.body["model"] == "openai/o3"


def test_an_answer_in_one_piece_is_asked_the_same(profile: Load) -> None:
    question = the_question(profile("  s: {model: o3, prompt: simple}\n"))
    streamed, plain = question.request(stream=True).body, question.request(stream=False).body
    assert streamed == {**plain, "stream": True, "stream_options": {"include_usage": True}}


@pytest.mark.parametrize("index", [0, 1])
def test_the_prompt_of_each_scenario_is_that_of_its_first_arrival(profile: Load, index: int) -> None:
    loaded = profile("  a: {model: o3, prompt: simple}\n  b: {model: o4, prompt: code, weight: 0.2}\n")
    first = next(arrival for arrival in arrivals(loaded) if arrival.scenario == index)
    question = questions(loaded, loaded.target)[index]
    assert question.content == Composer(loaded).job(first).request().body["messages"]


@pytest.mark.parametrize(
    ("more", "budget"),
    [
        ("max_output_tokens: 10", 10),
        ("body: {thinking: {type: enabled, budget_tokens: 2000}}, max_output_tokens: 4000", 4000),
        ("response_format: {type: json_object}, max_output_tokens: 900", 900),
        ("response_format: {type: json_object}", None),
        ("temperature: 1", 64),
    ],
)
def test_a_budget_is_small_unless_the_scenario_needs_room(profile: Load, more: str, budget: int | None) -> None:
    assert the_question(profile(f"  s: {{model: o3, prompt: simple, {more}}}\n")).budget == budget


def test_embeddings_and_responses_are_asked_with_their_own_texts(profile: Load) -> None:
    loaded = profile(
        "  e: {model: e, endpoint: embeddings, prompt: simple, inputs: 3, body: {dimensions: 8}}\n"
        "  r: {model: o3, endpoint: responses, prompt: simple}\n"
    )
    embeddings, responses = small_requests(loaded, loaded.target)
    assert (embeddings.endpoint, len(embeddings.body["input"]), embeddings.body["dimensions"]) == (
        Endpoint.EMBEDDINGS,
        3,
        8,
    )
    assert (responses.endpoint, responses.body["max_output_tokens"], responses.stream) == (Endpoint.RESPONSES, 64, True)


@pytest.mark.parametrize(
    "load",
    [
        "{kind: closed, users: 2, think_time: 1s, stages: [{for: 1m}]}",
        "{kind: batch, requests: 9, max_concurrent: 3}",
    ],
)
def test_every_kind_of_load_has_a_first_request(profile: Load, load: str) -> None:
    text = f"name: asked\nload: {load}\nscenarios:\n"
    loaded = profile("  s: {model: o3, prompt: simple}\n", text)
    assert the_question(loaded).content == Composer(loaded).job(Arrival(0, 0.0, 0, 0)).request().body["messages"]


def test_a_replay_asks_what_its_first_row_does(profile: Load, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:15:46.0000000,374,44\n")
    text = "name: asked\nload: {kind: open, arrivals: {trace: t.csv, format: azure}}\nscenarios:\n"
    question = the_question(profile("  s: {model: o3}\n", text))
    assert len(question.content[0]["content"]) > 374
    assert question.budget == 44


def test_each_pair_of_an_endpoint_and_a_model_is_asked_once_and_streamed_if_any_is(profile: Load) -> None:
    loaded = profile("  a: {model: {o3: 1, o4: 1}, prompt: simple, stream: false}\n  b: {model: o3, prompt: code}\n")
    asked = [(each.scenario, each.model, each.streams) for each in questions(loaded, loaded.target)]
    assert asked == [("b", "openai/o3", True), ("a", "o4", False)]
