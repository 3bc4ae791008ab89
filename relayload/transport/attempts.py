"""Decides the outcome of an attempt and builds its record, in the same way for every driver."""

import math
from dataclasses import replace

from msgspec import Struct

from relayload.core.model.record import EXACT, Attempt, GapErrors, Outcome, Remark, outcome_of_status
from relayload.core.resilience.classify import status_named_by
from relayload.core.wire.answers import NO_TOKENS, AnswerFlaw, MalformedAnswer, Tokens, WholeAnswer
from relayload.core.wire.faults import fault_as_stream, fault_of_body, fault_of_text
from relayload.core.wire.formats import FORMATS
from relayload.core.wire.kept import Kept
from relayload.core.wire.request import Endpoint, RelayFault, WireRequest
from relayload.core.wire.response_limits import (
    DEFAULT_RESPONSE_LIMITS,
    LEVEL_BYTES,
    ResponseLimits,
    TooLarge,
    check_json,
)
from relayload.core.wire.stated_overhead import stated_overhead_s
from relayload.core.wire.stream import FinishReason, StreamFlaw, TokenStream
from relayload.core.wire.structured_output import all_fit, schema_of
from relayload.core.wire.tool_calls import NO_CALLS, CallCounts, ToolCalls, asks_for_calls
from relayload.core.wire.tpot import streamed_tokens
from relayload.transport import Answer
from relayload.transport.failures import OUTCOMES, Failure
from relayload.transport.keeping import kept_of_body, kept_of_stream
from relayload.transport.query import without_key
from relayload.transport.redaction import USUAL_NAMES, Secrets

REQUEST_ID_HEADERS = ("x-request-id", "request-id", "x-litellm-call-id", "x-generation-id")
"""Headers in which relays send their id of the request, best first."""
_BLANK = " \t\xa0,"
"""Stripped from ids. The comma is left over when a header was sent more than once with empty values."""
_MESSAGE_LENGTH = 200


class Phases(Struct, kw_only=True, gc=False):
    """Instants (`_at_s`) and durations of one attempt, in seconds. None means that the phase was not reached."""

    sent_at_s: float | None = None
    all_sent_at_s: float | None = None
    """When the last byte of the request was handed to the kernel, or the first byte of the answer came if earlier."""
    first_byte_at_s: float | None = None
    last_byte_at_s: float | None = None
    blocked_s: float | None = None
    dns_s: float | None = None
    connect_s: float | None = None
    tls_s: float | None = None


class Reading(Struct, kw_only=True, gc=False):
    """What was read of a response: a stream, or the body of any other. `failure` is set if it did not end cleanly."""

    request: WireRequest
    failure: Failure | None = None
    status: int | None = None
    headers: dict[str, str] = {}
    stream: TokenStream | None = None
    body: bytes = b""
    keep_body: bool = False
    """Whether the client wants the body of an answer that is not streamed."""
    sampled: bool = False
    """Whether an ok answer is to be audited."""
    finish_reason: FinishReason = "required"
    """Whether a stream needs a finish reason to count as complete."""
    sent_bytes: int = 0
    received_bytes: int = 0
    limits: ResponseLimits = DEFAULT_RESPONSE_LIMITS


class _Verdict(Struct, kw_only=True, gc=False):
    """The content of the response, without its times."""

    outcome: Outcome
    error: str | None = None
    fault: RelayFault | None = None
    tokens: Tokens = NO_TOKENS
    finish_reason: str | None = None
    answer_id: str | None = None
    text: str = ""
    remarks: tuple[str, ...] = ()
    replaced: int = 0
    calls: CallCounts = NO_CALLS
    other_texts: tuple[str, ...] = ()


def answer(reading: Reading, phases: Phases, secrets: Secrets) -> Answer:
    """Judge what was read and record it, with secrets removed."""
    verdict = _judged(reading)
    body = reading.body if reading.keep_body and verdict.outcome is Outcome.OK else b""
    attempt = _attempt(reading, phases, verdict, secrets)
    if reading.sampled and verdict.outcome is Outcome.OK:
        return Answer(attempt, reading.headers, verdict.fault, verdict.text, body, _kept(reading, secrets))
    return Answer(attempt, reading.headers, verdict.fault, verdict.text, body)


