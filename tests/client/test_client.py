"""RelayClient as an application has it: against a fake relay, in plain Python."""

import pickle
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gevent
import pytest
from support import PATIENCE_S, asked, relay_stats, until

from relayload.client import CallReport, RelayClient
from relayload.client.caller import Called
from relayload.client.chat_request import ChatRequest
from relayload.client.client import failed
from relayload.client.errors import (
    AuthError,
    BadRequest,
    BrokenStream,
    CallFailed,
    CircuitOpen,
    CutOff,
    Fault,
    RateLimited,
    ServerError,
    TimedOut,
    Unreachable,
)
from relayload.core.errors import AuthorError
from relayload.core.model.record import Attempt, BreakerState, FailureKind, Outcome
from relayload.core.resilience.breaker_policy import BreakerPolicy
from relayload.core.resilience.classify import rule
from relayload.core.resilience.limit import Limit
from relayload.core.resilience.retry import RetryPolicy
from relayload.core.wire.request import RelayFault, Timeouts
from relayload.fakerelay.process import FakeRelay
from relayload.transport import Answer

HELLO = [{"role": "user", "content": "hi"}]
PRESET = """
models:
  good: &model {ttft: {any: 10ms}, speed: 1000/s, output_tokens: {any: 5}}
  flaky: *model
  down: *model
  limited: *model
  truncated: *model
  busy: *model
  slow: {ttft: {any: 10m}, speed: 1000/s, output_tokens: {any: 5}}
embedding_models:
  embedder: {latency: {p50: 5ms, p99: 10ms}, dimensions: 3}
faults:
  - {kind: status, status: 503, models: [flaky], probability: 50%}
  - {kind: status, status: 500, models: [down]}
  - {kind: status, status: 429, models: [limited], retry_after: 300s}
  - {kind: truncate, models: [truncated]}
  - {kind: status, status: 429, models: [busy], every: 2, retry_after: 1s}
"""


@pytest.fixture(scope="module")
def relay(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FakeRelay]:
    preset = tmp_path_factory.mktemp("preset") / "trouble.yaml"
    preset.write_text(PRESET)
    with FakeRelay.start(str(preset), api_key="sk-test") as started:
        yield started


@pytest.fixture
def connect(relay: FakeRelay) -> Iterator[Any]:
    clients: list[RelayClient] = []

    def new(**options: Any) -> RelayClient:
        key = options.pop("api_key", "sk-test")
        clients.append(RelayClient(options.pop("base_url", relay.base_url), key, **options))
        return clients[-1]

    yield new
    for client in clients:
        client.close()


def requests_seen(relay: FakeRelay) -> Any:
    """The relay's own account of its last requests, in the order in which it received them."""
    return asked(relay.base_url.removesuffix("/v1") + "/__relay/requests?last=100")


def test_a_chat_has_text_tokens_and_the_whole_answer(connect: Any) -> None:
    answer = connect().chat("good", HELLO, max_output_tokens=4)
    assert (len(answer.text.split()), answer.output_tokens, answer.finish_reason) == (4, 4, "length")
    assert answer.body["choices"][0]["message"]["content"] == answer.text
    assert (answer.ttft_s, len(answer.attempts)) == (None, 1)
    assert answer.request_id


def test_a_stream_is_told_as_it_comes(connect: Any) -> None:
    told: list[str] = []
    answer = connect().chat("good", HELLO, stream=True, on_delta=told.append)
    assert (len(told), "".join(told), answer.output_tokens) == (5, answer.text, 5)
    assert 0 < answer.ttft_s <= answer.latency_s


@pytest.mark.parametrize("stream", [False, True])
def test_a_message_has_a_budget_and_a_system_text_of_its_own(connect: Any, relay: FakeRelay, *, stream: bool) -> None:
    talk = [{"role": "system", "content": "Be brief."}, *HELLO]
    answer = connect().messages("good", talk, stream=stream, max_output_tokens=4)
    assert (len(answer.text.split()), answer.output_tokens, answer.finish_reason) == (4, 4, "max_tokens")
    assert requests_seen(relay)[-1]["path"].endswith("/messages")
    assert connect().messages("good", HELLO).output_tokens == 5


def test_the_sdk_has_no_messages(connect: Any) -> None:
    with pytest.raises(AuthorError, match='the SDK has no Messages API: use driver="native"'):
        connect(driver="openai").messages("good", HELLO)


