"""Handles one request to a model, from its bytes to the last byte of the answer, and counts everything."""

from dataclasses import dataclass
from math import ceil
from typing import Any

from msgspec.json import encode

from relayload import clock
from relayload.fakerelay.behavior import Reply, Turn
from relayload.fakerelay.capacity import QueueFull, Ticket
from relayload.fakerelay.dialects.answers import HTML, JSON, TEXT, ErrorAnswer, html_page
from relayload.fakerelay.faults import (
    ErrorBody,
    ErrorEvent,
    MissingUsage,
    Reset,
    Status,
    Truncate,
    WrongLength,
)
from relayload.fakerelay.formats import Format
from relayload.fakerelay.limits import Admission
from relayload.fakerelay.parsed_request import ParsedRequest
from relayload.fakerelay.refusals import Occurrence, Reason, Refusal
from relayload.fakerelay.request_log import Entry, Outcome, request_id
from relayload.fakerelay.run import Run, respond, response_bytes
from relayload.fakerelay.script import odd_words, plain_script, stream_script
from relayload.fakerelay.streaming import Body, ScriptedAnswer, TokenStream
from relayload.fakerelay.wire import CHUNKED, Wire, phrase_of

EVENT_STREAM = b"content-type: text/event-stream; charset=utf-8\r\ncache-control: no-cache\r\n"
_BREAKING = (Reset, Truncate, ErrorEvent, ErrorBody, WrongLength)


@dataclass(frozen=True, slots=True)
class Request:
    """A complete request, and the wire to answer on."""

    path: str
    headers: dict[bytes, bytes]
    body: bytes
    wire: Wire