def _kept(reading: Reading, secrets: Secrets) -> Kept | None:
    if reading.stream is not None:
        return kept_of_stream(reading.stream, secrets)
    return kept_of_body(reading.body)


def _attempt(reading: Reading, phases: Phases, verdict: _Verdict, secrets: Secrets) -> Attempt:
    """Build the record with positional arguments: passing 41 names takes eight times as long as everything else."""
    sent_at_s, stream, tokens = phases.sent_at_s, reading.stream, verdict.tokens
    counted = not tokens.output and stream is not None and stream.chunks > 0
    ended_at_s, reason = phases.last_byte_at_s, verdict.finish_reason
    send_s, waiting_s, receive_s = _steps(phases)
    fits, invalid = _fits_schema(reading.request, verdict), verdict.calls.all - verdict.calls.valid
    return Attempt(
        verdict.outcome,
        verdict.error,
        _relay_message(verdict.fault, secrets),
        None,  # the failure kind, which the client decides
        reading.status,
        sent_at_s,
        _since(sent_at_s, ended_at_s),
        _since(sent_at_s, stream.first_token_at_s) if stream else None,
        _since(sent_at_s, stream.first_visible_at_s) if stream else None,
        _error(stream.first_token_error_s) if stream else EXACT,
        _error(stream.first_visible_error_s) if stream else EXACT,
        _since(sent_at_s, stream.last_token_at_s) if stream else None,
        _error(stream.last_token_error_s) if stream else EXACT,
        stream.chunks if stream else 0,
        _flat(stream.gap_counts) if stream else (),
        _gap_errors(stream.gap_errors) if stream else None,
        tokens.input,
        tokens.cached_input,
        stream.chunks if counted and stream else tokens.output,
        tokens.reasoning,
        _streamed(stream, tokens) if stream else None,
        counted,
        verdict.remarks if fits is not False and not invalid else _with_content(verdict.remarks, invalid, fits),
        verdict.replaced,
        stream is not None and _buffered(stream, sent_at_s, ended_at_s),
        reason if reason in USUAL_NAMES else secrets.quoted_name(reason),
        secrets.quoted_name(_request_id(reading.headers) or verdict.answer_id),
        stated_overhead_s(reading.headers),
        stream.visible_bytes if stream else 0,
        reading.sent_bytes,
        reading.received_bytes,
        phases.blocked_s,
        phases.dns_s,
        phases.connect_s,
        phases.tls_s,
        send_s,
        waiting_s,
        receive_s,
        *verdict.calls,
        fits,
    )


def _with_content(remarks: tuple[str, ...], invalid_calls: int, fits: bool | None) -> tuple[str, ...]:
    """Return the remarks with those on the content."""
    found = {Remark.INVALID_CALL: invalid_calls > 0, Remark.UNFIT: fits is False}
    return (*remarks, *(remark.value for remark, true in found.items() if true))


def _fits_schema(request: WireRequest, verdict: _Verdict) -> bool | None:
    """Return whether an ok answer fits the schema that was asked for. An answer of calls alone has nothing to fit."""
    schema = schema_of(request.endpoint, request.body)
    if schema is None or verdict.outcome is not Outcome.OK or (verdict.calls.all and not verdict.text):
        return None
    return all_fit((verdict.text, *verdict.other_texts), schema)


def _call_counts(request: WireRequest, calls: ToolCalls | None) -> CallCounts:
    if calls is None or not asks_for_calls(request.body):
        return NO_CALLS
    return calls.counts(empty_is_valid=request.endpoint is Endpoint.MESSAGES)


def _buffered(stream: TokenStream, sent_at_s: float | None, ended_at_s: float | None) -> bool:
    return sent_at_s is not None and ended_at_s is not None and stream.buffered(sent_at_s, ended_at_s)


