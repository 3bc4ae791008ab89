"""A relay that recovers slowly: it does all work that it took on, whoever has hung up: `python indebted_relay.py`.

Prints its port. Each request adds `WORK_S` of work and is answered once all before it is done, as by one worker that
never drops anything. So a load above 1 / `WORK_S` leaves a debt, which delays what comes after the load has ended.
"""

import json
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from completion import COMPLETION, MODELS

WORK_S = 0.025


class Debt:
    """The work that is left."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._paid_at_s = 0.0

    def due_in_s(self) -> float:
        """Add a request's work, and return when it will be done."""
        with self._lock:
            now_s = time.monotonic()
            self._paid_at_s = max(now_s, self._paid_at_s) + WORK_S
            return self._paid_at_s - now_s


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    debt = Debt()

    def do_GET(self) -> None:
        self._send(MODELS)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        time.sleep(self.debt.due_in_s())
        self._send(COMPLETION)

    def _send(self, content: object) -> None:
        body = json.dumps(content).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 1024

    def handle_error(self, *_: object) -> None:
        """Whoever hangs up has what it came for."""


if __name__ == "__main__":
    server = Server(("127.0.0.1", 0), Handler)
    sys.stdout.write(f"{server.server_port}\n")
    sys.stdout.flush()
    server.serve_forever()
