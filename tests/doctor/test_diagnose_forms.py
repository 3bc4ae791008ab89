"""Visits to relays that refuse the form in which a profile sends its requests."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from canned_relay import KEY, PROFILE, STREAM, Answer, Visit, completion, doubts, refusal, the_doubt

from relayload.doctor.diagnose import diagnose
from relayload.doctor.findings import State
from relayload.doctor.text import render_diagnosis
from relayload.fakerelay.process import FakeRelay
from relayload.profile import load

OPENAI = "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
NIM = "[{'type': 'extra_forbidden', 'loc': ('body', 'max_completion_tokens'), 'msg': 'Extra inputs are not permitted'}]"
BEDROCK = "Malformed input request: #: extraneous key is not permitted, please reformat your input and try again."
ERROR_EVENT = b'data: {"error":{"message":"stream_options: not permitted","code":400}}\n\ndata: [DONE]\n\n'
MISTRAL = {"detail": [{"type": "extra_forbidden", "loc": ["body", "stream_options", "include_usage"]}]}


@pytest.mark.parametrize(
    ("refused", "target", "line"),
    [
        ({"max_completion_tokens": refusal(400, "400", NIM)}, "", "max_tokens_field: max_tokens"),
        (
            {
                "max_completion_tokens": refusal(
                    400, "", "Unrecognized request argument supplied: max_completion_tokens"
                )
            },
            "",
            "max_tokens_field: max_tokens",
        ),
        (
            {"max_tokens": refusal(400, "unsupported_parameter", OPENAI)},
            "  max_tokens_field: max_tokens\n",
            "max_tokens_field: max_completion_tokens",
        ),
        (
            {
                name: refusal(422, "", f"{name}: Extra inputs are not permitted")
                for name in ("max_completion_tokens", "max_tokens")
            },
            "",
            "max_tokens_field: none",
        ),
        ({"stream_options": (422, {}, json.dumps(MISTRAL).encode())}, "", "stream_options: false"),
        ({"stream_options": refusal(400, "", "unknown field")}, "", "stream_options: false"),
        ({"max_completion_tokens": refusal(400, "", BEDROCK)}, "", "max_tokens_field: max_tokens"),
        ({"max_completion_tokens": refusal(200, "400", NIM)}, "", "max_tokens_field: max_tokens"),
        ({"stream_options": refusal(200, "400", "unknown field")}, "", "stream_options: false"),
        ({"stream_options": (200, {"Content-Type": "text/event-stream"}, ERROR_EVENT)}, "", "stream_options: false"),
        (
            {"max_completion_tokens": refusal(400, "", NIM), "max_tokens": refusal(200, "400", NIM)},
            "",
            "max_tokens_field: none",
        ),
    ],
)
def test_the_form_that_a_relay_takes_is_found_and_told(
    picky: Callable[..., Any], tmp_path: Path, refused: dict[str, Answer], target: str, line: str
) -> None:
    diagnosis, asked = picky(refused, target)
    found = the_doubt(diagnosis)
    assert (found.state, found.topic, found.path) == (State.FAULT, "form", f"target.{line.partition(':')[0]}")
    assert found.message.endswith(f"write target.{line}")
    assert found.place.startswith(f"{tmp_path / 'p.yaml'}:")
    assert [name for name in refused if name in asked[-1]] == []  # it goes on in that form


def test_several_fields_are_told_one_by_one(picky: Callable[..., Any]) -> None:
    refused = {name: refusal(400, "", f"{name}: not permitted") for name in ("max_completion_tokens", "stream_options")}
    diagnosis, asked = picky(refused)
    assert [finding.path for finding in doubts(diagnosis)] == ["target.max_tokens_field", "target.stream_options"]
    assert len(asked) == 4


@pytest.mark.parametrize(
    ("first", "second", "paths", "lines"),
    [
        (
            "new",
            "old",
            ["scenarios.other.body"],
            ["write scenarios.other.body: {max_completion_tokens: null, max_tokens: 64}"],
        ),
        (
            "old",
            "new",
            ["target.max_tokens_field", "scenarios.other.body"],
            [
                "write target.max_tokens_field: max_tokens",
                "write scenarios.other.body: {max_tokens: null, max_completion_tokens: 64}",
            ],
        ),
    ],
)
def test_a_model_that_takes_another_form_than_others_is_told_a_line_of_its_own(
    tmp_path: Path, relay_with: Callable[..., str], first: str, second: str, paths: list[str], lines: list[str]
) -> None:
    refused = {"old": "max_completion_tokens", "new": "max_tokens"}

    def choose(body: dict[str, Any]) -> Answer:
        name = refused[body["model"]]
        if name in body:
            return refusal(400, "unsupported_parameter", f"Unsupported parameter: {name}")
        return (200, {"Content-Type": "text/event-stream"}, STREAM) if body.get("stream") else completion()

    path = tmp_path / "p.yaml"
    path.write_text(
        PROFILE.format(base_url=relay_with(choose), model=first, stream="true")
        + f"  other: {{model: {second}, prompt: simple}}\n"
    )
    told = [finding for finding in doubts(diagnose(load(path, environ={"THE_KEY": KEY}))) if finding.topic == "form"]
    assert [finding.path for finding in told] == paths
    assert [finding.message.partition("; ")[2].partition(": write")[0] for finding in told][-1] == (
        "other models take requests as they are"
    )
    assert all(finding.message.endswith(line) for finding, line in zip(told, lines, strict=True))


def test_a_budget_that_is_not_understood_is_told(picky: Callable[..., Any]) -> None:
    body = json.loads(completion()[2]) | {"usage": {"prompt_tokens": 8, "completion_tokens": 300}}
    diagnosis, _ = picky({"max_completion_tokens": (200, {}, json.dumps(body).encode())}, "", ", body: {}")
    first = doubts(diagnosis)[0]
    assert (first.state, first.topic, first.path) == (State.WARNING, "form", "target.max_tokens_field")
    assert first.message.endswith("write target.max_tokens_field: max_tokens")


def test_fields_of_the_scenario_s_own_are_asked_with(picky: Callable[..., Any]) -> None:
    refused = {"max_completion_tokens": refusal(400, "", NIM), "stream_options": refusal(400, "", "no")}
    body = ", body: {max_completion_tokens: null, max_tokens: 20, stream_options: null, top_p: 1}"
    diagnosis, asked = picky(refused, "", body)
    assert doubts(diagnosis) == []
    assert [sorted(each) for each in asked] == [
        ["max_tokens", "messages", "model", "top_p"],
        ["max_tokens", "messages", "model", "stream", "top_p"],
    ]


def test_a_field_of_the_scenario_s_own_that_is_refused_is_told(picky: Callable[..., Any]) -> None:
    refused = {"stream_options": refusal(400, "", "Unrecognized request argument supplied: stream_options")}
    body = ", body: {max_completion_tokens: null, stream_options: {include_usage: true}}"
    found = the_doubt(picky(refused, "  stream_options: false\n", body)[0])
    assert (found.state, found.path) == (State.FAULT, "scenarios.simple.body.stream_options")
    assert found.message.endswith("leave stream_options out of the scenario's body")


@pytest.mark.parametrize(
    "said",
    [
        "This model only support stream mode, please enable the stream parameter to access the model.",
        "Stream must be set to true",
        "Non-streaming is not supported: set 'stream' to 'true'",
    ],
)
def test_a_relay_that_only_streams_is_asked_for_a_stream(
    visit: Visit, relay_with: Callable[..., str], said: str
) -> None:
    streamed = (200, {"Content-Type": "text/event-stream"}, STREAM)
    base_url = relay_with(lambda body: streamed if body.get("stream") else refusal(400, "", said))
    diagnosis = visit(base_url)
    assert diagnosis.usable
    assert doubts(diagnosis) == []
    assert "o3 at /chat/completions answers in streams alone" in render_diagnosis(diagnosis).replace("\n", " ")
    assert not visit(base_url, stream=False).usable


def test_a_refusal_for_another_reason_is_tried_once(picky: Callable[..., Any]) -> None:
    diagnosis, asked = picky({"messages": refusal(400, "", "too many messages")})
    assert (the_doubt(diagnosis).topic, len(asked)) == ("answer", 1)


def test_what_no_form_helps_with_is_not_tried_for_ever(picky: Callable[..., Any]) -> None:
    diagnosis, asked = picky({"messages": refusal(400, "", "max_tokens must be above 0")})
    assert (the_doubt(diagnosis).topic, len(asked)) == ("answer", 3)


def test_a_relay_that_speaks_anthropics_api_is_healthy(tmp_path: Path) -> None:
    path = tmp_path / "p.yaml"
    with FakeRelay.start(api_key=KEY) as relay:
        text = PROFILE.format(base_url=relay.base_url, model="o3", stream="true")
        path.write_text(text.replace(", stream:", ", endpoint: messages, max_output_tokens: 9, stream:"))
        diagnosis = diagnose(load(path, environ={"THE_KEY": KEY}))
    assert doubts(diagnosis) == []
    assert diagnosis.usable


def test_a_relay_that_takes_the_key_in_anthropics_header_gets_the_line_for_it(visit: Visit, relay_with) -> None:
    words = {"type": "authentication_error", "message": "x-api-key header is required"}
    refused: Answer = (401, {}, json.dumps({"type": "error", "error": words}).encode())
    finding = the_doubt(visit(relay_with(refused, models=refused)))
    assert finding.message.endswith(": write target.api_key_header: x-api-key")
