"""The client for applications: calls with retries, a quota and circuit breakers, over either driver."""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from random import Random
from types import TracebackType
from typing import Any, Literal

import msgspec
from gevent import GreenletExit

from relayload import clock
from relayload.client.arguments import FROM_HEADERS, check
from relayload.client.batches import BatchRun
from relayload.client.call_report import CallReport
from relayload.client.caller import Called, Caller, SharedState
from relayload.client.chat_request import ChatRequest
from relayload.client.errors import (
    ERRORS,
    BrokenStream,
    CallFailed,
    CircuitOpen,
    CutOff,
    DeadlineExceeded,
    ServerError,
    Unreachable,
)
from relayload.client.hints import place_hint
from relayload.client.metrics import BreakerView, ClientMetrics, MetricsCounter
from relayload.client.results import Completion, Embeddings
from relayload.core.errors import AuthorError, Fault
from relayload.core.model.record import BreakerState, FailureKind, Outcome
from relayload.core.resilience.breaker import StateChange
from relayload.core.resilience.breaker_policy import BreakerPolicy
from relayload.core.resilience.breakers import Scope
from relayload.core.resilience.classify import Rule
from relayload.core.resilience.dialects import DialectName, classifier
from relayload.core.resilience.limit import Limit
from relayload.core.resilience.policy import WATCHED, ClientPolicy
from relayload.core.resilience.retry import RetryPolicy
from relayload.core.wire.answers import MalformedAnswer
from relayload.core.wire.chat import chat_request
from relayload.core.wire.embeddings import embeddings_request, vectors
from relayload.core.wire.form import Form, MaxTokensField
from relayload.core.wire.messages import messages_request
from relayload.core.wire.request import Timeouts, WireRequest
from relayload.core.wire.response_limits import DEFAULT_RESPONSE_LIMITS, ResponseLimits
from relayload.core.wire.responses import responses_request
from relayload.core.wire.stream import FinishReason
from relayload.transport import OnText
from relayload.transport.drivers import Options, new_transport
from relayload.transport.inflate import IDENTITY
from relayload.transport.probe_client import TargetUnreachable, models

_LOG = logging.getLogger("relayload")


