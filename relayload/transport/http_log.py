"""The first exchanges of a process, written down as they went over the wire: `--http-debug`.

Keys are concealed in start lines, headers and bodies; prompts and answers are not. Writing takes time on the event
loop, so the times of those exchanges are not to be trusted.
"""

import os
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from relayload.core.printable import acts
from relayload.core.units import format_duration
from relayload.transport.redaction import Secrets

COUNT_VARIABLE = "RELAYLOAD_HTTP_DEBUG"
"""How many exchanges of each process are written down."""
FILE_VARIABLE = "RELAYLOAD_HTTP_DEBUG_FILE"
"""What they are appended to; stderr without it."""
DEFAULT_COUNT = 10
MOST_BYTES = 65_536
"""Of an answer that are kept to be shown: concealed before it is cut, so that no half of a secret is left."""
_SHOWN_BYTES = 4_096
"""Of a body."""
_TELLING = re.compile(r"auth|key|token|secret|cookie|password|credential|signature", re.IGNORECASE)
_NOT_TELLING = re.compile(r"x-ratelimit-|-tokens?$|max.?tokens|tokenizer", re.IGNORECASE)
_FIELD = re.compile(r"(?P<name>[^\s:]+): ?(?P<value>.*)")
_HIDDEN = "***"

Write = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Shown:
    """What came of a request: the head and the body as far as they were kept, or why there is none."""

    head: str = ""
    body: bytes = b""
    failure: str = ""
    took_s: float | None = None
    first_byte_s: float | None = None


class HttpLog:
    """Writes down so many exchanges, and no more."""

    def __init__(self, count: int, write: Write) -> None:
        self._left = count
        self._number = 0
        self._write = write

    def wanted(self) -> int | None:
        """The number of the exchange that begins now, if it is to be written down."""
        if self._left <= 0:
            return None
        self._left -= 1
        self._number += 1
        return self._number

    def write(self, number: int, secrets: Secrets, head: str, body: bytes, answer: Shown) -> None:
        """One whole exchange at once, since others go on meanwhile."""
        lines = [f"--- exchange {number} of process {os.getpid()}"]
        lines += _marked(">", _head(head, secrets), _body(body, secrets))
        lines += _marked("<", _head(answer.head, secrets), _body(answer.body, secrets))
        lines.append(f"--- {_ending(answer)}")
        self._write("\n".join(lines) + "\n")


def from_environment(environ: Mapping[str, str]) -> HttpLog | None:
    """What the environment asks for; None where it asks for nothing."""
    count = environ.get(COUNT_VARIABLE, "")
    if not count.isdecimal() or int(count) == 0:
        return None
    path = environ.get(FILE_VARIABLE)
    return HttpLog(int(count), appending(Path(path)) if path else to_stderr)


def to_stderr(text: str) -> None:
    """Whatever encoding it has there."""
    os.write(2, text.encode("utf-8", "replace"))


def appending(path: Path) -> Write:
    """At the end of a file that several processes may write to. Raises OSError if it can't be written to."""
    path.open("ab").close()

    def write(text: str) -> None:
        file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(file, text.encode("utf-8", "replace"))
        finally:
            os.close(file)

    return write


def _head(head: str, secrets: Secrets) -> list[str]:
    return [_field(line, secrets) for line in head.splitlines() if line]


def _field(line: str, secrets: Secrets) -> str:
    field = _FIELD.fullmatch(line)
    if field and _TELLING.search(field["name"]) and not _NOT_TELLING.search(field["name"]):
        return _printable(f"{field['name']}: {_HIDDEN}")
    return _printable(secrets.hidden_in(line))


def _body(body: bytes, secrets: Secrets) -> list[str]:
    if not body:
        return []
    text = secrets.hidden_in(body[:MOST_BYTES].decode("utf-8", "replace"))
    shown = text[:_SHOWN_BYTES]
    rest = len(body) - len(shown.encode("utf-8", "replace"))
    lines = [_printable(line) for line in shown.replace("\r\n", "\n").rstrip("\n").split("\n")]
    return [*lines, f"… {rest:,} bytes more"] if len(text) > _SHOWN_BYTES or len(body) > MOST_BYTES else lines


def _marked(mark: str, head: Iterable[str], body: Iterable[str]) -> list[str]:
    heads, bodies = list(head), list(body)
    blank = [""] if heads and bodies else []
    return [f"{mark} {line}".rstrip() for line in (*heads, *blank, *bodies)]


def _ending(answer: Shown) -> str:
    parts = [answer.failure or "answered"]
    if answer.took_s is not None:
        parts.append(f"after {format_duration(answer.took_s)}")
    if answer.first_byte_s is not None:
        parts.append(f"(first byte after {format_duration(answer.first_byte_s)})")
    return " ".join(parts)


def _printable(line: str) -> str:
    return (
        line if line.isprintable() else "".join("·" if acts(letter) and letter != "\t" else letter for letter in line)
    )