def _relay_message(fault: RelayFault | None, secrets: Secrets) -> str | None:
    if fault is None or not fault.message:
        return None
    return secrets.quoted(fault.message)[:_MESSAGE_LENGTH] or None


def _since(from_s: float | None, to_s: float | None) -> float | None:
    return None if from_s is None or to_s is None else to_s - from_s


def _steps(phases: Phases) -> tuple[float | None, float | None, float | None]:
    """Return the seconds to send, to the first byte of the answer, and from there to its last byte."""
    sent_at_s, all_sent_at_s = phases.sent_at_s, phases.all_sent_at_s
    first_at_s, last_at_s = phases.first_byte_at_s, phases.last_byte_at_s
    if sent_at_s is None or all_sent_at_s is None or first_at_s is None or last_at_s is None:
        return _since(sent_at_s, all_sent_at_s), _since(all_sent_at_s, first_at_s), _since(first_at_s, last_at_s)
    return all_sent_at_s - sent_at_s, first_at_s - all_sent_at_s, last_at_s - first_at_s


def _streamed(stream: TokenStream, tokens: Tokens) -> int | None:
    """Return the tokens that came in a stream: the number of chunks, if the relay reported no usage."""
    if not stream.chunks or not tokens.output:
        return stream.chunks or None
    return streamed_tokens(
        tokens.output, tokens.reasoning, thought_bytes=stream.thought_bytes, summarised=stream.summarised
    )


def _error(error_s: float) -> float:
    """Return an error of an instant, rounded up to a microsecond to be written in few characters."""
    return math.ceil(error_s * 1e6) / 1e6 if error_s else EXACT


def _gap_errors(errors: tuple[float, int, int] | None) -> GapErrors | None:
    return None if errors is None else GapErrors(_error(errors[0]), *errors[1:])


def _flat(counts: dict[int, int]) -> tuple[int, ...]:
    return tuple(number for pair in sorted(counts.items()) for number in pair)


def _request_id(headers: dict[str, str]) -> str | None:
    for name in REQUEST_ID_HEADERS:
        value = headers.get(name)
        if value and (request_id := value.strip(_BLANK)):
            return request_id
    return None


def _judged(reading: Reading) -> _Verdict:
    if reading.failure is not None:
        return _of_stream(reading.stream, _outcome_of_failure(reading.failure, reading.status), reading.failure)
    status = reading.status or 0
    if len(reading.body) > reading.limits.nesting * LEVEL_BYTES and _too_large(reading):
        return _Verdict(outcome=_outcome_of_failure(Failure.TOO_LARGE, status), error=Failure.TOO_LARGE.value)
    if not 200 <= status < 300:
        return _Verdict(outcome=outcome_of_status(status), error=f"http_{status}", fault=_fault(reading, status))
    if reading.stream is not None:
        return _judged_stream(reading.stream, reading.finish_reason, reading.request)
    return _judged_body(reading)


def _fault(reading: Reading, status: int) -> RelayFault:
    """Return the relay's own error. For a redirect, which is not followed, add where it leads."""
    fault = fault_of_body(reading.body)
    location = reading.headers.get("location") if 300 <= status < 400 else None
    if not location:
        return fault
    leads = f"redirects to {without_key(location)}"
    return replace(fault, message=f"{fault.message}: {leads}" if fault.message else leads)


def _too_large(reading: Reading) -> bool:
    try:
        check_json(reading.body, reading.limits, numbers=reading.request.endpoint is Endpoint.EMBEDDINGS)
    except TooLarge:
        return True
    return False


def _outcome_of_failure(failure: Failure, status: int | None) -> Outcome:
    """Judge by the status if it is an error, even if the body is unreadable or too large."""
    if failure in (Failure.TOO_LARGE, Failure.ENCODING) and status is not None and not 200 <= status < 300:
        return outcome_of_status(status)
    return OUTCOMES[failure]


