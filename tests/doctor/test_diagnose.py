"""Visits to relays with one thing wrong each, over real sockets."""

import json
import time
from collections.abc import Callable
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
from canned_relay import (
    ABORT,
    KEY,
    MODELS,
    ONE,
    PROFILE,
    STOP,
    STREAM,
    Answer,
    Visit,
    completion,
    doubts,
    refusal,
    streamed,
    the_doubt,
)
from support import PATIENCE_S, SHORT_S

from relayload.core.errors import AuthorError
from relayload.doctor.diagnose import diagnose
from relayload.doctor.findings import State
from relayload.doctor.text import render_diagnosis
from relayload.fakerelay.process import FakeRelay
from relayload.profile import load


@pytest.mark.parametrize("dialect", ["openai", "litellm", "openrouter", "one-api", "apisix", "anthropic"])
def test_a_sound_relay_is_healthy_in_every_dialect(visit: Visit, dialect: str) -> None:
    with FakeRelay.start(sets=[f"dialect={dialect}"], api_key=KEY) as relay:
        diagnosis = visit(relay.base_url)
    assert doubts(diagnosis) == []
    assert diagnosis.usable
    assert [finding.topic for finding in diagnosis.findings if finding.state is State.OK] == [
        "target",
        "answer",
        "stream",
        "clock",
    ]


def test_a_fake_relay_is_started_for_its_visit(visit: Visit) -> None:
    assert visit("fake://o-series").usable


@pytest.mark.parametrize(
    ("fault", "state", "topic", "path", "said"),
    [
        ("{kind: buffered}", State.WARNING, "stream", "target.base_url", "events come at the end at once"),
        ("{kind: missing_usage}", State.WARNING, "usage", "target.base_url", "come without usage"),
        ("{kind: error_event}", State.FAULT, "stream", "target.base_url", "an error comes inside the stream"),
        ("{kind: error_in_200}", State.FAULT, "answer", "target.base_url", "answered 200 with an error inside"),
        ("{kind: status, status: 503}", State.FAULT, "answer", "target.base_url", "is refused with 503"),
        ("{kind: status, status: 429, retry_after: 7s}", State.FAULT, "limits", "target.api_key", "not the rate"),
    ],
)
def test_what_is_wrong_with_a_relay_is_told_with_the_line_to_change(
    visit: Visit, tmp_path: Path, fault: str, state: State, topic: str, path: str, said: str
) -> None:
    with FakeRelay.start(sets=[f"faults=[{fault}]"], api_key=KEY) as relay:
        diagnosis = visit(relay.base_url)
    first = doubts(diagnosis)[0]
    assert (first.state, first.topic, first.path) == (state, topic, path)
    assert said in first.message
    assert first.place.startswith(f"{tmp_path / 'p.yaml'}:")
    assert diagnosis.usable is (state is State.WARNING)


def test_a_stream_that_is_cut_short_is_a_fault(visit: Visit) -> None:
    with FakeRelay.start(sets=["faults=[{kind: truncate, requests: [2]}]"], api_key=KEY) as relay:
        found = the_doubt(visit(relay.base_url))
    assert found.topic == "stream"
    assert "breaks off without [DONE]" in found.message


def test_a_model_that_is_not_there_is_told_with_the_nearest_one(visit: Visit, tmp_path: Path) -> None:
    with FakeRelay.start(api_key=KEY) as relay:
        listed, refused = doubts(visit(relay.base_url, model="o33"))
    assert listed.message.endswith("did you mean 'o3'?")
    assert (refused.state, refused.topic) == (State.FAULT, "model")
    assert refused.place == f"{tmp_path / 'p.yaml'}:10:19"
    assert refused.path == "scenarios.simple.model"


def test_a_key_of_another_relay_is_told_as_such(visit: Visit, tmp_path: Path) -> None:
    with FakeRelay.start(api_key="sk-another") as relay:
        diagnosis = visit(relay.base_url)
    found = the_doubt(diagnosis)
    assert "a valid key sent to another relay gives the same error" in found.message
    assert (found.path, found.place) == ("target.api_key", f"{tmp_path / 'p.yaml'}:4:12")
    assert not diagnosis.usable


def test_each_of_several_keys_is_tried_and_told_by_its_place(tmp_path: Path) -> None:
    path, keys = tmp_path / "p.yaml", {"A": KEY, "B": "sk-of-b-do-not-tell"}
    with FakeRelay.start(api_key=f"{KEY} sk-of-another-tenant") as relay:
        text = PROFILE.format(base_url=relay.base_url, model="o3", stream="true")
        named = "keys: [{name: a, key: '${env:A}'}, {name: b, key: '${env:B}'}]"
        path.write_text(text.replace("api_key: ${env:THE_KEY}", named))
        diagnosis = diagnose(load(path, environ=keys))
    found = the_doubt(diagnosis)
    assert (found.path, found.state) == ("target.keys.1.key", State.FAULT)
    assert "rejected the key with 401" in found.message
    assert not diagnosis.usable
    assert "do-not-tell" not in str(diagnosis)