def test_responses_embeddings_and_models(connect: Any) -> None:
    client = connect()
    assert len(client.responses("good", "hi", max_output_tokens=3).text.split()) == 3
    embedded = client.embed("embedder", ["a", "b"])
    assert [len(vector) for vector in embedded.vectors] == [3, 3]
    assert len(client.embed("embedder", "a text is one, and not its letters").vectors) == 1
    assert set(client.models()) >= {"good", "embedder"}


def test_the_sdk_answers_alike(connect: Any) -> None:
    answer = connect(driver="openai").chat("good", HELLO, max_output_tokens=4)
    assert (len(answer.text.split()), answer.output_tokens) == (4, 4)


@pytest.mark.parametrize(
    ("model", "options", "error", "fault"),
    [
        ("nobody", {}, BadRequest, Fault.YOURS),
        ("good", {"api_key": "sk-wrong"}, AuthError, Fault.YOURS),
        ("good", {"base_url": "http://127.0.0.1:1/v1", "retry": None}, Unreachable, Fault.NETWORK),
        ("limited", {}, RateLimited, Fault.RELAY),
        ("slow", {"attempt_timeouts": Timeouts(first_token_s=0.1), "retry": None}, TimedOut, Fault.RELAY),
        ("truncated", {}, BrokenStream, Fault.RELAY),
    ],
)
def test_every_error_says_whose_fault_it_is(
    connect: Any, model: str, options: dict[str, Any], error: type[CallFailed], fault: Fault
) -> None:
    client = connect(**options)
    with pytest.raises(error) as raised:
        client.chat(model, HELLO, stream=True)
    assert raised.value.fault is fault
    assert "sk-" not in str(raised.value)
    assert client.metrics().ok == 0


def test_an_error_does_not_tell_the_key_that_the_relay_repeats() -> None:
    attempt = Attempt(outcome=Outcome.REJECTED, error="http_401", status=401, relay_message="no such key: ***")
    answer = Answer(attempt, fault=RelayFault("no such key: my-own-key"))
    called = Called(outcome=attempt.outcome, attempts=(attempt,), answer=answer, kind=FailureKind.AUTH)
    error = failed("m", called, "http://127.0.0.1:1/v1")
    assert str(error) == "m: auth: http_401: no such key: ***"


def test_an_error_can_go_from_process_to_process(connect: Any) -> None:
    with pytest.raises(BadRequest) as raised:
        connect().chat("nobody", HELLO)
    error = pickle.loads(pickle.dumps(raised.value))
    assert (type(error), str(error)) == (BadRequest, str(raised.value))
    assert (error.kind, error.attempts) == (raised.value.kind, raised.value.attempts)


class Odd:
    """A transport whose answers are whole, with a body that a test chose."""

    kernel_timestamps = False

    def __init__(self, body: bytes) -> None:
        self._body = body

    def send(self, *_: Any, **__: Any) -> Answer:
        return Answer(Attempt(outcome=Outcome.OK, status=200), body=self._body)

    def close(self) -> None: ...


@pytest.mark.parametrize(
    ("body", "name"), [(b'{"name":"\xff"}', "\ufffd"), (b'{"name":"\\ud800"}', "\ud800"), (b'{"name":"a"}', "a")]
)
def test_a_body_that_is_an_answer_is_read_however_odd(
    connect: Any, monkeypatch: pytest.MonkeyPatch, body: bytes, name: str
) -> None:
    monkeypatch.setattr("relayload.client.client.new_transport", lambda *_, **__: Odd(body))
    assert connect().chat("good", HELLO).body == {"name": name}


@pytest.mark.parametrize(
    ("found", "error"), [("rate_limited", RateLimited), ("content_filtered", None), ("server_error", ServerError)]
)
def test_an_answer_that_a_rule_takes_for_a_failure_is_none(
    connect: Any, monkeypatch: pytest.MonkeyPatch, found: str, error: type[CallFailed] | None
) -> None:
    monkeypatch.setattr("relayload.client.client.new_transport", lambda *_, **__: Odd(b"{}"))
    client = connect(rules=[rule(found, status=200)], retry=None)
    if error is None:
        assert client.chat("good", HELLO).body == {}
    else:
        with pytest.raises(error, match=f"good: {found}"):
            client.chat("good", HELLO)
    assert client.metrics().ok == (error is None)


def test_vectors_that_are_none_are_an_error_of_the_relay(connect: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "relayload.client.client.new_transport", lambda *_, **__: Odd(b'{"data":[{"embedding":[null]}]}')
    )
    with pytest.raises(BrokenStream, match="embedder: broken_stream: malformed_body") as raised:
        connect().embed("embedder", ["a"])
    assert raised.value.status == 200