def _judged_stream(stream: TokenStream, finish_reason: FinishReason, request: WireRequest) -> _Verdict:
    flaw = stream.flaw_where(finish_reason)
    if flaw is None:
        verdict = _of_stream(stream, Outcome.OK, None)
        verdict.calls, verdict.other_texts = _call_counts(request, stream.calls), stream.other_texts
        return verdict
    if flaw is StreamFlaw.ERROR_EVENT:
        return _of_stream(stream, _outcome_of_fault(stream.fault, flaw), flaw)
    return _of_stream(stream, OUTCOMES[flaw], flaw)


def _of_stream(stream: TokenStream | None, outcome: Outcome, error: Failure | StreamFlaw | None) -> _Verdict:
    """Keep what a stream held, even if it broke off."""
    name = None if error is None else error.value
    if stream is None:
        return _Verdict(outcome=outcome, error=name)
    return _Verdict(
        outcome=outcome,
        error=name,
        fault=stream.fault or stream.text_fault,
        tokens=stream.tokens,
        finish_reason=stream.finish_reason,
        answer_id=stream.answer_id,
        text=stream.text,
        remarks=_remarks(
            no_finish_reason=error in (None, StreamFlaw.NO_FINISH) and stream.lacks_finish_reason,
            zero_usage=error is None and stream.chunks > 0 and stream.tokens.output == 0,
            replaced=stream.replaced > 0,
        ),
        replaced=stream.replaced,
    )


def _remarks(*, no_finish_reason: bool = False, zero_usage: bool, replaced: bool) -> tuple[str, ...]:
    if not (no_finish_reason or zero_usage or replaced):
        return ()
    found = {Remark.NO_FINISH_REASON: no_finish_reason, Remark.ZERO_USAGE: zero_usage, Remark.REPLACED: replaced}
    return tuple(remark.value for remark, true in found.items() if true)


def _judged_body(reading: Reading) -> _Verdict:
    try:
        whole = FORMATS[reading.request.endpoint].read_answer(reading.body, reading.request)
    except MalformedAnswer:
        fault = fault_as_stream(reading.body)
        whole = WholeAnswer(
            flaw=AnswerFlaw.ERROR_BODY if fault else AnswerFlaw.MALFORMED_BODY,
            fault=fault or fault_of_text(reading.body),
        )
    wants_stream = reading.request.stream
    flaw = whole.flaw or (AnswerFlaw.NOT_A_STREAM if wants_stream else None)
    if flaw is None and not (whole.zero_usage or whole.replaced):
        return _Verdict(
            outcome=Outcome.OK,
            tokens=whole.tokens,
            finish_reason=whole.finish_reason,
            answer_id=whole.answer_id,
            text=whole.text,
            calls=_call_counts(reading.request, _whole_calls(whole)),
            other_texts=whole.other_texts,
        )
    return _Verdict(
        outcome=Outcome.OK if flaw is None else _outcome_of_fault(whole.fault, flaw),
        error=None if flaw is None else flaw.value,
        fault=whole.fault,
        tokens=whole.tokens,
        finish_reason=whole.finish_reason,
        answer_id=whole.answer_id,
        text="" if wants_stream else whole.text,
        remarks=_remarks(zero_usage=whole.zero_usage and flaw is None, replaced=whole.replaced > 0),
        replaced=whole.replaced,
        calls=NO_CALLS if flaw else _call_counts(reading.request, _whole_calls(whole)),
        other_texts=whole.other_texts,
    )


def _whole_calls(whole: WholeAnswer) -> ToolCalls | None:
    if not whole.calls:
        return None
    calls = ToolCalls()
    calls.add(whole.calls)
    return calls


def _outcome_of_fault(fault: RelayFault | None, flaw: AnswerFlaw | StreamFlaw) -> Outcome:
    """Judge an error inside a 200 by the status that it names, such as `"code": "429"`, if it names one."""
    status = status_named_by(fault.code if fault else None)
    return OUTCOMES[flaw] if status is None else outcome_of_status(status)
