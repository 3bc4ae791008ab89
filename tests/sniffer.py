"""Writes what every TCP connection of this host carries, one file for each direction of each: SOURCE-TARGET ports.

    python sniffer.py FOLDER

Prints a line once it listens; ends, with everything written, when its stdin does. Linux only; needs root.
"""

import select
import socket
import sys
from collections import defaultdict
from pathlib import Path

_ALL = 0x0003
_TCP, _IPV4 = 6, 0x0800

Flow = tuple[int, int]


def main(folder: Path) -> None:
    with socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(_ALL)) as sniffed:
        sniffed.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 26)
        print("listening", flush=True)  # noqa: T201 -- the test waits for it
        flows: dict[Flow, dict[int, bytes]] = defaultdict(dict)
        while sys.stdin not in select.select([sniffed, sys.stdin], [], [])[0]:
            packet, address = sniffed.recvfrom(1 << 18)
            if address[1] == _IPV4 and packet[9] == _TCP:
                _take(packet, flows)
    for (source, target), pieces in flows.items():
        (folder / f"{source}-{target}").write_bytes(b"".join(pieces[sequence] for sequence in sorted(pieces)))


def _take(packet: bytes, flows: dict[Flow, dict[int, bytes]]) -> None:
    """Keep the data of a packet by its place in its connection."""
    tcp = packet[(packet[0] & 15) * 4 : int.from_bytes(packet[2:4])]
    source, target, sequence = (int.from_bytes(tcp[at:end]) for at, end in ((0, 2), (2, 4), (4, 8)))
    data = tcp[(tcp[12] >> 4) * 4 :]
    pieces = flows[source, target]
    if len(data) > len(pieces.get(sequence, b"")):
        pieces[sequence] = data


if __name__ == "__main__":
    main(Path(sys.argv[1]))
