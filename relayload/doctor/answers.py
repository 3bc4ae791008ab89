"""What an answer reveals about a relay: one function for each kind of answer, which adds to the findings."""

import re

from relayload.core.units import format_duration
from relayload.core.wire.answers import MalformedAnswer
from relayload.core.wire.faults import fault_of_body, fault_of_text
from relayload.core.wire.formats import FORMATS
from relayload.core.wire.opening import is_event_stream
from relayload.core.wire.request import Endpoint
from relayload.core.wire.response_limits import TooLarge
from relayload.core.wire.stream import StreamFlaw, TokenStream
from relayload.doctor.findings import Findings
from relayload.doctor.questions import Question
from relayload.doctor.refusals import Known, Refusal, look_at_refusal
from relayload.transport.probe_client import BASE_URL, Reply

_LAST_EVENTS = {Endpoint.CHAT: "[DONE]", Endpoint.MESSAGES: "message_stop"}
_EVENT_STREAM = "text/event-stream"
_STREAMS_ALONE = re.compile(
    rb"only supports? (?:the )?stream|stream(?:ing)? (?:mode )?(?:must be|is required|only)|enable the stream|"
    rb"set .{0,2}stream.{0,2} to .{0,2}true",
    re.IGNORECASE,
)


def look_at_answer(
    question: Question, reply: Reply, findings: Findings, known: Known, *, either_way: bool = False
) -> None:
    """Examine an answer in one piece; `either_way` says that the stream failed as well."""
    what = question.what(stream=False)
    if reply.late:
        findings.fault("answer", f"{what}: {_late(reply)}", findings.at(BASE_URL))
        return
    if reply.status != 200:
        look_at_refusal(Refusal(question, False, reply, known, findings, either_way=either_way))
        return
    request = question.request(stream=False)
    try:
        answer = FORMATS[question.endpoint].read_answer(reply.body, request)
    except MalformedAnswer:
        words = fault_of_text(reply.body)
        detail = f": {findings.quoted(words.message)}" if words and words.message else ""
        findings.fault(
            "answer", f"{what} is answered with something that is no such answer{detail}", findings.at(BASE_URL)
        )
        return
    if answer.flaw is not None:
        detail = f": {findings.quoted(answer.fault.message)}" if answer.fault else ""
        findings.fault("answer", f"{what} is answered 200 with an error inside{detail}", findings.at(BASE_URL))
        return
    findings.ok("answer", f"{what} is answered in {format_duration(reply.took_s)}")
    if answer.tokens.input is None and answer.tokens.output is None:
        _without_usage(question, "answers in one piece", findings)


def look_at_stream(question: Question, reply: Reply, findings: Findings, known: Known, *, in_one_piece: bool) -> None:
    """Examine a streamed answer; `in_one_piece` says that the same request was answered without streaming."""
    what = question.what(stream=True)
    if reply.late:
        findings.fault("stream", f"{what}: {_late(reply)}", findings.at(BASE_URL))
        return
    if reply.status != 200:
        look_at_refusal(Refusal(question, True, reply, known, findings, in_one_piece))
        return
    if not is_event_stream([reply.body], reply.header("content-type"), complete=True):
        _look_at_no_stream(question, reply, findings)
        return
    try:
        stream = streamed(question, reply)
    except TooLarge:
        message = f"{what}: an event of the stream is longer, or nested deeper, than any is read"
        findings.fault("stream", message, findings.at(BASE_URL))
        return
    if fault := _flaw(stream, reply, findings):
        findings.fault("stream", f"{what}: {fault}", findings.at(BASE_URL))
        return
    if _unfinished(question, stream):
        message = "the stream ends with [DONE] but tells no finish reason: write target.finish_reason: optional"
        findings.fault("stream", f"{what}: {message}", findings.at("finish_reason"))
        return
    first_s = (stream.first_token_at_s or reply.ended_at_s) - reply.began_at_s
    findings.ok("stream", f"{what} streams {stream.chunks} events, the first in {format_duration(first_s)}")
    for warning in _doubts(question, stream, reply, findings):
        findings.warning("stream", f"{what}: {warning}", findings.at(BASE_URL))
    if stream.tokens.output is None:
        _without_usage(question, "streams", findings)