def test_a_flaky_relay_is_hardly_felt(connect: Any) -> None:
    client = connect(
        retry=RetryPolicy(attempts=30, backoff_s=0.001, rate_limited_backoff_s=0.001, budget_share=None), breaker=None
    )
    for _ in range(20):
        client.chat("flaky", HELLO)
    metrics = client.metrics()
    assert (metrics.ok, metrics.success_rate) == (20, 1.0)
    assert metrics.attempts > 20
    assert metrics.amplification == metrics.attempts / 20
    assert metrics.backoff_s > 0


def test_a_relay_that_is_down_is_left_alone(relay: FakeRelay, connect: Any) -> None:
    client = connect(retry=None, breaker=BreakerPolicy(consecutive=5))
    before = relay_stats(relay)["requests"]
    for _ in range(20):
        with pytest.raises(CallFailed) as raised:
            client.chat("down", HELLO)
    assert isinstance(raised.value, CircuitOpen)
    assert raised.value.fault is Fault.OWN_RULES
    assert relay_stats(relay)["requests"] - before == 5
    metrics = client.metrics()
    assert metrics.errors == {"short_circuited": 15, "server_error": 5}
    breaker = metrics.breakers["down"]
    assert (breaker.state, breaker.trips, breaker.refused) == (BreakerState.OPEN, 1, 15)
    assert client.chat("good", HELLO).text, "other models have breakers of their own"


def test_the_relay_sees_no_retry_before_the_wait_it_asked_for(relay: FakeRelay, connect: Any) -> None:
    client = connect(retry=RetryPolicy(attempts=3, rate_limited_backoff_s=0.001, budget_share=None))
    for _ in range(2):
        client.chat("busy", HELLO)
    seen = [entry for entry in requests_seen(relay) if entry["model"] == "busy"]
    refused = [number for number, entry in enumerate(seen) if entry["status"] == 429]
    assert refused
    for number in refused:
        assert seen[number + 1]["received_ns"] - seen[number]["received_ns"] >= 1e9


def test_the_relay_sees_no_storm_of_retries(relay: FakeRelay, connect: Any) -> None:
    client = connect(retry=RetryPolicy(attempts=5, backoff_s=0.001), breaker=None)
    before = relay_stats(relay)["requests"]
    for _ in range(40):
        with pytest.raises(CallFailed):
            client.chat("down", HELLO)
    assert 40 < relay_stats(relay)["requests"] - before <= 40 * 1.2
    assert client.metrics().amplification <= 1.2


def test_a_quota_is_kept_to_by_all_greenlets_together(relay: FakeRelay, connect: Any) -> None:
    client = connect(quota=[Limit(2, 1.0)])
    gevent.joinall([gevent.spawn(client.chat, "good", HELLO) for _ in range(5)], raise_error=True)
    metrics = client.metrics()
    assert (metrics.ok, metrics.throttled) == (5, 4)
    assert metrics.throttled_s > (1 + 2 + 3 + 4) * 0.5 * 0.9


def test_a_batch_keeps_the_order_and_the_failures_apart(connect: Any) -> None:
    client = connect(retry=None)
    requests = [{"model": "nobody" if number == 7 else "good", "messages": HELLO} for number in range(23)]
    batch = client.batch(requests, batch_size=10, max_concurrent=4)
    assert sum(batch.status()) == 23
    results = batch.wait(timeout_s=PATIENCE_S)
    assert [number for number, result in enumerate(results) if result is None] == [7]
    assert list(batch.errors) == [7]
    assert batch.status() == (0, 0, 22, 1)
    assert 0 < batch.makespan_s < PATIENCE_S


def test_a_batch_that_is_stopped_keeps_what_it_has(connect: Any) -> None:
    requests = [{"model": "good" if number < 2 else "slow", "messages": HELLO} for number in range(6)]
    batch = connect().batch(requests, max_concurrent=2)
    until(lambda: batch.status().done == 2)
    results = batch.stop()
    assert [result is not None for result in results] == [True, True, False, False, False, False]
    assert (batch.status().queued, batch.status().running) == (2, 0)
    assert batch.wait(timeout_s=PATIENCE_S) == results


def test_a_batch_may_be_stopped_before_its_requests_could_begin(connect: Any) -> None:
    batch = connect().batch([{"model": "good", "messages": HELLO}] * 6, max_concurrent=2)
    assert batch.stop() == [None] * 6
    assert batch.status() == (4, 0, 0, 2)
    assert {type(error) for error in batch.errors.values()} == {CutOff}
    with gevent.Timeout(PATIENCE_S):
        assert batch.wait() == [None] * 6


