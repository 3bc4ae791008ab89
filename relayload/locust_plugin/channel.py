"""The messages of master and workers on Locust's channel: their names, and how they are packed."""

from typing import Any, TypeVar

import msgspec
from msgspec import Struct

CONTENT_WANTED = "relayload_content_wanted"
"""Worker that has no profile yet to master: a `ContentWanted`."""
CONTENT = "relayload_content"
"""Master to worker: a `Content`."""
READY = "relayload_ready"
"""Worker to master: a `Hello`. Locust reports a worker earlier, and messages to it are lost until then."""
REFUSED = "relayload_refused"
"""Master to worker: a `Refusal`."""
ASSIGN = "relayload_assign"
"""Master to worker: an `Assignment`."""
RENEW = "relayload_renew"
"""Worker to master: a `Renewal`, about twice a second, whenever the worker lacks something, and once when drained."""
LEASE = "relayload_lease"
"""Master to worker: a `Lease`."""
SNAPSHOT = "relayload_snapshot"
"""Worker to master: a `Snapshot`, about twice a second and once more when drained."""
WHOLE = "relayload_whole"
"""Master to worker, without data: a snapshot is missing, so the next one must hold everything."""
END = "relayload_end"
"""Master to worker: an `EndRun`."""
RATES = "relayload_rates"
"""Master to worker: `RateChanges`, when there is another one, and to whoever lacks one."""
CLOCK = "relayload_clock"
"""Worker to master and back: a `ClockReading`, about once a second."""
RECORDS = "relayload_records"
"""Worker on another host to master: a `RecordsPiece`."""
RECORDS_ACK = "relayload_records_ack"
"""Master to worker: a `RecordsAck`."""

_PACKED = "packed"
_Message = TypeVar("_Message", bound=Struct)


def pack(message: Struct) -> dict[str, Any]:
    """The message as Locust can put it on its wire."""
    return {_PACKED: msgspec.msgpack.encode(message)}


def unpack(data: dict[str, Any], kind: type[_Message]) -> _Message:
    """The message that was packed."""
    return msgspec.msgpack.decode(packed(data), type=kind)


def packed(data: dict[str, Any]) -> bytes:
    """The message as it was packed."""
    content: bytes = data[_PACKED]
    return content