class RelayClient:
    """A client of the relay at `base_url`, such as `https://relay.example/v1`, with one pool of connections.

    `attempt_timeouts` apply to each attempt. `deadline_s` limits a whole call, with all its attempts and waits.
    `retry=None` makes one attempt per call, `breaker=None` refuses nothing. `finish_reason="optional"` also accepts
    streams that end with `[DONE]` alone. `quota` is a list of limits, or `"from_headers"` to follow what the relay
    reports as remaining. `max_tokens_field` names the field for the token budget of chats, or `"none"`; with
    `stream_options=False` streams do not request usage. `api_key_header` names the header for the key, in place of
    `Authorization: Bearer`. `on_call` receives a report of every call that has ended.

    Calls wait in the calling greenlet, so many can run at once in gevent greenlets (`batch` starts its own). With
    `driver="openai"` that needs a standard library patched by gevent. Use a client in one thread only. Raises
    AuthorError for a URL, a file or an argument that it cannot use.
    """

    def __init__(
        self,
        base_url: str,
        api_key: str,
        *,
        driver: Literal["native", "openai"] = "native",
        attempt_timeouts: Timeouts = Timeouts(),  # noqa: B008 -- immutable
        deadline_s: float | None = None,
        retry: RetryPolicy | None = RetryPolicy(),  # noqa: B008 -- immutable
        quota: Sequence[Limit] | Literal["from_headers"] = (),
        breaker: BreakerPolicy | None = BreakerPolicy(),  # noqa: B008 -- immutable
        breaker_scope: Literal["model", "endpoint", "all"] = "model",
        dialect: DialectName = "openai",
        max_tokens_field: MaxTokensField = "max_completion_tokens",
        stream_options: bool = True,
        rules: Iterable[Rule] = (),
        headers: Mapping[str, str] | None = None,
        verify: bool = True,
        ca_file: str | Path | None = None,
        client_cert: str | Path | None = None,
        max_connections: int | None = None,
        api_key_header: str | None = None,
        accept_encoding: str | None = IDENTITY,
        response_limits: ResponseLimits = DEFAULT_RESPONSE_LIMITS,
        finish_reason: FinishReason = "required",
        seed: int | None = None,
        on_call: Callable[[CallReport], None] | None = None,
    ) -> None:
        check(
            base_url=base_url,
            api_key=api_key,
            headers=headers,
            driver=driver,
            dialect=dialect,
            max_tokens_field=max_tokens_field,
            quota=quota,
            breaker_scope=breaker_scope,
            attempt_timeouts=attempt_timeouts,
            deadline_s=deadline_s,
            finish_reason=finish_reason,
        )
        self._driver = driver
        self._timeouts = attempt_timeouts
        self._form = Form(max_tokens_field, stream_options)
        self._base_url = base_url
        self._api_key = api_key
        self._options = Options(
            verify=verify,
            ca_file=ca_file,
            client_cert=client_cert,
            headers=headers,
            max_connections=max_connections,
            api_key_header=api_key_header,
            accept_encoding=accept_encoding,
            limits=response_limits,
            finish_reason=finish_reason,
        )
        self._transport = new_transport(driver, base_url, api_key, **self._options)
        policy = ClientPolicy(
            classifier=classifier(dialect, rules),
            retry=retry,
            limits=() if isinstance(quota, str) else tuple(quota),
            quota_from_headers=quota == FROM_HEADERS,
            breaker=breaker or WATCHED,
            breaker_scope=Scope(breaker_scope),
            deadline_s=deadline_s,
        )
        self._caller = Caller(self._transport, SharedState(policy, self._on_transition), Random(seed))
        self._on_call = on_call
        self._counter = MetricsCounter()
        self._trips: Counter[str] = Counter()

    def chat(
        self,
        model: str,
        messages: list[dict[str, Any]],
        *,
        stream: bool = False,
        max_output_tokens: int | None = None,
        temperature: float | None = None,
        reasoning_effort: str | None = None,
        on_delta: OnText | None = None,
        extra: dict[str, Any] | None = None,
        name: str | None = None,
    ) -> Completion:
        """Request one chat completion. Raises CallFailed.

        `on_delta` receives the text of a stream piece by piece, in the event loop, and must not wait. `extra` is merged
        into the body: tools, response format; None values are not sent. `name` is used in reports.
        """
        return self._chat(
            ChatRequest(
                model,
                messages,
                stream=stream,
                max_output_tokens=max_output_tokens,
                temperature=temperature,
                reasoning_effort=reasoning_effort,
                on_delta=on_delta,
                extra=extra,
                name=name,
            )
        )

    def responses(
        self,
        model: str,
        input: str | list[dict[str, Any]],
        *,
        stream: bool = False,
        max_output_tokens: int | None = None,
        temperature: float | None = None,
        reasoning_effort: str | None = None,
        on_delta: OnText | None = None,
        extra: dict[str, Any] | None = None,
        name: str | None = None,
    ) -> Completion:
        """Request one answer of the Responses API, with the arguments of `chat`. Raises CallFailed."""
        request = responses_request(
            model,
            input,
            stream=stream,
            max_output_tokens=max_output_tokens,
            temperature=temperature,
            reasoning_effort=reasoning_effort,
            extra=extra,
            form=self._form,
        )
        return self._complete(request, name, on_delta)

    def messages(
        self,
        model: str,
        messages: list[dict[str, Any]],
        *,
        stream: bool = False,
        max_output_tokens: int | None = None,
        temperature: float | None = None,
        reasoning_effort: str | None = None,
        on_delta: OnText | None = None,
        extra: dict[str, Any] | None = None,
        name: str | None = None,
    ) -> Completion:
        """Request one message of Anthropic's Messages API, with the arguments of `chat`. Raises CallFailed.

        A system message may stand among the others. The API demands a budget: 4,096 tokens unless it is given. Raises
        AuthorError with `driver="openai"`, whose SDK has no Messages API.
        """
        if self._driver == "openai":
            raise AuthorError([Fault('the SDK has no Messages API: use driver="native"', path="driver")])
        request = messages_request(
            model,
            messages,
            stream=stream,
            max_output_tokens=max_output_tokens,
            temperature=temperature,
            reasoning_effort=reasoning_effort,
            extra=extra,
            form=self._form,
        )
        return self._complete(request, name, on_delta)

    def embed(
        self,
        model: str,
        texts: str | Sequence[str],
        *,
        dimensions: int | None = None,
        extra: dict[str, Any] | None = None,
        name: str | None = None,
    ) -> Embeddings:
        """Request one vector per text. Raises CallFailed."""
        request = embeddings_request(
            model, [texts] if isinstance(texts, str) else list(texts), dimensions=dimensions, extra=extra
        )
        called, latency_s = self._call(request, name, None)
        assert called.answer is not None, "answered"
        attempt = called.attempts[-1]
        try:
            found = vectors(called.answer.body)
        except MalformedAnswer as malformed:
            kind = FailureKind.BROKEN_STREAM
            raise BrokenStream(f"{model}: {kind.value}: malformed_body: {malformed}", kind, called.attempts) from None
        return Embeddings(
            vectors=found,
            model=model,
            latency_s=latency_s,
            input_tokens=attempt.input_tokens,
            attempts=called.attempts,
            throttled_s=called.throttled_s,
            backoff_s=called.backoff_s,
        )

    def models(self) -> tuple[str, ...]:
        """Return the names of the models that the relay lists. Makes one attempt, which quota and breaker ignore.

        Raises Unreachable if there is no list.
        """
        try:
            return models(self._base_url, self._api_key, self._options)
        except TargetUnreachable as error:
            raise Unreachable(str(error), FailureKind.UNREACHABLE, ()) from None

    def batch(
        self,
        requests: Sequence[ChatRequest | Mapping[str, Any]],
        *,
        batch_size: int = 50,
        max_concurrent: int = 10,
    ) -> BatchRun:
        """Start a list of chats, `max_concurrent` at a time. A mapping holds the arguments of a `ChatRequest`.

        The next `batch_size` requests start when all before them have ended. The returned run reports progress, waits,
        stops, and has the results in the order of the requests. Raises TypeError for a mapping with a missing or
        unknown argument, before anything is sent.
        """
        chats = [each if isinstance(each, ChatRequest) else ChatRequest(**each) for each in requests]
        return BatchRun(self._chat, chats, batch_size, max_concurrent)

    def metrics(self) -> ClientMetrics:
        """Return the totals of all calls that have ended, and the current state of the breakers."""
        views = {
            scope: BreakerView(state=each.state, trips=self._trips[scope], refused=each.refused)
            for scope, each in self._caller.breakers.all().items()
        }
        return self._counter.metrics(views)

    def close(self) -> None:
        """Close idle connections now, and those in use once they are done."""
        self._transport.close()

    def __enter__(self) -> RelayClient:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _chat(self, chat: ChatRequest) -> Completion:
        request = chat_request(
            chat.model,
            chat.messages,
            stream=chat.stream,
            max_output_tokens=chat.max_output_tokens,
            temperature=chat.temperature,
            reasoning_effort=chat.reasoning_effort,
            extra=chat.extra,
            form=self._form,
        )
        return self._complete(request, chat.name, chat.on_delta)

    def _complete(self, request: WireRequest, name: str | None, on_delta: OnText | None) -> Completion:
        called, latency_s = self._call(request, name, on_delta)
        assert called.answer is not None, "answered"
        attempt, body = called.attempts[-1], called.answer.body
        return Completion(
            text=called.answer.text,
            finish_reason=attempt.finish_reason,
            model=request.model,
            latency_s=latency_s,
            input_tokens=attempt.input_tokens,
            cached_input_tokens=attempt.cached_input_tokens,
            output_tokens=attempt.output_tokens,
            reasoning_tokens=attempt.reasoning_tokens,
            attempts=called.attempts,
            throttled_s=called.throttled_s,
            backoff_s=called.backoff_s,
            body=_read(body) if body else None,
        )

    def _call(self, request: WireRequest, name: str | None, on_delta: OnText | None) -> tuple[Called, float]:
        began_at_s = clock.now_s()
        called = self._caller.call(request, self._timeouts, keep_text=True, on_text=on_delta)
        latency_s = clock.now_s() - began_at_s
        self._counter.add(called, latency_s)
        error = None if called.answered else failed(request.model, called, self._base_url)
        if self._on_call is not None:
            self._on_call(_report(name, request, called, latency_s, error))
        if called.outcome is Outcome.ABANDONED:
            raise GreenletExit
        if error is not None:
            raise error
        return called, latency_s

    def _on_transition(self, change: StateChange) -> None:
        self._trips[change.scope] += change.after is BreakerState.OPEN
        _LOG.warning("breaker %s: %s -> %s, %s", change.scope, change.before, change.after, change.reason)


