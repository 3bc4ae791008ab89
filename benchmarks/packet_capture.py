"""The packets that arrive on the loopback interface, with the kernel's own timestamps. Linux only; needs root."""

import ctypes
import mmap
import socket
import struct
import time
from collections.abc import Iterator
from typing import NamedTuple

_SOL_PACKET, _RX_RING, _VERSION, _V3 = 263, 5, 10, 2
_SO_ATTACH_FILTER = 26
_ALL = 0x0003
_BLOCK_BYTES = 1 << 20
_RETIRE_MS = 50
_BLOCK = struct.Struct("=IIIII")
_PACKET = struct.Struct("=IIIIIIHH")
_ANCILLARY_TYPE = 0xFFFFF000 + 4
"""Where the filter finds whether a packet leaves this host (4), or has arrived: those of the loopback do both. Those
that leave are stamped a few microseconds before they arrive, and never later than that."""


class Segment(NamedTuple):
    """A TCP segment with data for a local port."""

    at_ns: int
    """On the wall clock."""
    port: int
    sequence: int
    data: bytes


class Capture:
    """Captures what a local server sends, into memory, without a process that reads along."""

    def __init__(self, server_port: int, megabytes: int = 256) -> None:
        """Start. Raises PermissionError without root."""
        self._sock = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0)
        self._sock.setsockopt(_SOL_PACKET, _VERSION, _V3)
        self._filter(server_port)
        request = struct.pack("=7I", _BLOCK_BYTES, megabytes, 2048, megabytes * _BLOCK_BYTES // 2048, _RETIRE_MS, 0, 0)
        self._sock.setsockopt(_SOL_PACKET, _RX_RING, request)
        self._ring = mmap.mmap(self._sock.fileno(), megabytes * _BLOCK_BYTES)
        self._blocks = megabytes
        self._sock.bind(("lo", _ALL))

    def segments(self) -> list[Segment]:
        """Stop, and return everything captured in order of time."""
        time.sleep(3 * _RETIRE_MS / 1e3)  # until the last block is handed over
        found = [segment for number in range(self._blocks) for segment in self._block(number * _BLOCK_BYTES)]
        self._ring.close()
        self._sock.close()
        return sorted(found)

    def _filter(self, server_port: int) -> None:
        """Keep only packets from this port, as they are sent."""
        code = [
            (0x20, 0, 0, _ANCILLARY_TYPE),  # load the packet's type
            (0x15, 0, 3, 4),  # if it leaves ...
            (0x28, 0, 0, 20),  # load the source port behind an IP header without options
            (0x15, 0, 1, server_port),
            (0x06, 0, 0, 0xFFFF),  # keep it whole
            (0x06, 0, 0, 0),  # or not at all
        ]
        program = mmap.mmap(-1, 4096)
        program.write(b"".join(struct.pack("=HBBI", *line) for line in code))
        address = _address_of(program)
        self._sock.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, struct.pack("@HP", len(code), address))

    def _block(self, at: int) -> Iterator[Segment]:
        _, _, status, packets, first = _BLOCK.unpack_from(self._ring, at)
        at += first
        for _ in range(packets if status & 1 else 0):
            following, seconds, nanoseconds, size, _, _, _, network = _PACKET.unpack_from(self._ring, at)
            packet = self._ring[at + network : at + network + size]
            ip_bytes = (packet[0] & 15) * 4
            length, port = int.from_bytes(packet[2:4]), int.from_bytes(packet[ip_bytes + 2 : ip_bytes + 4])
            data = packet[ip_bytes + (packet[ip_bytes + 12] >> 4) * 4 : length]
            if data:
                sequence = int.from_bytes(packet[ip_bytes + 4 : ip_bytes + 8])
                yield Segment(seconds * 1_000_000_000 + nanoseconds, port, sequence, data)
            at += following


def _address_of(memory: mmap.mmap) -> int:
    return ctypes.addressof(ctypes.c_char.from_buffer(memory))
