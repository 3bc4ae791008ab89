"""Faulty answers as scripts: what to write when, and how to end.

Pure: a script is made from a reply, its events and its faults, without sockets. Answers without faults do not use
scripts; they are written directly from their events, which is faster.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from enum import Enum
from functools import partial
from itertools import groupby

from relayload.fakerelay.behavior import Reply
from relayload.fakerelay.events import Events
from relayload.fakerelay.fault import Fault
from relayload.fakerelay.faults import (
    Buffered,
    Coalesce,
    Crlf,
    DuplicateChunk,
    ErrorEvent,
    Fragment,
    HugeChunk,
    InStream,
    MalformedJson,
    MissingUsage,
    Reset,
    SplitUtf8,
    Stall,
    Truncate,
    WrongLength,
)

ODD_WORD = " café"
"""Contains a two-byte character, which `split_utf8` splits."""
_TYPICAL_NS = 10**18
"""A placeholder for the instant of the first token when only its length matters: all have 19 digits."""


class Ending(Enum):
    """How an answer ends after the last write."""

    COMPLETE = "complete"
    CLOSE = "close"
    RESET = "reset"


@dataclass(frozen=True, slots=True)
class Frame:
    """One event, or one part of a body. Only the bytes of the first token depend on the wall clock."""

    at_s: float
    token: int
    """The token it contains; -1 before all tokens, and the number of tokens after all."""
    render: Callable[[int], bytes]


@dataclass(frozen=True, slots=True)
class Cut:
    """How the bytes of one write are split into packets."""

    pieces: Callable[[bytes], list[bytes]]
    pause_s: float


@dataclass(frozen=True, slots=True)
class Write:
    """What is sent at one instant, counted from the start of the request's turn."""

    at_s: float
    frames: tuple[Frame, ...]
    cut: Cut | None = None

    def render(self, wall_ns: int, framed: Callable[[bytes], bytes]) -> bytes:
        return b"".join(framed(frame.render(wall_ns)) for frame in self.frames)


@dataclass(frozen=True, slots=True)
class Script:
    """A whole answer. It is sent chunked unless a length is declared."""

    writes: tuple[Write, ...]
    ends_at_s: float
    ending: Ending = Ending.COMPLETE
    length: int | None = None


def odd_words(reply: Reply, faults: Iterable[Fault]) -> dict[int, str]:
    """Return the special words that faults need, by token."""
    words = {}
    for fault in faults:
        if isinstance(fault, HugeChunk):
            words[_target_token(reply, fault)] = "x" * fault.size
        elif isinstance(fault, SplitUtf8):
            words[_target_token(reply, fault)] = ODD_WORD
    return words


def stream_script(reply: Reply, events: Events, error_event: bytes, faults: tuple[Fault, ...]) -> Script:
    """Return the script of a streamed answer with its faults applied."""
    frames = _stream_frames(reply, events, faults)
    ending = Ending.COMPLETE
    for fault in faults:
        match fault:
            case MalformedJson():
                frames = _malform(frames, _target_token(reply, fault))
            case DuplicateChunk():
                frames = _repeat(frames, _target_token(reply, fault))
            case Stall():
                frames = _stall(frames, _first_after(reply, fault), fault)
            case Truncate():
                frames = _before(frames, _first_after(reply, fault))
            case Reset(at="before"):
                frames, ending = [], Ending.RESET
            case Reset():
                frames = _before(frames, _first_after(reply, fault))
                ending = Ending.RESET
            case ErrorEvent():
                frames = _fail(frames, _first_after(reply, fault), error_event)
    if any(isinstance(fault, Crlf) for fault in faults):
        frames = [replace(frame, render=partial(_with_crlf, frame.render)) for frame in frames]
    return _with_length(_packed(frames, reply, faults), ending, reply, faults)


