"""Logs the first exchanges of a process as they went over the wire, for `--http-debug`.

Keys are redacted in start lines, headers and bodies; prompts and answers are not. Logging takes time on the event
loop, so the times of these exchanges are unreliable.
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
"""How many exchanges each process logs."""
FILE_VARIABLE = "RELAYLOAD_HTTP_DEBUG_FILE"
"""The file to append to; stderr by default."""
DEFAULT_COUNT = 10
MOST_BYTES = 65_536
"""How much of an answer is kept. It is redacted before it is cut, so that no half of a secret is left."""
_SHOWN_BYTES = 4_096
"""How much of a body is logged."""
_SECRET_NAME = re.compile(r"auth|key|token|secret|cookie|password|credential|signature", re.IGNORECASE)
_PUBLIC_NAME = re.compile(r"x-ratelimit-|-tokens?$|max.?tokens|tokenizer", re.IGNORECASE)
_FIELD = re.compile(r"(?P<name>[^\s:]+): ?(?P<value>.*)")
_HIDDEN = "***"

Write = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class LoggedResponse:
    """The result of a request: head and body as far as they were kept, or why there is none."""

    head: str = ""
    body: bytes = b""
    failure: str = ""
    took_s: float | None = None
    first_byte_s: float | None = None


class HttpLog:
    """Logs the first `count` exchanges."""

    def __init__(self, count: int, write: Write) -> None:
        self._left = count
        self._number = 0
        self._write = write

    def wanted(self) -> int | None:
        """Return the number of the exchange that begins now, or None if it is not to be logged."""
        if self._left <= 0:
            return None
        self._left -= 1
        self._number += 1
        return self._number

    def write(self, number: int, secrets: Secrets, head: str, body: bytes, answer: LoggedResponse) -> None:
        """Log a whole exchange at once, because others run concurrently."""
        lines = [f"--- exchange {number} of process {os.getpid()}"]
        lines += _marked(">", _head(head, secrets), _body(body, secrets))
        lines += _marked("<", _head(answer.head, secrets), _body(answer.body, secrets))
        lines.append(f"--- {_ending(answer)}")
        self._write("\n".join(lines) + "\n")


def from_environment(environ: Mapping[str, str]) -> HttpLog | None:
    """Return the log that the environment asks for, or None."""
    count = environ.get(COUNT_VARIABLE, "")
    if not count.isdecimal() or int(count) == 0:
        return None
    path = environ.get(FILE_VARIABLE)
    return HttpLog(int(count), appending(Path(path)) if path else to_stderr)


def to_stderr(text: str) -> None:
    """Write to stderr as UTF-8, whatever its encoding."""
    os.write(2, text.encode("utf-8", "replace"))


def appending(path: Path) -> Write:
    """Return a writer that appends to a file shared by several processes. Raises OSError if it can't be written."""
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
    if field and _SECRET_NAME.search(field["name"]) and not _PUBLIC_NAME.search(field["name"]):
        return _printable(f"{field['name']}: {_HIDDEN}")
    return _printable(secrets.redacted(line))


def _body(body: bytes, secrets: Secrets) -> list[str]:
    if not body:
        return []
    text = secrets.redacted(body[:MOST_BYTES].decode("utf-8", "replace"))
    shown = text[:_SHOWN_BYTES]
    rest = len(body) - len(shown.encode("utf-8", "replace"))
    lines = [_printable(line) for line in shown.replace("\r\n", "\n").rstrip("\n").split("\n")]
    return [*lines, f"… {rest:,} bytes more"] if len(text) > _SHOWN_BYTES or len(body) > MOST_BYTES else lines


def _marked(mark: str, head: Iterable[str], body: Iterable[str]) -> list[str]:
    heads, bodies = list(head), list(body)
    blank = [""] if heads and bodies else []
    return [f"{mark} {line}".rstrip() for line in (*heads, *blank, *bodies)]


def _ending(answer: LoggedResponse) -> str:
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
