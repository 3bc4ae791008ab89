"""Prints for as long as somebody reads: a load goes on, and ends in order, also when its terminal or pipe is gone."""

import errno
import os
import sys
from io import BufferedWriter, FileIO, TextIOWrapper
from typing import Any

_UNREAD = (errno.EIO, errno.EPIPE)
"""The errors of a terminal that is gone, and of a pipe that nobody reads."""
_STREAMS = (0, 1, 2)


def outlast_readers() -> None:
    """Let stdout and stderr print to nowhere once nobody reads them, and from now on if they are closed.

    A disk that is full still is an error on stdout, where data goes, but not on stderr.
    """
    for number in _STREAMS:
        _open_if_closed(number)
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115, PTH123 -- for good
        elif isinstance(stream, TextIOWrapper):
            setattr(sys, name, _lasting(stream, any_error=name == "stderr"))


def _open_if_closed(number: int) -> None:
    """Keep what is opened later, such as records, from being taken for a closed standard stream."""
    try:
        os.fstat(number)
    except OSError:
        os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free


def _lasting(stream: TextIOWrapper, *, any_error: bool) -> TextIOWrapper:
    stream.flush()
    raw = _Lasting(stream.fileno(), any_error=any_error)
    return TextIOWrapper(
        BufferedWriter(raw), encoding=stream.encoding, errors=stream.errors, line_buffering=stream.line_buffering
    )


class _Lasting(FileIO):
    def __init__(self, descriptor: int, *, any_error: bool) -> None:
        super().__init__(descriptor, "wb", closefd=False)
        self._any_error = any_error

    def write(self, data: Any, /) -> int:
        try:
            return super().write(data)
        except OSError as error:
            if self._any_error or error.errno in _UNREAD:
                return len(data)
            raise