def test_a_batch_takes_requests_that_a_type_checker_knows(connect: Any) -> None:
    chats = [ChatRequest("good", HELLO, max_output_tokens=number) for number in (2, 4)]
    answers = connect().batch([*chats, {"model": "good", "messages": HELLO}]).wait(timeout_s=PATIENCE_S)
    assert [answer.output_tokens for answer in answers] == [2, 4, 5]


def test_a_misspelt_argument_in_a_batch_is_told_before_anything_is_sent(connect: Any) -> None:
    client = connect()
    with pytest.raises(TypeError, match="modle"):
        client.batch([{"model": "good", "messages": HELLO}, {"modle": "good", "messages": HELLO}])
    gevent.sleep(0)
    assert client.metrics().calls == 0


def test_what_cannot_be_sent_in_a_batch_is_raised_where_it_is_waited_for(connect: Any) -> None:
    batch = connect().batch([ChatRequest("good", HELLO, extra={"tools": object()})])
    with pytest.raises(TypeError, match="object"):
        batch.wait(timeout_s=PATIENCE_S)


def test_every_call_is_told_with_its_name_and_what_it_raises(connect: Any) -> None:
    reports: list[CallReport] = []
    client = connect(on_call=reports.append, retry=None)
    client.chat("good", HELLO, name="greeting")
    with pytest.raises(CallFailed) as raised:
        client.chat("down", HELLO)
    answered, refused = reports
    assert (answered.name, answered.model, answered.endpoint) == ("greeting", "good", "chat")
    assert (answered.outcome, answered.error, len(answered.attempts)) == (Outcome.OK, None, 1)
    assert (refused.name, refused.outcome, refused.stopped_by) == ("down", Outcome.SERVER_ERROR, None)
    assert refused.error is raised.value


def test_a_call_that_was_given_up_says_why(connect: Any) -> None:
    reports: list[CallReport] = []
    client = connect(on_call=reports.append, retry=RetryPolicy(attempts=2, backoff_s=0.001))
    with pytest.raises(CallFailed):
        client.chat("down", HELLO)
    (report,) = reports
    assert (report.stopped_by, len(report.attempts)) == ("attempts", 2)
    assert report.latency_s > report.backoff_s


def test_a_call_whose_greenlet_is_killed_is_no_answer(connect: Any) -> None:
    reports: list[CallReport] = []
    greenlet = gevent.spawn(connect(on_call=reports.append).chat, "slow", HELLO)
    gevent.sleep(0)
    greenlet.kill()
    (report,) = reports
    assert (report.outcome, type(report.error)) == (Outcome.ABANDONED, CutOff)


def test_timeouts_begin_anew_with_each_attempt_and_the_deadline_does_not(connect: Any) -> None:
    reports: list[CallReport] = []
    retry = RetryPolicy(attempts=3, backoff_s=0.0)
    timeouts = Timeouts(first_token_s=0.2)
    for deadline_s in (None, 0.3):
        client = connect(on_call=reports.append, attempt_timeouts=timeouts, deadline_s=deadline_s, retry=retry)
        with pytest.raises(TimedOut):
            client.chat("slow", HELLO, stream=True)
    without, with_deadline = reports
    assert (len(without.attempts), without.stopped_by) == (3, "attempts")
    assert (len(with_deadline.attempts) < 3, with_deadline.stopped_by) == (True, "deadline")


def test_it_works_where_nothing_is_patched_and_nothing_of_locust_is_there(relay: FakeRelay, tmp_path: Path) -> None:
    script = (
        "import sys\nimport relayload\n"
        f"with relayload.RelayClient({relay.base_url!r}, 'sk-test') as client:\n"
        "    print(client.chat('good', [{'role': 'user', 'content': 'hi'}]).output_tokens, 'locust' in sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=PATIENCE_S, check=True
    )
    assert done.stdout == "5 False\n"


def test_requests_have_the_form_that_the_relay_wants(connect: Any) -> None:
    reports: list[CallReport] = []
    client = connect(max_tokens_field="max_tokens", stream_options=False, on_call=reports.append)
    answer = client.chat("good", HELLO, stream=True, max_output_tokens=3, extra={"temperature": None})
    assert reports[0].body == {"model": "good", "messages": HELLO, "stream": True, "max_tokens": 3}
    assert (answer.output_tokens, answer.finish_reason) == (3, "length")
