"""Visits to relays with one thing wrong each, over real sockets."""

import json
import time
from collections.abc import Callable, Iterator
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
from support import PATIENCE_S, SHORT_S

from relayload.core.errors import AuthorError
from relayload.doctor.findings import Diagnosis, Finding, State
from relayload.doctor.text import render_diagnosis
from relayload.doctor.visit import diagnose
from relayload.fakerelay.process import FakeRelay
from relayload.profile import load

KEY = "sk-do-not-tell"
NGINX = b"<html>\r\n<head><title>%b</title></head>\r\n<body>\r\n<center>nginx</center>\r\n</body>\r\n</html>\r\n"
BAD_GATEWAY = (502, {"Content-Type": "text/html"}, NGINX % b"502 Bad Gateway")
PROFILE = """\
name: visit
target:
  base_url: {base_url}
  api_key: ${{env:THE_KEY}}
load:
  kind: open
  arrivals: constant
  stages: [{{for: 1m, rate: 5/s}}]
scenarios:
  simple: {{model: {model}, prompt: simple, stream: {stream}}}
"""
Visit = Callable[..., Diagnosis]
Answer = tuple[int, dict[str, str], bytes]
Choice = Callable[[dict[str, Any]], Answer]
MODELS: Answer = (200, {}, b'{"data": [{"id": "o3"}]}')


@pytest.fixture
def visit(tmp_path: Path) -> Visit:
    """Visits the target of a profile; the key is never told."""

    def visit(base_url: str, model: str = "o3", stream: bool = True, key: str = KEY) -> Diagnosis:
        path = tmp_path / "p.yaml"
        path.write_text(PROFILE.format(base_url=base_url, model=model, stream=str(stream).lower()))
        diagnosis = diagnose(load(path, environ={"THE_KEY": key}))
        assert key not in render_diagnosis(diagnosis)
        return diagnosis

    return visit


def doubts(diagnosis: Diagnosis) -> list[Finding]:
    return [finding for finding in diagnosis.findings if finding.state in (State.WARNING, State.FAULT)]


def the_doubt(diagnosis: Diagnosis) -> Finding:
    (finding,) = doubts(diagnosis)
    return finding


@pytest.mark.parametrize("dialect", ["openai", "litellm", "openrouter", "one-api", "apisix"])
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


@pytest.fixture
def relay_with() -> Iterator[Callable[..., str]]:
    """Starts a little server that answers chat completions as it is told; its base URL."""
    servers: list[tuple[ThreadingHTTPServer, Thread]] = []

    def start(plain: Answer | Choice, stream: Answer | None = None, models: Answer = MODELS) -> str:
        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                asked = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"{}")
                chosen = models if self.command == "GET" else stream if asked.get("stream") and stream else plain
                status, headers, body = chosen(asked) if callable(chosen) else chosen
                self.send_response_only(status)
                for name, value in {"Content-Length": str(len(body)), "Date": formatdate(), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = answer  # noqa: N815 -- the names http.server looks for

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        thread = Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        servers.append((httpd, thread))
        return f"http://127.0.0.1:{httpd.server_port}/v1"

    yield start
    for httpd, thread in servers:
        httpd.shutdown()
        thread.join()
        httpd.server_close()


def completion(**headers: str) -> Answer:
    body: dict[str, Any] = {
        "id": "c-1",
        "choices": [{"message": {"content": "one two"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 8, "completion_tokens": 2},
    }
    return 200, headers, json.dumps(body).encode()


def refusal(status: int, code: str, message: str = "no") -> Answer:
    return status, {}, json.dumps({"error": {"message": message, "code": code}}).encode()


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


def streamed(*events: object, label: str = "text/event-stream", end: str = "data: [DONE]\n\n") -> Answer:
    body = "".join(f"data: {json.dumps(event)}\n\n" for event in events) + end
    return 200, {"Content-Type": label}, body.encode()


ONE = {"choices": [{"delta": {"content": "one"}}]}
STOP = {"choices": [{"delta": {}, "finish_reason": "stop"}], "usage": {"prompt_tokens": 8, "completion_tokens": 1}}
ABORT = {"choices": [{"delta": {}, "finish_reason": "abort"}]}


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


STREAM = b"".join(
    b"data: %b\n\n" % event
    for event in (
        b'{"choices":[{"delta":{"content":"one"}}]}',
        b'{"choices":[{"delta":{},"finish_reason":"stop"}],"usage":{"prompt_tokens":8,"completion_tokens":1}}',
        b"[DONE]",
    )
)
OPENAI = "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
NIM = "[{'type': 'extra_forbidden', 'loc': ('body', 'max_completion_tokens'), 'msg': 'Extra inputs are not permitted'}]"
BEDROCK = "Malformed input request: #: extraneous key is not permitted, please reformat your input and try again."
ERROR_EVENT = b'data: {"error":{"message":"stream_options: not permitted","code":400}}\n\ndata: [DONE]\n\n'
MISTRAL = {"detail": [{"type": "extra_forbidden", "loc": ["body", "stream_options", "include_usage"]}]}


@pytest.fixture
def picky(tmp_path: Path, relay_with: Callable[..., str]) -> Callable[..., tuple[Diagnosis, list[dict[str, Any]]]]:
    """Visits a relay that refuses some fields; what was found, and what it was asked."""

    def visit(refused: dict[str, Answer], target: str = "", scenario: str = "") -> Any:
        asked: list[dict[str, Any]] = []

        def choose(body: dict[str, Any]) -> Answer:
            asked.append(body)
            said = next((answer for name, answer in refused.items() if name in body), None)
            return said or (
                (200, {"Content-Type": "text/event-stream"}, STREAM) if body.get("stream") else completion()
            )

        base_url = relay_with(choose)
        path = tmp_path / "p.yaml"
        text = PROFILE.format(base_url=base_url, model="o3", stream="true")
        path.write_text(text.replace("\nload:", f"\n{target}load:").replace(", stream:", f"{scenario}, stream:"))
        return diagnose(load(path, environ={"THE_KEY": KEY})), asked

    return visit


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
    monkeypatch.setattr("relayload.doctor.visit._PATIENCE_S", 2 * SHORT_S)
    ended = Event()

    def hang(_body: dict[str, Any]) -> Answer:
        ended.wait(PATIENCE_S)
        return completion()

    found = the_doubt(visit(relay_with(hang)))
    ended.set()
    assert (found.state, found.topic) == (State.FAULT, "target")
    assert "no answer from 127.0.0.1:" in found.message


def test_an_answer_whose_end_never_comes_is_told(visit: Visit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("relayload.doctor.visit._PATIENCE_S", 2 * SHORT_S)
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


def told(diagnosis: Diagnosis) -> list[tuple[str, str]]:
    return [(finding.state.value, finding.message) for finding in diagnosis.findings if finding.topic == "target"]


def fault(status: int, message: str, **more: str | None) -> Answer:
    return status, {}, json.dumps({"error": {"message": message, **more}}).encode()


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
    monkeypatch.setattr("relayload.core.wire.stream._TELLING_S", 30.0)  # this machine may be busy
    diagnosis = visit(relay_with(completion(), streamed(*[ONE] * 12, STOP)))
    assert doubts(diagnosis) == []