def plain_script(reply: Reply, body: bytes, faults: tuple[Fault, ...]) -> Script:
    """Return the script of an answer that is not streamed, with its faults applied."""
    if any(isinstance(fault, MalformedJson) for fault in faults):
        body = body[: len(body) // 2]
    at_s, half = reply.service_s, len(body) // 2
    ending, declared = Ending.COMPLETE, len(body)
    parts = [(at_s, body)]
    for fault in sorted(faults, key=_finality):
        match fault:
            case Stall():
                parts = [(at_s, body[:half]), (at_s + fault.for_s, body[half:])]
            case Truncate():
                parts, ending = [(at_s, body[:half])], Ending.CLOSE
            case Reset(at="before"):
                parts, ending, at_s = [], Ending.RESET, reply.ttft_s
            case Reset():
                parts, ending = [(at_s, body[:half])], Ending.RESET
            case WrongLength():
                declared, ending = max(0, declared + fault.by), Ending.CLOSE
    cut = _cut(faults)
    frames = [Frame(part_at_s, 0, partial(_constant, part)) for part_at_s, part in parts]
    writes = tuple(Write(frame.at_s, (frame,), cut) for frame in frames)
    return Script(writes, writes[-1].at_s if writes else at_s, ending, declared)


def _finality(fault: Fault) -> int:
    """Return the order in which faults of an answer that is not streamed apply: those that end it come last."""
    return 0 if isinstance(fault, Stall) else 3 if isinstance(fault, Reset) else 2 if isinstance(fault, Truncate) else 1


def _first_after(reply: Reply, fault: InStream) -> int:
    """Return the first token after a fault's position in the stream."""
    return reply.first_shown + fault.position(reply.output_tokens - reply.first_shown)


def _target_token(reply: Reply, fault: InStream) -> int:
    """Return the token at a fault's position, or the last one if the position is past the end."""
    return min(_first_after(reply, fault), reply.output_tokens - 1)


def _stream_frames(reply: Reply, events: Events, faults: tuple[Fault, ...]) -> list[Frame]:
    with_usage = not any(isinstance(fault, MissingUsage) for fault in faults)
    odd = odd_words(reply, faults)
    first, end = reply.first_shown, reply.output_tokens
    frames = [Frame(reply.due_s(first), -1, partial(_constant, event)) for event in events.opening()]
    frames.append(Frame(reply.due_s(first), first, partial(_first, events, first, odd.get(first))))
    for token in range(first + 1, end):
        event = events.token(token, odd.get(token))
        frames.append(Frame(reply.due_s(token), token, partial(_constant, event)))
    closing = events.closing(with_usage=with_usage)
    return frames + [Frame(reply.service_s, end, partial(_constant, event)) for event in closing]


def _constant(data: bytes, _wall_ns: int) -> bytes:
    return data


def _first(events: Events, token: int, word: str | None, wall_ns: int) -> bytes:
    return events.first(token, wall_ns, word)


def _with_crlf(render: Callable[[int], bytes], wall_ns: int) -> bytes:
    return render(wall_ns).replace(b"\n", b"\r\n")


def _halved(render: Callable[[int], bytes], wall_ns: int) -> bytes:
    event = render(wall_ns)
    return event[: len(event) // 2] + b"\n\n"


def _malform(frames: list[Frame], token: int) -> list[Frame]:
    return [replace(f, render=partial(_halved, f.render)) if f.token == token else f for f in frames]


def _repeat(frames: list[Frame], token: int) -> list[Frame]:
    return [copy for frame in frames for copy in [frame] * (1 + (frame.token == token))]


def _before(frames: list[Frame], token: int) -> list[Frame]:
    return [frame for frame in frames if frame.token < token]


def _fail(frames: list[Frame], token: int, error_event: bytes) -> list[Frame]:
    """Replace the rest of the stream by the error; no error if the stream was cut earlier."""
    at_s = next((frame.at_s for frame in frames if frame.token >= token), None)
    error = [] if at_s is None else [Frame(at_s, token, partial(_constant, error_event))]
    return [*_before(frames, token), *error]


def _stall(frames: list[Frame], token: int, stall: Stall) -> list[Frame]:
    """Insert a pause with its comments, and delay the rest; no pause if the stream was cut earlier."""
    before = _before(frames, token) if frames and token > frames[0].token + 1 else []
    after = frames[len(before) :]
    if not after:
        return frames
    due_s = after[0].at_s
    comment = f": {stall.comment}\n\n".encode()
    count = int(stall.for_s / stall.keep_alive + 1e-9) if stall.keep_alive else 0
    comments = [
        Frame(due_s + (i + 1) * (stall.keep_alive or 0.0), token, partial(_constant, comment)) for i in range(count)
    ]
    return [*before, *comments, *(replace(frame, at_s=frame.at_s + stall.for_s) for frame in after)]


def _packed(frames: list[Frame], reply: Reply, faults: tuple[Fault, ...]) -> list[Write]:
    """Combine frames that are due at the same instant into one write."""
    if any(isinstance(fault, Buffered) for fault in faults) and frames:
        frames = [replace(frame, at_s=frames[-1].at_s) for frame in frames]
    for fault in faults:
        if isinstance(fault, Coalesce):
            frames = _coalesced(frames, fault.events)
    fragment = next((_cut((fault,)) for fault in faults if isinstance(fault, Fragment)), None)
    split = next((fault for fault in faults if isinstance(fault, SplitUtf8)), None)
    split_token = _target_token(reply, split) if split else None
    writes = []
    for at_s, group in groupby(frames, key=lambda frame: frame.at_s):
        due = tuple(group)
        struck = split is not None and any(frame.token == split_token for frame in due)
        writes.append(Write(at_s, due, _cut((split,)) if split and struck else fragment))
    return writes


def _coalesced(frames: list[Frame], count: int) -> list[Frame]:
    groups = [frames[start : start + count] for start in range(0, len(frames), count)]
    return [replace(frame, at_s=group[-1].at_s) for group in groups for frame in group]


def _cut(faults: Iterable[Fault]) -> Cut | None:
    for fault in faults:
        if isinstance(fault, Fragment):
            return Cut(partial(_fragments, fault.bytes), fault.pause)
        if isinstance(fault, SplitUtf8):
            return Cut(_split_inside_character, fault.pause)
    return None


def _fragments(size: int, data: bytes) -> list[bytes]:
    return [data[start : start + size] for start in range(0, len(data), size)]


def _split_inside_character(data: bytes) -> list[bytes]:
    position = data.find(ODD_WORD[-1].encode()) + 1
    return [data[:position], data[position:]] if position else [data]


def _with_length(writes: list[Write], ending: Ending, reply: Reply, faults: tuple[Fault, ...]) -> Script:
    ends_at_s = writes[-1].at_s if writes else reply.ttft_s
    wrong = next((fault for fault in faults if isinstance(fault, WrongLength)), None)
    if wrong is None:
        return Script(tuple(writes), ends_at_s, ending)
    size = sum(len(write.render(_TYPICAL_NS, bytes)) for write in writes)
    declared = max(0, size + wrong.by)
    return Script(tuple(writes), ends_at_s, Ending.CLOSE if ending is Ending.COMPLETE else ending, declared)
