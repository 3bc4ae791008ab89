"""Writes the records that workers on other hosts ship into the recording of the run."""

import os
from pathlib import Path

from relayload.core.errors import AuthorError
from relayload.engine.messages import RecordsAck, RecordsPiece
from relayload.recording import Recording
from relayload.recording.compression import CutShort, unpack
from relayload.recording.growing_file import PLAIN, GrowingFile, Storage
from relayload.recording.shipping import PIECE_BYTES, Receiver

OVER = "the run is over"


class ReceivedRecords:
    """The records files of one run that come from other hosts."""

    def __init__(self, recording: Recording, storage: Storage = PLAIN) -> None:
        self._recording, self._storage = recording, storage
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
            self._files[worker] = _File(self._recording.records_file(worker), self._storage)
        return self._files[worker]


class _File:
    def __init__(self, path: Path, storage: Storage) -> None:
        self._file = GrowingFile(path, storage, os.O_EXCL)
        self._receiver = Receiver()

    def add(self, offset: int, data: bytes) -> int:
        """Append what continues the records and return their size. Raises AuthorError if the disk is full."""
        more = self._receiver.continuation(offset, data)
        if more:
            self._file.append(more)
            self._file.flush()
        self._receiver.size += len(more)
        return self._receiver.size

    def close(self) -> None:
        self._file.close()