def _look_at_no_stream(question: Question, reply: Reply, findings: Findings) -> None:
    """Examine an error, or an answer in one piece, that came instead of a stream."""
    try:
        fault = FORMATS[question.endpoint].read_answer(reply.body, question.request(stream=True)).fault
    except MalformedAnswer:
        fault = fault_of_body(reply.body)
    got = findings.quoted(reply.header("content-type")) or "no content type"
    what = f"{question.model} at {question.endpoint.path} was asked for a stream and got {got}"
    if fault is None:
        findings.fault("stream", f"{what}: write stream: false", ("scenarios", question.scenario, "stream"))
    else:
        findings.fault("stream", f"{what} that says: {findings.quoted(fault.message)}", findings.at(BASE_URL))


def streams_alone(question: Question, reply: Reply) -> bool:
    """Return whether a relay refuses an answer in one piece because it only streams (DashScope, for some models)."""
    return question.streams and 400 <= reply.status < 500 and _STREAMS_ALONE.search(reply.body) is not None


def note_only_streams(question: Question, reply: Reply, findings: Findings) -> None:
    """Add a note, since a relay that only streams is no problem for scenarios that stream."""
    findings.note(
        "answer", f"{question.model} at {question.endpoint.path} answers in streams alone{findings.in_brackets(reply)}"
    )


def streamed(question: Question, reply: Reply) -> TokenStream:
    """Parse the reply as a stream. Raises TooLarge."""
    stream = TokenStream(question.endpoint, bucket=lambda _: 0)
    for piece, at_s in reply.pieces:
        stream.feed(piece, at_s)
    if not reply.cut:
        stream.end(reply.ended_at_s)
    return stream


def _unfinished(question: Question, stream: TokenStream) -> bool:
    """Return whether the stream counts as broken only because it has no finish reason."""
    return stream.lacks_finish_reason and question.finish_reason == "required"


def _flaw(stream: TokenStream, reply: Reply, findings: Findings) -> str | None:
    """Return why no number measured on such a stream would be valid; None if the stream is sound."""
    if stream.flaw is StreamFlaw.ERROR_EVENT:
        return f"an error comes inside the stream: {findings.quoted(stream.fault.message) if stream.fault else ''}"
    if stream.flaw is StreamFlaw.MALFORMED_EVENT:
        return "an event of the stream is not JSON"
    if stream.flaw is StreamFlaw.FAILED_FINISH:
        return f"the stream ends for the reason {findings.quoted(stream.finish_reason or '')}: the answer failed"
    if reply.cut or (stream.flaw is StreamFlaw.NO_FINISH and not stream.lacks_finish_reason):
        return "the stream breaks off without [DONE] and without a finish reason: something on the way cuts it"
    return None if stream.chunks or stream.finish_reason == "length" else "the stream ends without a single token"


def _doubts(question: Question, stream: TokenStream, reply: Reply, findings: Findings) -> list[str]:
    doubts = []
    label = reply.header("content-type")
    if not label.startswith(_EVENT_STREAM):
        doubts.append(
            f"the stream calls itself {findings.quoted(label) or 'nothing'}: clients that go by that don't read it"
        )
    if stream.buffered(reply.began_at_s, reply.ended_at_s):
        encoding = reply.header("content-encoding")
        why = (
            f"compresses them ({encoding}: ask for identity)"
            if encoding
            else "collects them (nginx: proxy_buffering off)"
        )
        at_once = f"all {stream.chunks} events come at the end at once"
        doubts.append(f"{at_once}: a proxy on the way {why}, and TTFT will be the latency")
    if stream.done_at_s is None:
        last = _LAST_EVENTS.get(question.endpoint, "its last event")
        doubts.append(f"the stream ends without {last}; it has a finish reason, so it counts as whole")
    return doubts


def _without_usage(question: Question, what: str, findings: Findings) -> None:
    prefix = f"{question.model} at {question.endpoint.path}: {what} come without usage"
    message = f"{prefix}, so tokens are counted by events and costs are guesses"
    findings.warning("usage", message, findings.at(BASE_URL))


def _late(reply: Reply) -> str:
    size = len(reply.body)
    return f"the answer has no end: after {format_duration(reply.took_s)} and {size} bytes it is not whole"


def note_plain_failure(question: Question, reply: Reply, findings: Findings) -> None:
    """Add a note on a relay that fails without streaming, which is no problem either where the whole load streams."""
    prefix = f"{question.what(stream=False)} is refused with {reply.status}{findings.in_brackets(reply)}"
    findings.note("answer", f"{prefix}; streamed it is answered, and the load streams")
