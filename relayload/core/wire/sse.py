"""Parses server-sent events, giving the same events however the bytes are split.

Lines end with LF, CRLF or CR; an empty line ends an event; a line that begins with a colon is a comment.
Source: HTML Living Standard, section 9.2.6. Unlike in browsers, an event without an empty line at the end of the stream
is delivered: official clients do so, and some relays never send that line. An event named `error` counts even without
data, and a field named `error` makes such an event, as llama.cpp sent errors (its #16104).
"""

import re

from relayload.core.wire.response_limits import DEFAULT_RESPONSE_LIMITS, TooLarge

SseEvent = tuple[bytes, bytes]
"""The data of an event and its name, which may be empty."""

_LINE_BYTES = 50
"""The memory that a line takes beside its bytes."""
_ERROR = b"error"
_BARE_ERROR = re.compile(rb'\{\s*"(?:(?:errors?|detail|message|msg)"|code"\s*:\s*(?!"?(?:0|200)\b))')
"""The beginning of a JSON error sent without `data:`."""
_BOM = b"\xef\xbb\xbf"


class SseParser:
    """Collects bytes into events, in time linear in the bytes however small the pieces."""

    __slots__ = ("_after_cr", "_begun", "_data", "_event_bytes", "_most_bytes", "_name", "_rest", "held_bytes", "idle")

    def __init__(self, most_bytes: int = DEFAULT_RESPONSE_LIMITS.event_bytes) -> None:
        """`most_bytes` limits one event. Exceeding it raises TooLarge."""
        self._most_bytes = most_bytes
        self._event_bytes = 0
        """The memory of the lines of the unfinished event."""
        self._rest = bytearray()
        """The unfinished line, in one piece, because small pieces take far more memory than their bytes."""
        self._data: list[bytes] = []
        self._name = b""
        self._after_cr = False
        self._begun = False
        """Whether the first line, which may start with a byte order mark, is over."""
        self.held_bytes = 0
        """The memory of the unfinished event."""
        self.idle = False
        """Whether the last event is over and no other has begun, so that the next bytes begin a new event."""

    def feed(self, piece: bytes) -> list[SseEvent]:
        """Return the events that these bytes complete. Raises TooLarge."""
        if (
            piece.endswith(b"\n\n")
            and piece.startswith(b"data: ")
            and piece.find(b"\n") == len(piece) - 2
            and b"\r" not in piece
            and self.idle
            and len(piece) <= self._most_bytes
        ):  # the common case: a whole event of one line
            return [(piece[6:-2], b"")]
        return self._lines(piece)

    def end(self) -> list[SseEvent]:
        """Return the event that the end of the stream left unfinished, if any."""
        if self.idle:
            return []
        return self._lines(b"\n\n\n")  # the LF after a CR, the end of the line, the end of the event

    def drop(self) -> None:
        """Discard the unfinished event; nothing more will be fed."""
        self._rest = bytearray()
        self._forget()
        self.held_bytes = 0

    def _lines(self, piece: bytes) -> list[SseEvent]:
        events: list[SseEvent] = []
        for line in self._whole_lines(piece):
            if line:
                self._take(line)
            elif self._data or self._name == _ERROR:
                events.append(self._dispatch())
            else:
                self._forget()
        self.held_bytes = self._event_bytes + len(self._rest)
        if self.held_bytes > self._most_bytes:
            raise TooLarge
        self.idle = self._begun and not (self._rest or self._data or self._name or self._after_cr)
        return events

    def _whole_lines(self, piece: bytes) -> list[bytes]:
        """Return the lines that end in this piece, and keep the rest for later."""
        if self._after_cr and piece.startswith(b"\n"):
            piece = piece[1:]
            self._after_cr = False
        if not piece:
            return []
        self._after_cr = piece.endswith(b"\r")
        lines = piece.splitlines()  # for bytes, splits at LF, CRLF and CR only
        rest = b"" if piece.endswith((b"\n", b"\r")) else lines.pop()
        if lines and self._rest:
            lines[0] = b"".join((self._rest, lines[0]))
            self._rest = bytearray()
        if rest:
            self._rest += rest
        return lines if self._begun else self._begin(lines)

    def _begin(self, lines: list[bytes]) -> list[bytes]:
        if lines:
            self._begun = True
            lines[0] = lines[0].removeprefix(_BOM)
        return lines

    def _take(self, line: bytes) -> None:
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"data":
            self._data.append(value)
        elif field == b"event":
            self._name = value
        elif field.lower() == _ERROR:
            self._data.append(value)
            self._name = _ERROR
        elif _BARE_ERROR.match(line):
            value = line
            self._data.append(line)
            self._name = _ERROR
        else:
            return
        self._event_bytes += len(value) + _LINE_BYTES
        if self._event_bytes > self._most_bytes:
            raise TooLarge

    def _dispatch(self) -> SseEvent:
        event = (b"\n".join(self._data), self._name)
        self._forget()
        return event

    def _forget(self) -> None:
        """Reset after an event."""
        self._data.clear()
        self._name = b""
        self._event_bytes = 0
