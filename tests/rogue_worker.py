"""A stranger at a master's port: joins as Locust's workers do, and sends all that could change or end a run.

    python -m rogue_worker PORT MASTER_PUBLIC_KEY|- VICTIM...

It has no secret, though it may have got hold of the master's public key. Prints what it was sent.
"""

import locust
from locust.rpc import Message, zmqrpc

import sys
import time

import msgspec
import zmq

NAME = "rogue_worker"
REPORT = {"user_classes_count": {"Simple": 1000}, "user_count": 1000, "stats": [], "stats_total": {}, "errors": {}}
HEARTBEAT = {"state": "running", "current_cpu_usage": 100, "current_memory_usage": 0}


def messages(victims: list[str]) -> list[Message]:
    """What a worker may send, in the names of the rogue and of each victim."""
    packed = {"packed": msgspec.msgpack.encode({})}
    kinds = ("ready", "renew", "snapshot", "records", "clock", "content_wanted")
    return [
        Message(kind, data, name)
        for name in (NAME, *victims)
        for kind, data in (
            ("client_ready", locust.__version__),
            ("spawning", None),
            ("spawning_complete", REPORT),
            ("heartbeat", HEARTBEAT),
            ("stats", REPORT),
            ("exception", {"msg": "rogue", "traceback": "rogue"}),
            ("logs", {"worker_id": name, "logs": ["rogue"]}),
            ("client_stopped", None),
            ("quit", None),
            *((f"relayload_{each}", packed) for each in kinds),
        )
    ]


def main(port: int, key: str | None, victims: list[str]) -> None:
    secured = zmq.curve_keypair() if key else None
    made = zmqrpc.BaseSocket.__init__

    def make(self: zmqrpc.BaseSocket, sock_type: int, ipv4_only: bool) -> None:
        made(self, sock_type, ipv4_only)
        if secured and key:
            self.socket.curve_serverkey = key.encode()
            self.socket.curve_publickey, self.socket.curve_secretkey = secured

    zmqrpc.BaseSocket.__init__ = make  # type: ignore[method-assign]
    client = zmqrpc.Client("127.0.0.1", port, NAME)
    print("begun", flush=True)  # noqa: T201 -- the test waits for it
    until_s = time.monotonic() + 60
    while time.monotonic() < until_s:
        for message in messages(victims):
            if client.socket.poll(0, zmq.POLLOUT):
                client.socket.send(message.serialize(), zmq.NOBLOCK)
        while client.socket.poll(50):
            print("was sent", client.socket.recv(), flush=True)  # noqa: T201 -- what the test is about


if __name__ == "__main__":
    main(int(sys.argv[1]), None if sys.argv[2] == "-" else sys.argv[2], sys.argv[3:])