def _read(body: bytes) -> Any:
    """Parse the body of an answer that was accepted, as leniently as before: invalid UTF-8 is replaced."""
    try:
        return msgspec.json.decode(body)
    except ValueError:  # msgspec's errors and UnicodeDecodeError are ValueErrors
        return json.loads(body.decode("utf-8", errors="replace"))


def _report(
    name: str | None, request: WireRequest, called: Called, latency_s: float, error: CallFailed | None
) -> CallReport:
    return CallReport(
        name=name or request.model,
        model=request.model,
        endpoint=request.endpoint.value,
        body=request.body,
        outcome=called.outcome,
        latency_s=latency_s,
        attempts=called.attempts,
        throttled_s=called.throttled_s,
        backoff_s=called.backoff_s,
        stopped_by=called.stopped_by,
        error=error,
    )


def failed(model: str, called: Called, base_url: str) -> CallFailed:
    """Return the error of a call without an answer. It names the base URL if that may be the cause."""
    if called.outcome is Outcome.ABANDONED:
        return CutOff(f"{model}: cut off: its greenlet was killed", None, called.attempts)
    if not called.attempts:
        return _not_sent(model, called)
    attempt = called.attempts[-1]
    kind = called.kind or FailureKind.SERVER_ERROR
    error_type = ERRORS.get(kind, ServerError)
    parts = [f"{model}: {kind.value}", attempt.error, attempt.relay_message, place_hint(base_url, kind, attempt)]
    tries = f" (after {len(called.attempts)} attempts)" if len(called.attempts) > 1 else ""
    return error_type(": ".join(filter(None, parts)) + tries, kind, called.attempts)


def _not_sent(model: str, called: Called) -> CallFailed:
    if called.outcome is Outcome.SHORT_CIRCUITED:
        return CircuitOpen(f"{model}: not sent: the breaker is open, after too many failures just now", None, ())
    return DeadlineExceeded(f"{model}: not sent: the quota would hold it back for longer than it has time", None, ())
