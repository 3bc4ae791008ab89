"""The option `--record FILE`: writes every request as a line of JSON."""

import os
from pathlib import Path

from msgspec.json import encode

from relayload.core.errors import AuthorError, Fault
from relayload.fakerelay.request_log import Entry


class Recorder:
    """Appends to a file with one write per request, so that workers can share it."""

    def __init__(self, path: Path) -> None:
        try:
            self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        except OSError as error:
            raise AuthorError([Fault(f"cannot be written: {error.strerror}", file=str(path))]) from error

    def write(self, entry: Entry) -> None:
        os.write(self._fd, encode(entry) + b"\n")