def test_a_missing_v1_is_told_with_the_url_to_write(visit: Visit, tmp_path: Path) -> None:
    with FakeRelay.start(api_key=KEY) as relay:
        found = the_doubt(visit(relay.base_url.removesuffix("/v1")))
        assert f"write target.base_url: {relay.base_url}" in found.message
    assert found.place == f"{tmp_path / 'p.yaml'}:3:13"


def test_each_of_several_targets_is_visited_by_its_own_names(tmp_path: Path) -> None:
    path = tmp_path / "p.yaml"
    text = PROFILE.format(base_url="x", model="o3", stream="true")
    targets = "targets:\n  a: {base_url: 'fake://o-series'}\n  b: {base_url: 'fake://o-series', models: {o3: o33}}\n"
    path.write_text(f"name: visit\n{targets}{text[text.index('load:') :]}")
    diagnosis = diagnose(load(path, environ={}))
    assert {finding.target for finding in diagnosis.findings} == {"a", "b"}
    assert {finding.target for finding in doubts(diagnosis)} == {"b"}
    assert "b: model" in render_diagnosis(diagnosis)


def test_a_host_that_load_may_not_go_to_is_not_visited(visit: Visit) -> None:
    with pytest.raises(AuthorError, match="is not this machine"):
        visit("https://relay.example.com/v1")


@pytest.mark.parametrize("status", [200, 403])
def test_what_a_relay_says_is_told_on_one_line_and_without_the_key(
    status: int, visit: Visit, relay_with: Callable[..., str]
) -> None:
    found = the_doubt(visit(relay_with(refusal(status, "wrong", f"no such key:\n{KEY}\x1b[2J")), stream=False))
    assert "no such key: *** [2J" in found.message


def test_an_error_in_a_stream_is_told_without_the_key(visit: Visit, relay_with: Callable[..., str]) -> None:
    event = json.dumps({"error": {"message": f"no such key: {KEY}"}})
    stream = (200, {"Content-Type": "text/event-stream"}, f"data: {event}\n\n".encode())
    found = the_doubt(visit(relay_with(completion(), stream)))
    assert found.message.endswith("an error comes inside the stream: no such key: ***")


def test_a_relay_that_does_not_stream_is_told(visit: Visit, relay_with: Callable[..., str]) -> None:
    found = the_doubt(visit(relay_with(completion(**{"Content-Type": "application/json"}))))
    assert "asked for a stream and got application/json: write stream: false" in found.message
    assert found.path == "scenarios.simple.stream"


