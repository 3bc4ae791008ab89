"""Measures a stream: takes bytes with their arrival times, and gives token times, gaps and how the stream ended.

All bytes of one read have one instant, that at which the last of them arrived. So a token that was read together with
what follows it may have arrived earlier, and the reader is asked how much earlier (`undated`, `date`).
"""

from collections import defaultdict
from collections.abc import Callable
from enum import StrEnum
from typing import Literal

from relayload.core.wire.answers import NO_TOKENS, Event, MalformedAnswer, Tokens
from relayload.core.wire.faults import fault_of_text
from relayload.core.wire.finish import failed_finish
from relayload.core.wire.formats import FORMATS
from relayload.core.wire.kept import KeptText
from relayload.core.wire.request import Endpoint, RelayFault
from relayload.core.wire.response_limits import (
    DEFAULT_RESPONSE_LIMITS,
    LEVEL_BYTES,
    ResponseLimits,
    TooLarge,
    check_json,
)
from relayload.core.wire.sse import SseParser
from relayload.core.wire.token_pattern import TokenPattern
from relayload.core.wire.tool_calls import ToolCalls
from relayload.core.wire.usage import merged
from relayload.core.wire.whole_text import WholeText

_PATTERNS_TO_TRY = 8
_PATTERN_BYTES = 4096
"""Longer events contain more than a token."""
_ONE_LINE_BYTES = len(b"data: \n\n")
"""What an event of one line has beside its data."""
_CHOICE_BYTES = 200
"""About what a choice takes beside its text."""
_BUFFERED_WITHIN_S = 0.005
_BUFFERED_CHUNKS = 10
_MIN_ANSWER_S = 0.02
"""A shorter answer, such as a mock's, is fast, not buffered."""


FinishReason = Literal["required", "optional"]
"""Whether a chat stream must have a finish reason. Most relays send one, and a stream that breaks off has none."""


NEGLIGIBLE_S = 50e-6
"""Smaller errors of instants are not told."""
_NEGLIGIBLE_SHARE = 0.01


class StreamFlaw(StrEnum):
    """Why a stream is not a complete answer."""

    ERROR_EVENT = "error_event"
    FAILED_FINISH = "failed_finish"
    """Its finish reason, such as `abort`, means that it failed."""
    MALFORMED_EVENT = "malformed_event"
    NO_FINISH = "no_finish"
    NO_OUTPUT = "no_output"
    """It ended properly, but without a token or a finish reason."""


