"""Ships the records of a process to the master on another host, while they are written."""

import logging
from collections.abc import Callable
from typing import BinaryIO

import gevent
from gevent.event import Event

from relayload import clock
from relayload.engine.messages import RecordsAck, RecordsPiece
from relayload.files import opened
from relayload.recording import Recording
from relayload.recording.compression import Compression, best_known, pack
from relayload.recording.shipping import PIECE_BYTES, Sender, whole_lines

_LOG = logging.getLogger("relayload")
_TICK_S = 0.1
SHIPPED_WITHIN_S = 30.0
"""How long a worker that is done waits for the master to acknowledge its records."""


class Shipper:
    """Sends what a process appends to its own recording, until the master has all of it.

    The recording stays on disk until then: whatever happens to master, network or this process, no record is lost that
    the disk has.
    """

    def __init__(
        self, recording: Recording, worker: int, understood: Compression, send: Callable[[RecordsPiece], None]
    ) -> None:
        """`understood` is the compression that the master prefers. `send` may lose a piece, and must not raise."""
        self._recording = recording
        self._worker = worker
        self._compression = understood if understood is best_known() else Compression.GZIP
        self._send = send
        self._sender = Sender()
        self._acknowledged = Event()
        self._refusal: str | None = None
        self._path = recording.records_file(worker)
        self._ended = False

    @property
    def settled(self) -> bool:
        """True once the master has all that was written, or wants no more."""
        return self._refusal is not None or self._sender.acknowledged >= self._size

    def start(self) -> None:
        """Ship from now on, in a greenlet, until `end` is called."""
        gevent.spawn(self._ship)

    def acknowledge(self, ack: RecordsAck) -> None:
        """Handle an answer of the master."""
        if ack.run_uid == self._recording.run.uid:
            self._sender.acknowledge(ack.size, clock.now_s())
            self._refusal = self._refusal or ack.refusal
            self._acknowledged.set()

    def end(self) -> None:
        """Stop shipping and remove the recording, or log where it stays if the master lacks some of it."""
        if self._ended:
            return
        self._ended = True
        if self._sender.acknowledged >= self._size:
            self._recording.remove()
            return
        why = self._refusal or f"the master has {self._sender.acknowledged:,} of {self._size:,} bytes"
        _LOG.error("the records of this worker stay in %s: %s", self._recording.directory.absolute(), why)

    @property
    def _size(self) -> int:
        return self._path.stat().st_size

    def _ship(self) -> None:
        with opened(self._path) as file:
            while not self._ended and self._refusal is None:
                self._send_due(file)
                self._acknowledged.wait(_TICK_S)
                self._acknowledged.clear()

    def _send_due(self, file: BinaryIO) -> None:
        while (offset := self._sender.next_offset(self._size, clock.now_s())) is not None:
            file.seek(offset)
            data = whole_lines(file.read(PIECE_BYTES))
            self._sender.sent(offset + len(data), clock.now_s())
            self._send(
                RecordsPiece(
                    run_uid=self._recording.run.uid,
                    worker=self._worker,
                    offset=offset,
                    data=pack(data, self._compression),
                    compression=self._compression,
                )
            )