def test_a_stream_without_its_last_event_is_a_doubt(visit: Visit, relay_with: Callable[..., str]) -> None:
    event = {
        "choices": [{"delta": {"content": "one"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 8, "completion_tokens": 1},
    }
    stream = (200, {"Content-Type": "text/event-stream"}, f"data: {json.dumps(event)}\n\n".encode())
    found = the_doubt(visit(relay_with(completion(), stream)))
    assert (found.state, found.topic) == (State.WARNING, "stream")
    assert "without [DONE]" in found.message


@pytest.mark.parametrize(
    ("stream", "state", "path", "said"),
    [
        (streamed(ONE), State.FAULT, "target.finish_reason", "write target.finish_reason: optional"),
        (streamed(ONE, end=""), State.FAULT, "target.base_url", "breaks off without [DONE]"),
        (streamed(), State.FAULT, "target.base_url", "ends without a single token"),
        (streamed(ONE, ABORT), State.FAULT, "target.base_url", "ends for the reason abort"),
        (streamed(ONE, STOP, label="text/plain"), State.WARNING, "target.base_url", "calls itself text/plain"),
        (refusal(200, "insufficient_quota", "no credit"), State.FAULT, "target.base_url", "that says: no credit"),
        ((200, {"Content-Type": "text/event-stream"}, b"<html><title>Busy</title>"), State.FAULT, "target.base_url",
         "that says: Busy"),
    ],
)  # fmt: skip
def test_what_is_odd_about_a_stream_is_told(
    visit: Visit, relay_with: Callable[..., str], stream: Answer, state: State, path: str, said: str
) -> None:
    found = the_doubt(visit(relay_with(completion(), stream)))
    assert (found.state, found.topic, found.path) == (state, "stream", path)
    assert said in found.message


def test_an_account_without_credit_is_not_taken_for_a_limit_of_rate(
    visit: Visit, relay_with: Callable[..., str]
) -> None:
    found = the_doubt(visit(relay_with(refusal(429, "insufficient_quota"))))
    assert "has no credit left" in found.message


def test_an_endpoint_that_is_not_there_is_told_from_a_model_that_is_not(
    visit: Visit, relay_with: Callable[..., str]
) -> None:
    found = the_doubt(visit(relay_with(refusal(404, "not_found"))))
    assert (found.topic, found.path) == ("endpoint", "scenarios.simple.endpoint")


def test_a_limit_below_the_plan_is_told_with_the_line_to_write(visit: Visit, relay_with: Callable[..., str]) -> None:
    url = relay_with(completion(**{"x-ratelimit-limit-requests": "60", "x-request-id": "r-1"}))
    diagnosis = visit(url, stream=False)
    found = the_doubt(diagnosis)
    assert "the plan has up to 300 requests in a minute" in found.message
    assert "limits: {per_minute: 60}" in found.message
    assert "limits told: 60 requests" in [each.message for each in diagnosis.findings]


@pytest.mark.parametrize(("seconds", "way"), [(3600, "ahead of"), (-3600, "behind")])
def test_a_clock_that_is_off_is_told(visit: Visit, relay_with: Callable[..., str], seconds: int, way: str) -> None:
    date = formatdate(time.time() + seconds)
    found = the_doubt(visit(relay_with(completion(Date=date)), stream=False))
    assert found.topic == "clock"
    assert way in found.message


def test_a_relay_that_lists_no_models_is_visited_all_the_same(visit: Visit, relay_with: Callable[..., str]) -> None:
    diagnosis = visit(relay_with(completion(), models=(404, {}, b"")), stream=False)
    assert diagnosis.usable
    assert "the relay does not list its models" in [each.message for each in diagnosis.findings]


@pytest.mark.parametrize(
    "plain",
    [
        (200, {}, b'{"choices":' + b"[" * 100_000 + b"]" * 100_000 + b"}"),
        (500, {}, b'{"error":{"message":' + b"[" * 100_000 + b"]" * 100_000 + b"}}"),
        (400, {}, b'{"error":{"message":"m","code":' + b"9" * 5_000 + b"}}"),
        (429, {"retry-after": "9" * 5_000, "x-ratelimit-limit-requests": "9" * 5_000}, b"{}"),
        (200, {"x-ratelimit-limit-requests": "9" * 5_000, "Date": "9" * 5_000}, b"7"),
        (200, {}, b'{"choices":[{"message":{"content":"a"}}],"usage":{"completion_tokens":' + b"9" * 400 + b"}}"),
    ],
)
@pytest.mark.parametrize(
    "models", [MODELS, (200, {}, b'{"data":[{"id":[]},{"id":7}]}'), (200, {}, b'{"data":{"a":1}}')]
)
def test_whatever_a_relay_answers_the_visit_ends(
    visit: Visit, relay_with: Callable[..., str], plain: Answer, models: Answer
) -> None:
    diagnosis = visit(relay_with(plain, models=models))
    assert all(len(finding.message) < 600 for finding in diagnosis.findings)


def test_an_answer_without_end_is_told(
    visit: Visit, relay_with: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("relayload.doctor.diagnose._PATIENCE_S", 2 * SHORT_S)
    ended = Event()

    def hang(_body: dict[str, Any]) -> Answer:
        ended.wait(PATIENCE_S)
        return completion()

    found = the_doubt(visit(relay_with(hang)))
    ended.set()
    assert (found.state, found.topic) == (State.FAULT, "target")
    assert "no answer from 127.0.0.1:" in found.message


def test_an_answer_whose_end_never_comes_is_told(visit: Visit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("relayload.doctor.diagnose._PATIENCE_S", 2 * SHORT_S)
    ended = Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.wfile.write(b"HTTP/1.1 200 OK\r\ncontent-length: 12\r\n\r\n" + b'{"data": []}')

        def do_POST(self) -> None:
            self.wfile.write(b"HTTP/1.1 200 OK\r\ncontent-length: 12\r\n\r\n{")
            ended.wait(PATIENCE_S)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as httpd:
        Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        found = doubts(visit(f"http://127.0.0.1:{httpd.server_port}/v1"))[-1]
        ended.set()
        httpd.shutdown()
    assert (found.state, found.topic) == (State.FAULT, "answer")
    assert found.message.endswith(" and 1 bytes it is not whole")


def test_an_answer_that_is_cut_is_told_once(visit: Visit, relay_with: Callable[..., str]) -> None:
    found = the_doubt(visit(relay_with((200, {"Content-Length": "1000"}, completion()[2][:20]))))
    assert (found.state, found.topic) == (State.FAULT, "answer")


@pytest.mark.parametrize(
    "event", [b"[" * 3000 + b"]" * 3000, b'{"choices":[],"usage":' + b"[" * 3000 + b"]" * 3000 + b"}"]
)
def test_an_event_that_nests_too_deep_is_told(visit: Visit, relay_with: Callable[..., str], event: bytes) -> None:
    stream = (200, {"Content-Type": "text/event-stream"}, b"data: " + event + b"\n\n" + STREAM)
    found = the_doubt(visit(relay_with(completion(), stream)))
    assert (found.state, found.topic) == (State.FAULT, "stream")
    assert "nested deeper" in found.message


def test_limits_that_are_told_in_other_headers_are_noted(visit: Visit, relay_with: Callable[..., str]) -> None:
    diagnosis = visit(relay_with(completion(RateLimit='"default";r=5;t=30')), stream=False)
    notes = [finding.message for finding in diagnosis.findings if finding.topic == "headers"]
    assert notes[0] == "limits told in ratelimit"
