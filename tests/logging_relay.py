"""A small relay that logs what it receives, independent of the fake one: `python logging_relay.py HOST LOG [SECONDS]`.

Prints its port. It answers every request after 50 ms, or so many seconds, with `COMPLETION`, and writes a JSON line for
each before: the number that its prompt says (`arrival 17`), a hash of its body, the address it came from, and the
instant at which the kernel received it, so that a busy machine does not blur the order. A thread for each connection is
enough for some hundred requests a second.
"""

import hashlib
import json
import re
import socket
import struct
import sys
import threading
import time
from pathlib import Path
from typing import TextIO

from completion import COMPLETION, MODELS

_SO_TIMESTAMPNS = 35
_TIMESPEC = struct.Struct("@ll")
_LATENCY_S = float(sys.argv[3]) if len(sys.argv) > 3 else 0.05
_NUMBER = re.compile(rb"arrival (\d+)")
_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_ANSWER, _MODELS = (json.dumps(content).encode() for content in (COMPLETION, MODELS))


def serve(host: str, log: TextIO) -> None:
    with socket.create_server((host, 0), backlog=1024) as listener:
        sys.stdout.write(f"{listener.getsockname()[1]}\n")
        sys.stdout.flush()
        while True:
            connection, (peer, *_) = listener.accept()
            threading.Thread(target=_answer_all, args=(connection, peer, log), daemon=True).start()


def _answer_all(connection: socket.socket, peer: str, log: TextIO) -> None:
    connection.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    data = b""
    try:
        while True:
            while b"\r\n\r\n" not in data:
                data, at_ns = _more(connection, data)
            head, _, body = data.partition(b"\r\n\r\n")
            length = int(found[1]) if (found := _LENGTH.search(head)) else 0
            while len(body) < length:
                body, at_ns = _more(connection, body)
            body, data = body[:length], body[length:]
            if number := _NUMBER.search(body):
                line = {"index": int(number[1]), "sha": hashlib.sha1(body).hexdigest(), "peer": peer, "at_ns": at_ns}
                log.write(f"{json.dumps(line)}\n")  # one write each
                time.sleep(_LATENCY_S)
            _send(connection, _ANSWER if length else _MODELS)
    except OSError:
        pass  # whoever hangs up has what it came for
    finally:
        connection.close()


def _more(connection: socket.socket, data: bytes) -> tuple[bytes, int]:
    """Return the data with what comes next, and when that was received."""
    piece, ancillary, _, _ = connection.recvmsg(65536, socket.CMSG_SPACE(_TIMESPEC.size))
    if not piece:
        raise ConnectionResetError
    seconds, nanoseconds = _TIMESPEC.unpack(ancillary[0][2]) if ancillary else divmod(time.time_ns(), 10**9)
    return data + piece, seconds * 10**9 + nanoseconds


def _send(connection: socket.socket, body: bytes) -> None:
    head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    connection.sendall(head.encode() + body)


if __name__ == "__main__":
    with Path(sys.argv[2]).open("a", buffering=1) as file:
        serve(sys.argv[1], file)
