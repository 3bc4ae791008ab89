"""Gets hold of the sockets on which Locust's master and workers talk, before they bind or connect."""

import locust
from locust import runners
from locust.rpc import zmqrpc

import inspect
from collections.abc import Callable
from typing import Any, Protocol

import zmq


class Passage(Protocol):
    """What stands between Locust and one of its sockets."""

    socket: Any
    """What Locust uses as its socket."""

    def close(self) -> None:
        """End what goes on beside the socket, which is closed next."""


class Unfit(Exception):
    """This Locust makes its sockets in another way than is known here."""


def misfit() -> str | None:
    """Return why the sockets of this Locust can't be got hold of; None if they can."""
    base: Any = getattr(zmqrpc, "BaseSocket", None)
    known = (
        getattr(runners, "rpc", None) is zmqrpc
        and inspect.isclass(base)
        and all(inspect.isclass(each) and issubclass(each, base) for each in (zmqrpc.Server, zmqrpc.Client))
        and list(inspect.signature(base.__init__).parameters) == ["self", "sock_type", "ipv4_only"]
        and list(inspect.signature(getattr(base, "close", base)).parameters) == ["self", "linger"]
    )
    if known:
        return None
    return f"Locust {locust.__version__} makes its sockets in a way that this version of relayload does not know"


def install(new_passage: Callable[[Any], Passage]) -> None:
    """Have every socket that Locust makes from now on go through a passage. Raises Unfit."""
    if why := misfit():
        raise Unfit(why)
    base: Any = zmqrpc.BaseSocket
    made, closed = base.__init__, base.close

    def make(self: Any, sock_type: int, ipv4_only: bool) -> None:
        made(self, sock_type, ipv4_only)
        if self.socket.type not in (zmq.ROUTER, zmq.DEALER) or self.socket.last_endpoint:
            raise Unfit(f"Locust {locust.__version__} has connected its socket before it could be secured")
        self.passage = new_passage(self.socket)
        self.socket = self.passage.socket

    def close(self: Any, linger: int | None = None) -> None:
        self.passage.close()
        closed(self, linger)

    base.__init__, base.close = make, close


def passage_of(runner: Any) -> Any:
    """Return the passage of a master's or worker's socket; None if it went through none."""
    return getattr(getattr(runner, "server", None) or getattr(runner, "client", None), "passage", None)
