"""Who is at fault where a relay refuses a request: the key, the profile, or the relay itself."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from canned_relay import (
    BAD_GATEWAY,
    KEY,
    NGINX,
    ONE,
    PROFILE,
    STOP,
    Answer,
    Visit,
    completion,
    doubts,
    fault,
    streamed,
    the_doubt,
    told,
)

from relayload.doctor.diagnose import diagnose
from relayload.doctor.text import render_diagnosis
from relayload.profile import load


def test_that_the_key_is_taken_is_told_of_an_answer_alone(visit: Visit, relay_with: Callable[..., str]) -> None:
    url = relay_with(completion())
    assert told(visit(url, stream=False)) == [("ok", f"{url} is there, and takes the key")]


@pytest.mark.parametrize(
    "answer",
    [
        fault(400, "no"),
        fault(200, "no such key", code="invalid_api_key"),
        (200, {"Content-Type": "text/html"}, NGINX % b"Log in"),
        streamed({"error": {"message": "no such key"}}),
    ],
)
def test_an_error_or_a_page_does_not_tell_that_the_key_is_taken(
    visit: Visit, relay_with: Callable[..., str], answer: Answer
) -> None:
    url = relay_with(answer)
    assert told(visit(url)) == [("ok", f"{url} is there, and answers GET /models")]


@pytest.mark.parametrize(
    ("models", "said"),
    [
        (BAD_GATEWAY, "502 (Bad Gateway)"),
        ((503, {}, b"no workers"), "503 (no workers)"),
        ((301, {"Location": "https://b/v1/models"}, NGINX % b"301 Moved Permanently"), "301 (Moved Permanently)"),
        (fault(400, "no"), "400 (no)"),
    ],
)
def test_a_list_of_models_that_fails_says_nothing_of_the_key(
    visit: Visit, relay_with: Callable[..., str], models: Answer, said: str
) -> None:
    url = relay_with(fault(401, "Invalid key"), models=models)
    diagnosis = visit(url)
    assert told(diagnosis) == [("note", f"{url} answers GET /models with {said}, which says nothing of the key")]
    assert [finding.topic for finding in doubts(diagnosis)] == ["key"]
    assert [finding.topic for finding in diagnosis.findings if finding.topic in ("headers", "clock")] == []


def test_a_gateway_with_nothing_behind_it_is_told_in_lines_of_text(
    visit: Visit, relay_with: Callable[..., str]
) -> None:
    diagnosis = visit(relay_with(BAD_GATEWAY, models=BAD_GATEWAY))
    found = the_doubt(diagnosis)
    assert found.message == (
        "o3 at /chat/completions (in one piece) is refused with 502 (Bad Gateway): the relay, or the model behind it, "
        "fails by itself, streamed or not"
    )
    assert "<" not in render_diagnosis(diagnosis)
    assert diagnosis.requests == 3


def test_a_key_that_is_refused_was_sent_in_one_request(visit: Visit, relay_with: Callable[..., str]) -> None:
    diagnosis = visit(relay_with(completion(), models=fault(401, "no")))
    found = the_doubt(diagnosis)
    assert found.message.startswith("http://127.0.0.1:")
    assert diagnosis.requests == 1
    assert "1 request sent" in render_diagnosis(diagnosis)


def test_a_redirect_is_told_once_with_the_line_to_write(visit: Visit, relay_with: Callable[..., str]) -> None:
    moved = {"Location": f"https://127.0.0.1:8443/v1/chat/completions?key={KEY}"}
    answer = (301, moved, NGINX % b"301 Moved Permanently")
    found = the_doubt(visit(relay_with(answer, models=answer)))
    assert (found.topic, found.path) == ("target", "target.base_url")
    assert found.message.endswith("write target.base_url: https://127.0.0.1:8443/v1")


def test_a_stream_that_fails_where_a_plain_answer_comes_is_told_as_such(
    visit: Visit, relay_with: Callable[..., str]
) -> None:
    found = the_doubt(visit(relay_with(completion(), fault(500, "Something went wrong"))))
    assert (found.topic, found.path) == ("stream", "scenarios.simple.stream")
    assert found.message.startswith("o3 at /chat/completions (streamed) is refused with 500 (Something went wrong)")
    assert found.message.endswith("in one piece it is answered, so the relay, or what is behind it, does not stream: "
                                  "write stream: false")  # fmt: skip
    assert '"stream": true' in found.sent


def test_a_plain_answer_that_fails_is_no_fault_for_scenarios_that_stream(
    visit: Visit, relay_with: Callable[..., str]
) -> None:
    diagnosis = visit(relay_with(fault(500, "no"), streamed(ONE, STOP)))
    assert doubts(diagnosis) == []
    (note,) = [finding.message for finding in diagnosis.findings if finding.topic == "answer"]
    assert note.endswith("streamed it is answered, and the load streams")


@pytest.mark.parametrize(
    ("answer", "topic", "path", "said"),
    [
        (
            fault(401, "litellm.AuthenticationError: OpenAIException - Incorrect API key provided", code="401"),
            "answer",
            "target.base_url",
            "it is the relay's own key for the model behind it that is refused, not yours",
        ),
        (
            fault(429, "litellm.RateLimitError: OpenAIException - slow down"),
            "answer",
            "target.base_url",
            "it is the relay that meets a limit of the provider behind it",
        ),
        (fault(401, "no"), "key", "target.api_key", "the key may not use this model"),
        (fault(400, "No connected db.", type="no_db_connection"), "key", "target.api_key", "the key may not"),
        (
            (400, {}, b'{"status":"failure","message":"x-portkey-provider header is required"}'),
            "headers",
            "target.headers",
            "write target.headers: {x-portkey-provider: ...}",
        ),
        (
            fault(400, "/chat/completions: Invalid model name passed in model=o3"),
            "model",
            "scenarios.simple.model",
            "it lists the model, but not for /chat/completions",
        ),
        (fault(503, "No available channel for model o3"), "model", "scenarios.simple.model", "it lists the model"),
        (
            (413, {}, NGINX % b"413 Request Entity Too Large"),
            "answer",
            "scenarios.simple.prompt",
            "(Request Entity Too Large): the request is larger than the relay, or a proxy before it, takes",
        ),
        (
            fault(404, "No fixture matched"),
            "answer",
            "scenarios.simple",
            "(No fixture matched): the relay does not take such a request",
        ),
        (fault(501, "not here"), "endpoint", "scenarios.simple.endpoint", "does not offer /chat/completions"),
        (
            fault(400, "maximum context length is 10 tokens"),
            "answer",
            "scenarios.simple.prompt",
            "the prompt of the scenario is too long for the model",
        ),
    ],
)
def test_the_blame_is_put_where_it_belongs(
    visit: Visit, relay_with: Callable[..., str], answer: Answer, topic: str, path: str, said: str
) -> None:
    found = the_doubt(visit(relay_with(answer)))
    assert (found.topic, found.path) == (topic, path)
    assert said in found.message


def test_embeddings_that_a_relay_does_not_implement_are_their_scenario_s(
    tmp_path: Path, relay_with: Callable[..., str]
) -> None:
    def choose(body: dict[str, Any]) -> Answer:
        return fault(501, "Embeddings not implemented") if "input" in body else completion()

    path = tmp_path / "p.yaml"
    text = PROFILE.format(base_url=relay_with(choose), model="o3", stream="false")
    path.write_text(f"{text}  vectors: {{model: o3, prompt: simple, endpoint: embeddings}}\n")
    found = the_doubt(diagnose(load(path, environ={"THE_KEY": KEY})))
    assert (found.topic, found.path) == ("endpoint", "scenarios.vectors.endpoint")
    assert found.message == (
        "o3 at /embeddings is refused with 501 (Embeddings not implemented): the relay does not offer /embeddings"
    )


def test_a_rule_of_the_profile_says_what_an_answer_means(tmp_path: Path, relay_with: Callable[..., str]) -> None:
    path = tmp_path / "p.yaml"
    text = PROFILE.format(base_url=relay_with(fault(400, "who are you?")), model="o3", stream="false")
    path.write_text(f"{text}client: {{rules: [{{status: 400, message: who are you, is: auth}}]}}\n")
    found = the_doubt(diagnose(load(path, environ={"THE_KEY": KEY})))
    assert (found.topic, found.path) == ("key", "target.api_key")


def test_what_was_sent_is_told_of_each_doubt_without_keys(tmp_path: Path, relay_with: Callable[..., str]) -> None:
    path = tmp_path / "p.yaml"
    text = PROFILE.format(base_url=relay_with(fault(400, "I saw sk-secret-header")), model="o3", stream="false")
    own = ", headers: {x-team: 'sk-secret-header'}, body: {user: 'sk-secret-header'}}"
    path.write_text(text.replace(", stream: false}", f", stream: false{own}"))
    diagnosis = diagnose(load(path, environ={"THE_KEY": KEY}))
    found = the_doubt(diagnosis)
    assert found.sent.startswith('POST /chat/completions {"model": "o3", "messages": [{"role": "user", "content": "')
    assert found.sent.endswith('"user": "***"} with x-team')
    assert "sk-secret-header" not in render_diagnosis(diagnosis, verbose=True)
    assert "sent: POST" in render_diagnosis(diagnosis)


def test_what_was_sent_is_told_of_everything_if_asked_for(visit: Visit, relay_with: Callable[..., str]) -> None:
    diagnosis = visit(relay_with(completion()), stream=False)
    assert "sent: POST" not in render_diagnosis(diagnosis)
    assert "sent: POST" in render_diagnosis(diagnosis, verbose=True)


def test_a_mock_is_asked_with_the_prompts_of_the_profile(visit: Visit, relay_with: Callable[..., str]) -> None:
    def choose(body: dict[str, Any]) -> Answer:
        known = "boil an egg" in json.dumps(body)
        return completion() if known else fault(404, "No fixture matched")

    diagnosis = visit(relay_with(choose, models=fault(404, "not found")), stream=False)
    assert diagnosis.usable
    assert told(diagnosis)[0][1].endswith("is there, and takes the key")


def test_a_budget_that_thinking_used_up_is_no_fault_of_the_stream(visit: Visit, relay_with: Callable[..., str]) -> None:
    length = {
        "choices": [{"delta": {}, "finish_reason": "length"}],
        "usage": {"prompt_tokens": 8, "completion_tokens": 64},
    }
    assert doubts(visit(relay_with(completion(), streamed(length)))) == []


def test_a_mock_s_quick_stream_is_not_taken_for_one_that_was_held_back(
    visit: Visit, relay_with: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("relayload.core.wire.stream._MIN_ANSWER_S", 30.0)  # this machine may be busy
    diagnosis = visit(relay_with(completion(), streamed(*[ONE] * 12, STOP)))
    assert doubts(diagnosis) == []
