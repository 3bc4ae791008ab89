"""Writes the records that workers on other hosts ship into the recording of the run."""

import os
from pathlib import Path

from relayload.core.errors import AuthorError
from relayload.engine.messages import RecordsAck, RecordsPiece
from relayload.recording import Recording
from relayload.recording.compression import CutShort, unpack
from relayload.recording.lines import append
from relayload.recording.shipping import PIECE_BYTES, Receiver

OVER = "the run is over"


class ReceivedRecords:
    """The records files of one run that come from other hosts."""

    def __init__(self, recording: Recording) -> None:
        self._recording = recording
        self._files: dict[int, _File] = {}
        self._closed = False
        self.failure: str | None = None
        """Why records can't be written."""

    def take(self, piece: RecordsPiece) -> RecordsAck:
        """Write what of a piece is new, and return the answer to its sender."""
        if self._closed or piece.run_uid != self._recording.run.uid:
            return RecordsAck(run_uid=piece.run_uid, size=0, refusal=OVER)
        try:
            size = self._file(piece.worker).add(piece.offset, unpack(piece.data, piece.compression, PIECE_BYTES))
        except (AuthorError, OSError) as error:
            self.failure = str(error)
            return RecordsAck(run_uid=piece.run_uid, size=0, refusal=f"the master can't write them: {error}")
        except CutShort:
            return RecordsAck(run_uid=piece.run_uid, size=0, refusal="the master can't unpack them")
        return RecordsAck(run_uid=piece.run_uid, size=size)

    def close(self) -> None:
        """Take no more, since the results are about to be computed."""
        self._closed = True
        for file in self._files.values():
            file.close()

    def _file(self, worker: int) -> "_File":
        if worker not in self._files:
            self._files[worker] = _File(self._recording.records_file(worker))
        return self._files[worker]


class _File:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
        self._receiver = Receiver()

    def add(self, offset: int, data: bytes) -> int:
        """Append what continues the file and return its size. Raises AuthorError if the disk is full."""
        more = self._receiver.continuation(offset, data)
        append(self._file, more, self._path)
        self._receiver.size += len(more)
        return self._receiver.size

    def close(self) -> None:
        os.close(self._file)