class TokenStream:
    """One streamed answer, as it arrives.

    A token is a non-empty content, thought or tool call; an event with only a role is none. `bucket` maps a gap in
    seconds to the histogram bucket that counts it. `on_text` receives the visible text as it arrives. What is `kept`
    of a `sampled` answer never makes it fail.
    """

    __slots__ = (
        "_bucket",
        "_dated_at_s",
        "_error_s",
        "_flat_bytes",
        "_format",
        "_idle",
        "_is_open",
        "_keep_text",
        "_keeps",
        "_limits",
        "_most_error_s",
        "_names_bytes",
        "_on_text",
        "_open_at_s",
        "_open_reads",
        "_others",
        "_pattern",
        "_patterns_tried",
        "_shared_at_s",
        "_shared_reads",
        "_sse",
        "_text",
        "_thoughts",
        "_unfinished",
        "_words",
        "answer_id",
        "calls",
        "chunks",
        "done_at_s",
        "fault",
        "finish_reason",
        "first_token_at_s",
        "first_token_error_s",
        "first_visible_at_s",
        "first_visible_error_s",
        "gap_counts",
        "kept",
        "last_token_at_s",
        "malformed",
        "summarised",
        "text_fault",
        "thought_bytes",
        "tokens",
        "undated",
        "visible_bytes",
    )

    def __init__(
        self,
        endpoint: Endpoint,
        bucket: Callable[[float], int],
        *,
        keep_text: bool = False,
        on_text: Callable[[str], None] | None = None,
        limits: ResponseLimits = DEFAULT_RESPONSE_LIMITS,
        sampled: bool = False,
    ) -> None:
        self._format = FORMATS[endpoint]
        self._limits = limits
        self._flat_bytes = limits.nesting * LEVEL_BYTES
        """Events up to this length, which nearly all are, need no check of their nesting."""
        self._sse = SseParser(limits.event_bytes)
        self._bucket = bucket
        self._keep_text = keep_text or on_text is not None
        self._on_text = on_text
        self.kept = KeptText() if sampled else None
        """What is kept to be audited, apart from the text for the caller."""
        self._keeps = self._keep_text or sampled
        self._idle = False
        """Whether the next bytes begin an event."""
        self._pattern: TokenPattern | None = None
        self._patterns_tried = 0
        """Patterns tried since one matched: some relays put something new into every event."""
        self._text = bytearray()
        """One piece of UTF-8, because many small texts take far more memory."""
        self._names_bytes = 0
        self._others: defaultdict[int, bytearray] = defaultdict(bytearray)
        """By index, the texts of the choices after the first."""
        self._unfinished: set[int] = set()
        """The choices after the first that had no finish reason yet."""
        self.calls: ToolCalls | None = None
        """The tool calls, once there is a part of one."""
        self._words = WholeText()
        self._thoughts = WholeText()
        self.answer_id: str | None = None
        self.chunks = 0
        self.first_token_at_s: float | None = None
        self.first_visible_at_s: float | None = None
        self.last_token_at_s: float | None = None
        self.gap_counts: defaultdict[int, int] = defaultdict(int)
        """The number of gaps between content events, by bucket."""
        self.tokens: Tokens = NO_TOKENS
        """From the last usage with counts: some relays send a growing usage with every event."""
        self.finish_reason: str | None = None
        self.done_at_s: float | None = None
        """When the last event came, such as `[DONE]`."""
        self.fault: RelayFault | None = None
        self.malformed = False
        self.text_fault: RelayFault | None = None
        """A text or page that came in place of a JSON event."""
        self.thought_bytes = 0
        """Bytes of reasoning that were streamed, in UTF-8; approximate if characters were cut."""
        self.visible_bytes = 0
        """Bytes of visible text that were streamed, likewise."""
        self.summarised = False
        """Whether some of the reasoning came as a summary, or may have been left out."""
        self.undated = False
        """Whether tokens that were fed last may have arrived before the instant that was told; see `date`."""
        self.first_token_error_s = self.first_visible_error_s = 0.0
        """How much earlier they may have arrived."""
        self._shared_at_s = self._open_at_s = self._dated_at_s = -1.0
        """The last instant that tokens share, at which something followed a token, and for which `date` was called."""
        self._error_s = self._most_error_s = 0.0
        """That of the tokens at the instant `_dated_at_s`, and the most of all."""
        self._is_open = False
        """Whether the last of those tokens may have arrived earlier, too."""
        self._shared_reads = self._open_reads = 0

    def feed(self, data: bytes, at_s: float) -> bool:
        """Take bytes that arrived at the instant `at_s`. Returns True if `held_bytes` may have changed.

        Raises TooLarge.
        """
        pattern = self._pattern
        if pattern is not None and self._idle and pattern.matches(data):
            return self._take_match(pattern, data, at_s)
        return self._parse(data, at_s)

    def date(self, earliest_s: float, *, exact: bool) -> None:
        """Note that the `undated` tokens of the read that was fed last can have arrived as early as `earliest_s`.

        `exact`: its last byte arrived at the instant that was told, and so did a token that ended with it.
        """
        self.undated = False
        at_s = self.last_token_at_s
        if at_s is None:
            return
        is_open = not exact or self._open_at_s == at_s
        error_s = at_s - earliest_s
        if error_s < NEGLIGIBLE_S or not (is_open or self._shared_at_s == at_s):
            return
        if self.first_token_at_s == at_s:
            self.first_token_error_s = error_s
        if self.first_visible_at_s == at_s:
            self.first_visible_error_s = error_s
        if self._dated_at_s != at_s:
            self._open_reads += self._is_open
            self._shared_reads += 1
        self._dated_at_s, self._error_s, self._is_open = at_s, error_s, is_open
        self._most_error_s = max(self._most_error_s, error_s)

    @property
    def gap_errors(self) -> tuple[float, int, int] | None:
        """How far the gaps may be off, as the fields of `record.GapErrors`; None if they are not."""
        if not self._shared_reads:
            return None
        has_gap_after = self._is_open and self._dated_at_s != self.last_token_at_s
        return self._most_error_s, self._shared_reads, self._open_reads + has_gap_after

    @property
    def last_token_error_s(self) -> float:
        """How much earlier the last token may have arrived; 0 if less than 1 % of the time since the first."""
        first_at_s, last_at_s, error_s = self.first_token_at_s, self.last_token_at_s, self._error_s
        if first_at_s is None or last_at_s is None or not (self._is_open and self._dated_at_s == last_at_s):
            return 0.0
        return error_s if error_s > _NEGLIGIBLE_SHARE * (last_at_s - first_at_s) else 0.0

    def _take_match(self, pattern: TokenPattern, data: bytes, at_s: float) -> bool:
        self._patterns_tried = 0
        if pattern.visible:
            if self.first_visible_at_s is None:
                self._note_visible(at_s)
            self.visible_bytes += len(data) - pattern.fixed_bytes
            if self._keeps:
                self._keep(pattern.text(data))
        else:
            self.thought_bytes += len(data) - pattern.fixed_bytes
            if self.kept is not None:
                self.kept.add_thought(pattern.text(data))
        self._count_token(at_s)
        return self._keep_text

    def _parse(self, data: bytes, at_s: float) -> bool:
        was_idle, chunks, names_bytes = self._idle, self.chunks, self._names_bytes
        events = self._sse.feed(data)
        for event_data, name in events:
            self._take_event(event_data, name, at_s)
        if at_s == self.last_token_at_s and not (events and self._sse.idle and _ends_with(data, events[-1][0])):
            self._note_more(at_s)
        self._idle = self._sse.idle and not self._words.unfinished
        stays_idle = was_idle and self._idle
        if (
            stays_idle
            and self.chunks == chunks + 1
            and self._patterns_tried < _PATTERNS_TO_TRY
            and len(data) <= _PATTERN_BYTES
        ):
            self._pattern = self._format.pattern_of(data)
            self._patterns_tried += 1
        return self._keep_text or not stays_idle or self._names_bytes != names_bytes or self.calls is not None

    @property
    def held_bytes(self) -> int:
        """The memory held until the stream is over: the unfinished event, the text and the names."""
        return self._sse.held_bytes + len(self._text) + self._names_bytes + self._parts_bytes

    def end(self, at_s: float) -> None:
        """Note that the stream ended cleanly at this instant. Raises TooLarge."""
        for event_data, name in self._sse.end():
            self._take_event(event_data, name, at_s)
        self._keep(self._words.end().encode())
        self._keep_thought(self._thoughts.end())

    @property
    def replaced(self) -> int:
        """The number of invalid characters in text and thoughts that were replaced by U+FFFD."""
        return self._words.replaced + self._thoughts.replaced

    def drop(self) -> None:
        """Discard the unfinished event and an incomplete answer, because the stream is given up."""
        self._sse.drop()
        if self.done_at_s is None:
            self._text.clear()
            self._others.clear()
            self.calls = None
            self.answer_id = self.finish_reason = None
            self._names_bytes = 0

    @property
    def finished(self) -> bool:
        """Whether the relay marked the answer as complete."""
        return self.done_at_s is not None or self.finish_reason is not None

    @property
    def lacks_finish_reason(self) -> bool:
        """Whether it has tokens and ended with `[DONE]`, but without a finish reason."""
        return self.done_at_s is not None and self.finish_reason is None and self.chunks > 0

    @property
    def flaw(self) -> StreamFlaw | None:
        """Why this is not a complete answer, if a finish reason is required; None if it is complete."""
        return self.flaw_where("required")

    def flaw_where(self, finish_reason: FinishReason) -> StreamFlaw | None:
        """Like `flaw`, but with "optional" a stream that ends with `[DONE]` needs no finish reason."""
        if self.fault is not None:
            return StreamFlaw.ERROR_EVENT
        if failed_finish(self.finish_reason):
            return StreamFlaw.FAILED_FINISH
        if self.malformed:
            return StreamFlaw.MALFORMED_EVENT
        if self.finish_reason is not None and not self._unfinished:
            return None
        if self.done_at_s is not None and not self.chunks:
            return StreamFlaw.NO_OUTPUT
        return None if self.done_at_s is not None and finish_reason == "optional" else StreamFlaw.NO_FINISH

    @property
    def text(self) -> str:
        """The visible content, if it was kept."""
        return self._text.decode()

    @property
    def other_texts(self) -> tuple[str, ...]:
        """The visible content of the choices after the first, if it was kept."""
        return tuple(text.decode("utf-8", "replace") for _, text in sorted(self._others.items()))

    def buffered(self, sent_at_s: float, ended_at_s: float) -> bool:
        """Return whether many events came all at once at the end, so that something buffered them."""
        first_at_s = self.first_token_at_s
        if self.chunks <= _BUFFERED_CHUNKS or first_at_s is None or ended_at_s - sent_at_s < _MIN_ANSWER_S:
            return False
        return ended_at_s - first_at_s <= _BUFFERED_WITHIN_S

    def _take_event(self, data: bytes, name: bytes, at_s: float) -> None:
        if len(data) > self._flat_bytes:
            check_json(data, self._limits)
        try:
            event = self._format.read_event(data, name)
        except MalformedAnswer:
            self.malformed = True
            self.text_fault = self.text_fault or fault_of_text(data)
        else:
            if event is not None:
                self.take(event, at_s)
            if self.kept is not None:
                self.kept.report.hear(data)

    def take(self, event: Event, at_s: float) -> None:
        """Take an event that has been parsed already."""
        if event.has_token:
            self._take_token(event, at_s)
        elif at_s == self.last_token_at_s:
            self._note_more(at_s)
        if event.summarised:
            self.summarised = True
        if event.calls or event.others:
            self._take_parts(event)
        if event.fault is not None:
            self.fault = self.fault or event.fault
        if event.tokens is not None and event.tokens != NO_TOKENS:
            self.tokens = merged(self.tokens, event.tokens)
        if (self.answer_id is None and event.answer_id is not None) or event.finish_reason is not None:
            self._take_names(event)
        if event.done:
            self.done_at_s = at_s

    def _take_token(self, event: Event, at_s: float) -> None:
        if event.thought:
            self.thought_bytes += event.thought_bytes
            if self.kept is not None or self._thoughts.unfinished or not event.thought.isascii():
                self._keep_thought(self._thoughts.add(event.thought))
        if event.visible:
            self.visible_bytes += event.text_bytes
            if self.first_visible_at_s is None:
                self._note_visible(at_s)
            if self._keeps or self._words.unfinished or not event.text.isascii():
                self._keep(self._words.add(event.text).encode())
        self._count_token(at_s)

    def _take_parts(self, event: Event) -> None:
        """Keep what is put together apart from the text: tool calls, and choices after the first."""
        if event.calls:
            self.calls = self.calls or ToolCalls()
            self.calls.add(event.calls)
        for index, text, finished in event.others:
            self._unfinished.add(index)
            if finished:
                self._unfinished.discard(index)
            if self._keep_text:
                self._others[index] += text.encode("utf-8", "surrogatepass")
        if self._parts_bytes > self._limits.body_bytes:
            raise TooLarge

    @property
    def _parts_bytes(self) -> int:
        calls = self.calls.held_bytes if self.calls else 0
        return calls + sum(map(len, self._others.values())) + _CHOICE_BYTES * len(self._others)

    def _keep(self, text: bytes) -> None:
        if not text or not self._keeps:
            return
        if self.kept is not None:
            self.kept.add_text(text)
        if not self._keep_text:
            return
        self._text += text
        if len(self._text) > self._limits.body_bytes:
            raise TooLarge
        if self._on_text is not None:
            self._on_text(text.decode())

    def _keep_thought(self, text: str) -> None:
        if self.kept is not None:
            self.kept.add_thought(text.encode())

    def _take_names(self, event: Event) -> None:
        if self.answer_id is None:
            self.answer_id = event.answer_id
        if event.finish_reason is not None and not failed_finish(self.finish_reason):
            self.finish_reason = event.finish_reason
        self._names_bytes = _size(self.answer_id) + _size(self.finish_reason)

    def _count_token(self, at_s: float) -> None:
        last_at_s = self.last_token_at_s
        if last_at_s is None:
            self.first_token_at_s = at_s
            self.undated = True
        else:
            self.gap_counts[self._bucket(at_s - last_at_s)] += 1
            if at_s == last_at_s:
                self._shared_at_s = at_s
                self.undated = True
        self.last_token_at_s = at_s
        self.chunks += 1

    def _note_visible(self, at_s: float) -> None:
        self.first_visible_at_s = at_s
        self.undated = True

    def _note_more(self, at_s: float) -> None:
        """Note that something followed a token in the same read."""
        self._open_at_s = at_s
        self.undated = True


def _ends_with(piece: bytes, event: bytes) -> bool:
    """Return whether an event, of which this piece has the end, is the last in it; False where that is not obvious."""
    if len(piece) == len(event) + _ONE_LINE_BYTES:
        return True
    for line_end in (b"\n\n", b"\r\n\r\n"):
        if piece.endswith(line_end):
            begin = piece[: -len(line_end)]
            return begin.endswith(event) or event.endswith(begin)
    return not piece.strip(b"\r\n")


def _size(text: str | None) -> int:
    """Return the most memory that a text takes: a single non-ASCII character widens all of them."""
    if text is None:
        return 0
    return len(text) if text.isascii() else 4 * len(text)
