"""The driver that measures what an application sees: the official openai SDK, with its own retries off.

Its times include the time spent in the SDK. It blocks in the calling greenlet, so it needs a standard library patched
by gevent, as Locust does; otherwise timeouts apply only to connecting and to each read.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

import gevent
import httpx2
import msgspec
import openai
from gevent import getcurrent
from openai.types.chat.chat_completion_chunk import ChatCompletionChunk, ChoiceDelta
from openai.types.chat.chat_completion_chunk import Choice as ChunkChoice
from openai.types.responses import ResponseStreamEvent

from relayload import clock
from relayload.core.stats.histogram import bucket
from relayload.core.wire.answers import Event
from relayload.core.wire.chat import Choice, Chunk, Delta, chat_event, may_fail
from relayload.core.wire.faults import ErrorFields, fault_of_error
from relayload.core.wire.lenient import UNREADABLE, without_empty_lists
from relayload.core.wire.request import Endpoint, Timeouts, WireRequest
from relayload.core.wire.response_limits import DEFAULT_RESPONSE_LIMITS, ResponseLimits, TooLarge
from relayload.core.wire.responses import ResponseEvent, response_event
from relayload.core.wire.stream import FinishReason, TokenStream
from relayload.core.wire.structured_output import schema_of
from relayload.transport import Answer, OnText
from relayload.transport.attempts import Phases, Reading, answer
from relayload.transport.buffers import Buffers
from relayload.transport.credentials import AUTHORIZATION, key_header
from relayload.transport.deadlines import DeadlineTimer, next_deadline
from relayload.transport.failures import Failure, dial_failure
from relayload.transport.http_log import HttpLog
from relayload.transport.inflate import IDENTITY
from relayload.transport.origin import is_loopback, origin_of
from relayload.transport.peek import Peek
from relayload.transport.redaction import Secrets
from relayload.transport.resolve import Addresses
from relayload.transport.sdk_http import Interrupted, ResponseTooLarge, causes, http_client, reads_of, refusal
from relayload.transport.sdk_tap import Tap
from relayload.transport.tls import target_context

_FAILURES: tuple[tuple[type[Exception], Failure, Failure], ...] = (
    # an error of the SDK's HTTP client, and what it means before and after the first byte; the first match counts
    (httpx2.ConnectTimeout, Failure.CONNECT_TIMEOUT, Failure.CONNECT_TIMEOUT),
    (httpx2.TimeoutException, Failure.TOTAL_TIMEOUT, Failure.TOTAL_TIMEOUT),
    (httpx2.ProxyError, Failure.PROXY, Failure.PROXY),
    (httpx2.DecodingError, Failure.ENCODING, Failure.ENCODING),
    (httpx2.RemoteProtocolError, Failure.CLOSED_UNANSWERED, Failure.TRUNCATED),
    (httpx2.NetworkError, Failure.RESET_UNANSWERED, Failure.RESET),
)
_OWN_PARAMETERS = {"model", "messages", "input", "stream", "encoding_format"}
"""Passed to the SDK by name; the rest of a body is passed unchanged."""
_SDK_ERRORS = (AttributeError, TypeError, LookupError, ArithmeticError, *UNREADABLE)
"""What the SDK raises when a relay sends something that it did not expect."""
_TURN_S = 0.005
"""How long a stream that always has events ready may keep other greenlets waiting."""
_UNSENT = {
    Failure.DNS,
    Failure.FOREIGN_ADDRESS,
    Failure.CONNECT,
    Failure.CONNECT_TIMEOUT,
    Failure.TLS,
    Failure.TLS_CERTIFICATE,
    Failure.PROXY,
}


_FIELDS = Delta.__struct_fields__
_FIRST_EVENTS = b'data: {"type":"response.created","response":{"output":[]},"choices":[]}\n\n'
"""An event that is valid in both kinds of streams."""


def prepare() -> None:
    """Make the SDK build now what it otherwise builds during the first stream: half a second for responses."""
    server = httpx2.MockTransport(lambda _request: httpx2.Response(200, content=_FIRST_EVENTS))
    with openai.OpenAI(
        api_key="none", base_url="http://127.0.0.1", http_client=httpx2.Client(transport=server)
    ) as client:
        for _ in client.chat.completions.create(model="none", messages=[], stream=True):
            pass
        for _ in client.responses.create(model="none", input="", stream=True):
            pass


class SdkTransport:
    """One SDK client with one connection pool. Takes the arguments of NativeTransport."""

    def __init__(
        self,
        base_url: str,
        api_key: str,
        *,
        verify: bool = True,
        ca_file: str | Path | None = None,
        client_cert: str | Path | None = None,
        headers: Mapping[str, str] | None = None,
        max_connections: int | None = None,
        api_key_header: str | None = None,
        accept_encoding: str | None = IDENTITY,
        limits: ResponseLimits = DEFAULT_RESPONSE_LIMITS,
        buffers: Buffers | None = None,
        finish_reason: FinishReason = "required",
        http_log: HttpLog | None = None,
        hidden: Sequence[str] = (),
    ) -> None:
        origin = origin_of(base_url)
        context = target_context(origin, verify=verify, ca_file=ca_file, client_cert=client_cert)
        self._limits = limits
        self._finish_reason = finish_reason
        self._secrets = Secrets(api_key, (headers or {}).values(), hidden)
        shown = key_header(api_key, api_key_header) if api_key_header else {}
        self._left_out = {"Authorization": openai.Omit()} if shown and AUTHORIZATION not in shown else {}
        self._client = openai.OpenAI(
            api_key=api_key,
            base_url=base_url.partition("?")[0],
            max_retries=0,
            default_headers={**shown, **(headers or {})},
            http_client=http_client(
                origin,
                context,
                limits,
                buffers or Buffers(limits.buffered_bytes),
                accept_encoding=accept_encoding,
                max_connections=max_connections,
                tap=None if http_log is None else Tap(http_log, self._secrets),
            ),
        )
        self._client.organization = self._client.project = None  # from the environment, meant for OpenAI only
        self._own_name = Addresses(origin.host, origin.port) if is_loopback(origin.host) else None
        self._create: dict[Endpoint, Callable[..., Any]] = {
            Endpoint.CHAT: self._client.chat.completions.with_raw_response.create,
            Endpoint.RESPONSES: self._client.responses.with_raw_response.create,
            Endpoint.EMBEDDINGS: self._client.embeddings.with_raw_response.create,
        }

    @property
    def kernel_timestamps(self) -> bool:
        """Always False: times are taken when the SDK delivers events."""
        return False

    def send(
        self,
        request: WireRequest,
        timeouts: Timeouts,
        *,
        keep_text: bool = False,
        on_text: OnText | None = None,
        sampled: bool = False,
    ) -> Answer:
        """Send once, without retries, and return the answer."""
        called_at_s = clock.now_s()
        reading, phases = (
            Reading(
                request=request,
                keep_body=keep_text,
                sampled=sampled,
                limits=self._limits,
                finish_reason=self._finish_reason,
            ),
            Phases(sent_at_s=called_at_s),
        )
        keeps = keep_text or schema_of(request.endpoint, request.body) is not None
        new_stream = partial(
            TokenStream,
            request.endpoint,
            bucket,
            keep_text=keeps,
            on_text=on_text,
            limits=self._limits,
            sampled=sampled,
        )
        caller = getcurrent()
        timer = DeadlineTimer(
            lambda: next_deadline(timeouts, called_at_s, called_at_s, reading.stream, wants_stream=request.stream),
            lambda failure: caller.throw(Interrupted(failure)),
        )
        timer.set()
        try:
            self._exchange(request, timeouts, reading, timer, new_stream)
        except Interrupted as interrupted:
            reading.failure = interrupted.failure
        except ResponseTooLarge as large:
            reading.failure, reading.status = Failure.TOO_LARGE, large.status
        except TooLarge:  # raised by the text
            reading.failure = Failure.TOO_LARGE
        finally:
            timer.stop()
        if reading.failure is None:
            phases.last_byte_at_s = clock.now_s()
        elif reading.failure in _UNSENT:
            phases.sent_at_s = None
        return answer(reading, phases, self._secrets)

    def close(self) -> None:
        self._client.close()

    def _exchange(
        self,
        request: WireRequest,
        timeouts: Timeouts,
        reading: Reading,
        timer: DeadlineTimer,
        new_stream: Callable[[], TokenStream],
    ) -> None:
        try:
            if self._own_name:
                self._own_name.find()  # raises ForeignAddress; the SDK's client would not check
        except OSError as error:
            reading.failure = dial_failure(error)
            return
        try:
            response = self._create[request.endpoint](**_arguments(request, timeouts, self._left_out))
        except openai.APIStatusError as error:
            _note_response(reading, error.response)
            reading.body = error.response.content
            return
        except openai.APIConnectionError as error:
            reading.failure = _failure(error, answered=False)
            return
        except httpx2.HTTPError as error:  # from the body of an error, which the SDK reads without a handler
            reading.failure = _failure(error, answered=True)
            return
        _note_response(reading, response.http_response)
        if request.stream and (peek := _peeked(response, reading)) is not None:
            reading.stream = new_stream()
            _read_stream(response, reading, timer, timeouts.cancel_after_tokens)
            peek.complete(reading.stream, request.endpoint)
        elif not request.stream:
            _read_body(response, reading)


def _arguments(request: WireRequest, timeouts: Timeouts, left_out: Mapping[str, openai.Omit]) -> dict[str, Any]:
    body = request.body
    return {name: body[name] for name in _OWN_PARAMETERS if name in body} | {
        "extra_body": {name: value for name, value in body.items() if name not in _OWN_PARAMETERS},
        "extra_headers": {**left_out, **request.headers},
        "timeout": httpx2.Timeout(timeouts.total_s, connect=timeouts.connect_s),
    }


def _note_response(reading: Reading, response: httpx2.Response) -> None:
    reading.status = response.status_code
    reading.headers = {name.lower(): value for name, value in response.headers.items()}
    reading.sent_bytes = len(response.request.content)


def _peeked(response: Any, reading: Reading) -> Peek | None:
    """Return the requested stream. Any other body is kept as it is: the SDK does not check and would see no events."""
    try:
        peek = Peek(response.http_response)
        if peek.is_event_stream:
            return peek
        reading.body = peek.body()
    except httpx2.HTTPError as error:
        reading.failure = _failure(error, answered=True)
    reading.received_bytes = response.http_response.num_bytes_downloaded
    return None


def _read_stream(response: Any, reading: Reading, timer: DeadlineTimer, cancel_after_tokens: int | None) -> None:
    stream = reading.stream
    assert stream is not None
    first_read = last_read = 0
    try:
        for event in _events(response, reading.request.endpoint, stream):
            at_s = clock.now_s()
            awaits_token = stream.last_token_at_s is None
            stream.take(event, at_s)
            response.http_response.beside_bytes = stream.held_bytes
            if event.has_token:
                last_read = reads_of(response.http_response)
            if cancel_after_tokens is not None and stream.chunks >= cancel_after_tokens:
                reading.failure = Failure.CANCELLED
                response.http_response.close()
                break
            if awaits_token and stream.last_token_at_s is not None:
                first_read = last_read
                timer.set()
        if 0 < first_read == last_read:  # all came in one read: the time between is the SDK's own work
            stream.last_token_at_s = stream.first_token_at_s
        stream.end(clock.now_s())
    except (openai.APIConnectionError, httpx2.HTTPError) as error:
        reading.failure = _failure(error, answered=True)
    except openai.APIError as error:
        stream.take(Event(fault=fault_of_error(error.body or error.message)), clock.now_s())
    reading.received_bytes = response.http_response.num_bytes_downloaded


def _events(response: Any, endpoint: Endpoint, stream: TokenStream) -> Iterator[Event]:
    """Yield the events of the stream, and mark malformed ones: the SDK passes on any JSON that it receives."""
    to_event = _EVENTS[endpoint]
    try:
        turn_at_s = clock.now_s()
        for each in response.parse():
            if clock.now_s() - turn_at_s > _TURN_S:
                gevent.sleep(0)
                turn_at_s = clock.now_s()
            try:
                event = to_event(each)
                if stream.kept is not None:
                    stream.kept.report.hear_fields(each.to_dict(warnings=False))
            except _SDK_ERRORS:
                stream.malformed = True
            else:
                yield event
    except _SDK_ERRORS:  # from the JSON or the UTF-8 of an event
        stream.malformed = True


def _of_chat(event: ChatCompletionChunk) -> Event:
    if not event.choices or event.usage or event.model_extra:
        fields = without_empty_lists(event.to_dict(warnings=False))
        chunk = msgspec.convert(fields, Chunk)
        return chat_event(chunk, msgspec.convert(fields, ErrorFields) if may_fail(chunk) else None)
    return chat_event(Chunk(choices=[_choice(each) for each in event.choices], id=event.id))


def _choice(choice: ChunkChoice) -> Choice:
    if choice.model_extra or not isinstance(choice.finish_reason, str | None):
        return msgspec.convert(without_empty_lists(choice.to_dict(warnings=False)), Choice)
    return Choice(delta=_delta(choice.delta), finish_reason=choice.finish_reason, index=choice.index)


def _delta(delta: ChoiceDelta | None) -> Delta | None:
    if delta is None:
        return None
    return Delta(**{name: _plain(value) for name in _FIELDS if (value := getattr(delta, name, None)) is not None})


def _plain(value: Any) -> Any:
    """Return a value as the relay sent it: the SDK turns some into models."""
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return value.to_dict() if isinstance(value, openai.BaseModel) else value


def _of_responses(event: ResponseStreamEvent) -> Event:
    if event.type.endswith(".delta"):  # most of them
        return response_event(ResponseEvent(type=event.type, delta=getattr(event, "delta", None)))
    fields = without_empty_lists(event.to_dict(warnings=False))
    read = msgspec.convert(fields, ResponseEvent)
    return response_event(read, None if read.type else msgspec.convert(fields, ErrorFields))


def _no_event(_event: object) -> Event:
    raise ValueError("embeddings are not streamed")


_EVENTS: Mapping[Endpoint, Callable[[Any], Event]] = MappingProxyType(
    {Endpoint.CHAT: _of_chat, Endpoint.RESPONSES: _of_responses, Endpoint.EMBEDDINGS: _no_event}
)
"""Converts an event of the SDK to an Event."""


def _read_body(response: Any, reading: Reading) -> None:
    try:
        reading.body = response.http_response.read()
        response.parse()  # as an application would
    except httpx2.HTTPError as error:
        reading.failure = _failure(error, answered=True)
    except (openai.OpenAIError, *_SDK_ERRORS):
        pass  # the body was read and is judged by its content
    reading.received_bytes = response.http_response.num_bytes_downloaded


def _failure(error: BaseException | None, *, answered: bool) -> Failure:
    """Return the failure that an SDK error means. It wraps one of its HTTP client, which wraps one of the system."""
    if refused := refusal(error):
        return refused
    if isinstance(error, openai.APIConnectionError):
        error = error.__cause__
    if isinstance(error, httpx2.ConnectError):
        return next((dial_failure(each) for each in causes(error) if isinstance(each, OSError)), Failure.CONNECT)
    for kind, unanswered_failure, answered_failure in _FAILURES:
        if isinstance(error, kind):
            return answered_failure if answered else unanswered_failure
    return Failure.TRUNCATED if answered else Failure.CONNECT
