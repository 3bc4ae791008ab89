"""What happened in a stream: bytes with their instants of arrival in, times to tokens, gaps and the ending out."""

from collections.abc import Callable
from enum import StrEnum

from relayload.core.wire.chat import (
    DONE,
    Chunk,
    Delta,
    MalformedAnswer,
    Usage,
    fault_of_body,
    fault_of_error,
    read_chunk,
    visible_text,
)
from relayload.core.wire.request import RelayFault
from relayload.core.wire.sse import SseParser
from relayload.core.wire.token_pattern import TokenPattern, pattern_of

_PATTERNS_TO_TRY = 8
_BUFFERED_WITHIN_S = 0.005
_BUFFERED_CHUNKS = 10


class StreamFlaw(StrEnum):
    """Why a stream is not a whole answer."""

    ERROR_EVENT = "error_event"
    MALFORMED_EVENT = "malformed_event"
    NO_FINISH = "no_finish"


class ChatStream:
    """One streamed answer, as it arrives.

    A token is the first non-empty content, thought or tool call; an event with a role alone is none. `bucket` turns
    a gap in seconds into the histogram bucket it is counted in.
    """

    __slots__ = (
        "_bucket",
        "_idle",
        "_keep_text",
        "_pattern",
        "_patterns_tried",
        "_sse",
        "_texts",
        "answer_id",
        "chunks",
        "done_at_s",
        "fault",
        "finish_reason",
        "first_token_at_s",
        "first_visible_at_s",
        "gap_counts",
        "last_token_at_s",
        "malformed",
        "usage",
    )

    def __init__(self, bucket: Callable[[float], int], *, keep_text: bool = False) -> None:
        self._sse = SseParser()
        self._bucket = bucket
        self._keep_text = keep_text
        self._idle = False
        """The bytes that come next begin an event."""
        self._pattern: TokenPattern | None = None
        self._patterns_tried = 0
        """Since one was of use: some relays put something new into every event."""
        self._texts: list[str] = []
        self.answer_id: str | None = None
        self.chunks = 0
        self.first_token_at_s: float | None = None
        self.first_visible_at_s: float | None = None
        self.last_token_at_s: float | None = None
        self.gap_counts: dict[int, int] = {}
        """Bucket -> gaps between content events in it."""
        self.usage: Usage | None = None
        """The last one sent: some relays send a growing one with every event."""
        self.finish_reason: str | None = None
        self.done_at_s: float | None = None
        """When `[DONE]` came."""
        self.fault: RelayFault | None = None
        self.malformed = False

    def feed(self, data: bytes, at_s: float) -> None:
        """Take bytes of the stream that arrived at this instant."""
        pattern = self._pattern
        if pattern is not None and self._idle and pattern.matches(data):
            self._take_match(pattern, data, at_s)
        else:
            self._parse(data, at_s)

    def _take_match(self, pattern: TokenPattern, data: bytes, at_s: float) -> None:
        self._patterns_tried = 0
        if pattern.visible:
            if self.first_visible_at_s is None:
                self.first_visible_at_s = at_s
            if self._keep_text:
                self._texts.append(pattern.text(data))
        self._count_token(at_s)

    def _parse(self, data: bytes, at_s: float) -> None:
        was_idle, chunks = self._idle, self.chunks
        for event_data, name in self._sse.feed(data):
            self._take_event(event_data, name, at_s)
        self._idle = self._sse.idle
        if was_idle and self._idle and self.chunks == chunks + 1 and self._patterns_tried < _PATTERNS_TO_TRY:
            self._pattern = pattern_of(data)
            self._patterns_tried += 1

    def end(self, at_s: float) -> None:
        """The stream has come to its end in order, at this instant."""
        for event_data, name in self._sse.end():
            self._take_event(event_data, name, at_s)

    @property
    def finished(self) -> bool:
        """Whether the relay said that this is the whole answer."""
        return self.done_at_s is not None or self.finish_reason is not None

    @property
    def flaw(self) -> StreamFlaw | None:
        """Why this is no whole answer; None where it is."""
        if self.fault is not None:
            return StreamFlaw.ERROR_EVENT
        if self.malformed:
            return StreamFlaw.MALFORMED_EVENT
        return None if self.finished else StreamFlaw.NO_FINISH

    @property
    def text(self) -> str:
        """The visible content, where it was to be kept."""
        return "".join(self._texts)

    def buffered(self, ended_at_s: float) -> bool:
        """Whether all content came at the end at once, though it was many events: something held it back."""
        first_at_s = self.first_token_at_s
        return (
            self.chunks > _BUFFERED_CHUNKS and first_at_s is not None and ended_at_s - first_at_s <= _BUFFERED_WITHIN_S
        )

    def _take_event(self, data: bytes, name: bytes, at_s: float) -> None:
        if data == DONE:
            self.done_at_s = at_s
        elif name == b"error":
            self.fault = self.fault or fault_of_body(data)
        elif data:
            try:
                self.take(read_chunk(data), at_s)
            except MalformedAnswer:
                self.malformed = True

    def take(self, chunk: Chunk, at_s: float) -> None:
        """Take an event that was read already."""
        if chunk.error:
            self.fault = self.fault or fault_of_error(chunk.error)
        if chunk.usage is not None:
            self.usage = chunk.usage
        if self.answer_id is None and isinstance(chunk.id, str):
            self.answer_id = chunk.id
        has_token = False
        for choice in chunk.choices or ():
            if choice.finish_reason is not None:
                self.finish_reason = choice.finish_reason
            if choice.delta is not None:
                has_token |= self._take_delta(choice.delta, at_s)
        if has_token:
            self._count_token(at_s)

    def _take_delta(self, delta: Delta, at_s: float) -> bool:
        """Whether there is a token in it."""
        if delta.content or delta.refusal:
            if self.first_visible_at_s is None:
                self.first_visible_at_s = at_s
            if self._keep_text:
                self._texts.append(visible_text(delta))
            return True
        return bool(delta.reasoning_content or delta.reasoning or delta.tool_calls or delta.function_call)

    def _count_token(self, at_s: float) -> None:
        if self.last_token_at_s is None:
            self.first_token_at_s = at_s
        else:
            gap = self._bucket(at_s - self.last_token_at_s)
            self.gap_counts[gap] = self.gap_counts.get(gap, 0) + 1
        self.last_token_at_s = at_s
        self.chunks += 1