class RequestHandler:
    """Serves one request and releases everything that it used."""

    def __init__(self, run: Run, request: Request, format_: Format) -> None:
        self._run = run
        self._request = request
        self._wire = request.wire
        self._format = format_
        self._elapsed_s = request.wire.received_at_s - run.started_at_s
        self._entry = Entry(path=request.path, received_ns=request.wire.received_ns)
        self._outcome = Outcome.OK
        self._admission = Admission()
        self._ticket: Ticket | None = None
        self._service_s = 0.0
        self._answer: tuple[ParsedRequest, Reply, int] | None = None
        """The inputs of a response that is to be stored."""

    async def serve(self, key: str | None) -> None:
        """Answer the request; `key` is None if the client's key is wrong."""
        self._run.log.begin(self._elapsed_s)
        try:
            self._begin(key)
            await self._wire.finished()
        except Refusal as refusal:
            number = self._entry.number
            self._failed(self._run.refuse(self._wire, refusal, self._admission, number), refusal.reason)
        finally:
            self._end()

    def _begin(self, key: str | None) -> None:
        if key is None:
            raise Refusal(Reason.WRONG_KEY, "Incorrect API key provided.")
        parsed = self._format.read(self._request.body, self._request.headers)
        self._note_request(parsed)
        turn = self._format.turn(self._run.behavior, parsed, key, self._elapsed_s)
        self._admission = turn.admission
        self._note_turn(turn, getattr(parsed, "choices", 1))
        if turn.admission.refused_by is not None:
            raise Refusal(Reason.LIMITED, model=parsed.model, standing=turn.admission.refused_by)
        status = next((fault for fault in turn.faults if isinstance(fault, Status)), None)
        if status is not None:
            self._answer_with_status(status)
        else:
            self._take_ticket(parsed, turn)

    def _note_request(self, parsed: Any) -> None:
        entry = self._entry
        entry.model, entry.stream, entry.input_tokens = parsed.model, parsed.stream, parsed.input_tokens
        entry.kind = parsed.kind

    def _note_turn(self, turn: Turn, choices: int) -> None:
        entry, reply = self._entry, turn.reply
        entry.number, entry.ttft_s, entry.tokens_per_s = reply.number, reply.ttft_s, reply.tokens_per_s
        entry.cached_input_tokens = reply.cached_input_tokens
        entry.output_tokens, entry.reasoning_tokens = reply.output_tokens * choices, reply.reasoning_tokens * choices
        entry.faults = [fault.kind for fault in turn.faults]

    def _answer_with_status(self, fault: Status) -> None:
        answer = self._status_answer(fault)
        headers = answer.headers
        if fault.body == "dialect":  # others come from a proxy, which knows no limits
            headers += self._request_id_line() + self._run.hint_headers(self._admission)
        if fault.retry_after is not None:
            headers += b"retry-after: %d\r\n" % ceil(fault.retry_after)
        self._failed(fault.status)

        def send(_now_s: float) -> None:
            if self._wire.open:
                respond(self._wire, fault.status, answer.body, headers)

        self._run.ticker.at(self._wire.received_at_s + fault.delay, send)

    def _status_answer(self, fault: Status) -> ErrorAnswer:
        phrase = phrase_of(fault.status)
        if fault.body == "html":
            return ErrorAnswer(fault.status, HTML, html_page(fault.status, phrase, "nginx"))
        if fault.body == "text":
            return ErrorAnswer(fault.status, TEXT, phrase.encode())
        if fault.body == "empty":
            return ErrorAnswer(fault.status, b"", b"")
        return self._error_answer(fault.status)

    def _error_answer(self, status: int) -> ErrorAnswer:
        occurrence = Occurrence(request_id(self._entry.number or 0), clock.wall_ns() / 1e9)
        return self._run.dialect.error_answer(Refusal(Reason.FAILED, status=status), occurrence)

    def _take_ticket(self, parsed: Any, turn: Turn) -> None:
        if any(isinstance(fault, _BREAKING) for fault in turn.faults):
            self._outcome = Outcome.BROKEN

        def start(elapsed_s: float) -> None:
            self._entry.queued_s = elapsed_s - self._elapsed_s
            self._schedule(parsed, turn, self._run.started_at_s + elapsed_s)

        try:
            self._ticket = self._run.behavior.slots.enter(self._elapsed_s, start)
        except QueueFull:
            raise Refusal(Reason.OVERLOADED) from None

    def _schedule(self, parsed: Any, turn: Turn, at_s: float) -> None:
        """Schedule the answer, starting at the instant at which the request gets its slot."""
        reply = turn.reply
        self._service_s = reply.service_s
        if isinstance(parsed, ParsedRequest) and parsed.kept:
            self._answer = parsed, reply, _created()
        if any(isinstance(fault, ErrorBody) for fault in turn.faults):
            self._service_s = reply.ttft_s
            data = response_bytes(self._wire, 200, self._error_answer(500).body, self._headers(JSON))
            self._run.ticker.at(at_s + reply.ttft_s, Body(self._wire, self._entry, data))
        elif any(fault.changes_bytes for fault in turn.faults):
            self._schedule_script(parsed, turn, at_s)
        elif parsed.stream:
            head = self._wire.head(200, self._headers(EVENT_STREAM) + CHUNKED)
            events = self._format.events(parsed, reply, _created())
            stream = TokenStream(self._wire, self._entry, reply, events, head, at_s)
            self._run.ticker.at(stream.due_at_s, stream, urgent=True)
        else:
            body = encode(self._format.body(parsed, reply, _created(), reply.words()))
            data = response_bytes(self._wire, 200, body, self._headers(JSON))
            self._run.ticker.at(at_s + reply.service_s, Body(self._wire, self._entry, data), urgent=True)

    def _schedule_script(self, parsed: Any, turn: Turn, at_s: float) -> None:
        reply, faults = turn.reply, turn.faults
        if parsed.stream:
            events = self._format.events(parsed, reply, _created())
            error_event = self._format.error_event(self._run.dialect.error_event)
            script = stream_script(reply, events, error_event, faults)
        else:
            script = plain_script(reply, self._faulty_body(parsed, turn), faults)
        length = CHUNKED if script.length is None else b"content-length: %d\r\n" % script.length
        head = self._wire.head(200, self._headers(EVENT_STREAM if parsed.stream else JSON) + length)
        answer = ScriptedAnswer(self._wire, self._entry, script, head, at_s)
        self._service_s = script.ends_at_s
        self._run.ticker.at(answer.due_at_s, answer, urgent=True)

    def _faulty_body(self, parsed: Any, turn: Turn) -> bytes:
        reply = turn.reply
        text = reply.words()
        for token, word in odd_words(reply, turn.faults).items():
            text[token] = word
        body = self._format.body(parsed, reply, _created(), text)
        if any(isinstance(fault, MissingUsage) for fault in turn.faults):
            del body["usage"]
        return encode(body)

    def _headers(self, content_type: bytes) -> bytes:
        return b"".join((content_type, self._request_id_line(), self._run.hint_headers(self._admission)))

    def _request_id_line(self) -> bytes:
        return self._run.request_id_line(request_id(self._entry.number or 0))

    def _failed(self, status: int, reason: Reason = Reason.FAILED) -> None:
        self._entry.status = status
        if reason is Reason.LIMITED or status == 429:
            self._outcome = Outcome.RATE_LIMITED
        else:
            self._outcome = Outcome.SERVER_ERROR if status >= 500 else Outcome.REJECTED

    def _end(self) -> None:
        self._admission.end()
        complete = self._wire.complete
        if self._answer is not None and complete and self._outcome is Outcome.OK:
            self._run.kept.keep(*self._answer)
        if self._ticket is not None:
            self._run.behavior.slots.leave(self._ticket, self._left_at_s(self._ticket, complete))
        if self._entry.status is None and self._entry.first_byte_ns is not None:
            self._entry.status = 200
        self._run.end(self._entry, self._outcome if complete else Outcome.ABANDONED)

    def _left_at_s(self, ticket: Ticket, complete: bool) -> float:
        """Return when the slot became free: as scheduled, unless the client went away earlier."""
        if complete and ticket.started_at_s is not None:
            return ticket.started_at_s + self._service_s
        return clock.now_s() - self._run.started_at_s


def _created() -> int:
    return clock.wall_ns() // 10**9
