"""Server-sent events: bytes in, events out, the same events however the bytes were cut.

Lines end with LF, CRLF or CR; an empty line ends an event; a line beginning with a colon is a comment.
Source: HTML Living Standard, section 9.2.6. Unlike a browser, an event that the end of the stream cut short of its
empty line is delivered: official clients of this field do so, and relays exist that never send that line.
"""

from typing import NamedTuple

_BOM = b"\xef\xbb\xbf"


class SseEvent(NamedTuple):
    """One event. `name` is empty where the sender gave none."""

    data: bytes
    name: bytes = b""


class SseParser:
    """Collects bytes until they make events. Costs time in proportion to the bytes, however small the pieces."""

    __slots__ = ("_after_cr", "_begun", "_data", "_name", "_pieces")

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        """Of a line whose end is still to come."""
        self._data: list[bytes] = []
        self._name = b""
        self._after_cr = False
        self._begun = False

    def feed(self, piece: bytes) -> list[SseEvent]:
        """The events that these bytes complete."""
        if self._between_events and _is_one_event(piece):
            self._after_cr = False
            return [SseEvent(piece[6:-2])]
        return self._lines(piece)

    def end(self) -> list[SseEvent]:
        """The event that the end of the stream cut short, if any."""
        return self._lines(b"\n\n\n")  # the end of a line after CR, of the line, of the event

    @property
    def _between_events(self) -> bool:
        return self._begun and not (self._pieces or self._data or self._name)

    def _lines(self, piece: bytes) -> list[SseEvent]:
        events: list[SseEvent] = []
        for line in self._whole_lines(piece):
            if line:
                self._line(line)
            elif event := self._dispatched():
                events.append(event)
        return events

    def _whole_lines(self, piece: bytes) -> list[bytes]:
        """The lines that end in this piece; what comes after the last line end is kept for later."""
        if self._after_cr and piece.startswith(b"\n"):
            piece = piece[1:]
            self._after_cr = False
        if not piece:
            return []
        self._after_cr = piece.endswith(b"\r")
        lines = piece.splitlines()  # of bytes, at LF, CRLF and CR only
        rest = b"" if piece.endswith((b"\n", b"\r")) else lines.pop()
        if lines and self._pieces:
            lines[0] = b"".join((*self._pieces, lines[0]))
            self._pieces.clear()
        if rest:
            self._pieces.append(rest)
        return self._without_bom(lines)

    def _without_bom(self, lines: list[bytes]) -> list[bytes]:
        if lines and not self._begun:
            self._begun = True
            lines[0] = lines[0].removeprefix(_BOM)
        return lines

    def _line(self, line: bytes) -> None:
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"data":
            self._data.append(value)
        elif field == b"event":
            self._name = value

    def _dispatched(self) -> SseEvent | None:
        if not self._data:
            self._name = b""
            return None
        event = SseEvent(self._data[0] if len(self._data) == 1 else b"\n".join(self._data), self._name)
        self._data.clear()
        self._name = b""
        return event


def _is_one_event(piece: bytes) -> bool:
    """Whether this is what streams mostly consist of: an event of one line, whole."""
    return (
        piece.startswith(b"data: ")
        and piece.endswith(b"\n\n")
        and piece.find(b"\n") == len(piece) - 2
        and b"\r" not in piece
    )
