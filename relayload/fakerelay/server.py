"""Running the relay: sockets, workers, and an end that leaves nothing behind."""

import asyncio
import contextlib
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import uvicorn

from relayload.core.errors import AuthorError, Fault
from relayload.fakerelay.app import FakeRelayApp
from relayload.fakerelay.behavior import Behavior
from relayload.fakerelay.preset import Preset
from relayload.fakerelay.wire import RelayProtocol

BACKLOG = 2048


@dataclass(frozen=True, slots=True)
class Options:
    """How a relay is run."""

    host: str
    port: int
    api_key: str
    exit_with_stdin: bool = False


class RelayServer(uvicorn.Server):
    """uvicorn, except that it ends at once and quietly, and says when it is ready."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None], exit_with_stdin: bool) -> None:
        super().__init__(config)
        self._ready = ready
        self._parent = os.getppid() if exit_with_stdin else None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self._parent is not None:
            threading.Thread(target=self._watch_stdin, args=(asyncio.get_running_loop(),), daemon=True).start()
        self._ready()

    async def on_tick(self, counter: int) -> bool:
        # A brother that was forked from our parent may hold our stdin open: its own end is watched as well.
        if self._parent is not None and os.getppid() != self._parent:
            return True
        return await super().on_tick(counter)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """End on SIGINT and SIGTERM, with exit code 0: uvicorn would raise the signal again."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._stop)
        yield

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for connection in list(self.server_state.connections):
            connection.transport.abort()  # answers under way are cut: nobody waits for a fake
        self.force_exit = True
        await super().shutdown(sockets)

    def _stop(self) -> None:
        self.should_exit = True

    def _watch_stdin(self, loop: asyncio.AbstractEventLoop) -> None:
        while os.read(0, 4096):
            pass
        loop.call_soon_threadsafe(self._stop)


def serve(preset: Preset, options: Options, announce: Callable[[str], None]) -> None:
    """Serve until a signal, or the end of stdin. Raises AuthorError where the address can't be had."""
    listener = _listener(options)
    url = f"http://{_url_host(options.host)}:{listener.getsockname()[1]}/v1"
    app = FakeRelayApp(Behavior(preset), options.api_key)
    line = f"fake relay '{preset.name}' listening on {url} (this is a fake: made-up answers)"
    server = RelayServer(_config(app), partial(announce, line), options.exit_with_stdin)
    server.run(sockets=[listener])


def _config(app: FakeRelayApp) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=RelayProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        headers=[("server", "relayload-fake-relay")],
        timeout_keep_alive=75,
        backlog=BACKLOG,
    )


def _listener(options: Options) -> socket.socket:
    try:
        family, _, _, _, address = socket.getaddrinfo(options.host, options.port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError as error:
        place = f"{options.host}:{options.port}"
        raise AuthorError([Fault(f"cannot listen on {place}: {error.strerror}")]) from error
    return listener


def _url_host(host: str) -> str:
    return f"[{host}]" if ":" in host else host
