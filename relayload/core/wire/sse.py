"""Server-sent events: bytes in, events out, the same events however the bytes were cut.

Lines end with LF, CRLF or CR; an empty line ends an event; a line beginning with a colon is a comment.
Source: HTML Living Standard, section 9.2.6. Unlike a browser, an event that the end of the stream cut short of its
empty line is delivered: official clients of this field do so, and relays exist that never send that line.
"""

SseEvent = tuple[bytes, bytes]
"""The data of an event, and its name: empty where the sender gave none."""

_BOM = b"\xef\xbb\xbf"


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
        """Whether the first line is over, before which there may be a byte order mark."""

    @property
    def idle(self) -> bool:
        """Whether the last event is over and no other begun: what comes next begins a line of a new one."""
        return self._begun and not (self._pieces or self._data or self._name or self._after_cr)

    def feed(self, piece: bytes) -> list[SseEvent]:
        """The events that these bytes complete."""
        if (
            piece.endswith(b"\n\n")
            and piece.startswith(b"data: ")
            and piece.find(b"\n") == len(piece) - 2
            and b"\r" not in piece
            and self.idle
        ):  # what streams mostly consist of: an event of one line, whole
            return [(piece[6:-2], b"")]
        return self._lines(piece)

    def end(self) -> list[SseEvent]:
        """The event that the end of the stream cut short, if any."""
        return self._lines(b"\n\n\n")  # the LF after a CR, the end of the line, the end of the event

    def _lines(self, piece: bytes) -> list[SseEvent]:
        events: list[SseEvent] = []
        for line in self._whole_lines(piece):
            if line:
                self._take(line)
            elif self._data:
                events.append(self._dispatch())
            else:
                self._name = b""
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

    def _dispatch(self) -> SseEvent:
        event = (b"\n".join(self._data), self._name)
        self._data.clear()
        self._name = b""
        return event
