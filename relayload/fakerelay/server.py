"""Runs the relay: sockets, workers and a clean end."""

import asyncio
import contextlib
import gc
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import uvicorn

from relayload import clock
from relayload.fakerelay.address import Address
from relayload.fakerelay.app import FakeRelayApp
from relayload.fakerelay.counting import read_vocabulary
from relayload.fakerelay.listener_faults import ListenerFaults
from relayload.fakerelay.preset import Preset
from relayload.fakerelay.recorder import Recorder
from relayload.fakerelay.ticker import Ticker
from relayload.fakerelay.wire import RelayProtocol
from relayload.fakerelay.workers import serve_many

BACKLOG = 4096


@dataclass(frozen=True, slots=True)
class Options:
    """The options of a relay process."""

    host: str
    port: int
    api_keys: tuple[str, ...]
    workers: int = 1
    record: Path | None = None
    exit_with_stdin: bool = False


class RelayServer(uvicorn.Server):
    """A uvicorn server that ends at once and quietly, and can stop listening temporarily."""

    def __init__(self, app: FakeRelayApp, address: Address, ready: Callable[[], None], watch_stdin: bool) -> None:
        super().__init__(_config(app))
        self._app = app
        self._address = address
        self._ready = ready
        self._watches_stdin = watch_stdin
        self._parent = os.getppid()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        ticker = Ticker()
        listener_faults = ListenerFaults(ticker, self)
        self._app.open(ticker, listener_faults)
        await super().startup(sockets)
        listener_faults.begin()
        _tame_garbage_collection()
        threading.Thread(target=read_vocabulary, daemon=True).start()  # before a request waits for it
        if self._watches_stdin:
            threading.Thread(target=self._await_stdin, args=(asyncio.get_running_loop(),), daemon=True).start()
        self._ready()

    async def on_tick(self, counter: int) -> bool:
        # A process forked from our parent may hold our stdin open, so the parent itself is watched, too.
        if self._watches_stdin and os.getppid() != self._parent:
            return True
        return await super().on_tick(counter)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """End on SIGINT and SIGTERM with exit code 0; uvicorn would raise the signal again."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._stop)
        yield

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for connection in list(self.server_state.connections):
            connection.transport.abort()  # running answers are cut off
        self.force_exit = True
        await super().shutdown(sockets)

    def shut(self) -> None:
        """Stop listening. Idle connections are closed, running requests completed."""
        for server in self.servers:
            server.close()
        self.servers = []
        for connection in list(self.server_state.connections):
            connection.shutdown()

    async def reopen(self) -> None:
        """Listen again at the same address."""
        listener = self._address.listener()
        loop = asyncio.get_running_loop()
        self.servers = [await loop.create_server(self._protocol, sock=listener, backlog=BACKLOG)]

    def _protocol(self) -> asyncio.Protocol:
        return RelayProtocol(self.config, self.server_state, {})

    def _stop(self) -> None:
        self.should_exit = True

    def _await_stdin(self, loop: asyncio.AbstractEventLoop) -> None:
        while os.read(0, 4096):
            pass
        loop.call_soon_threadsafe(self._stop)


def _tame_garbage_collection() -> None:
    """Exclude imported objects from garbage collection, and collect old ones rarely: each pass stops all streams."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(2_000, 20, 1_000)


def _config(app: FakeRelayApp) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=RelayProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        log_level="error",  # invalid requests are reported to the client only
        access_log=False,
        server_header=False,
        headers=[("server", "relayload-fake-relay")],
        timeout_keep_alive=75,
        backlog=BACKLOG,
    )


def serve(preset: Preset, options: Options, announce: Callable[[str], None]) -> None:
    """Serve until a signal or the end of stdin. Raises AuthorError if the address is not available."""
    address = Address.of(options.host, options.port, shared=options.workers > 1)
    recorder = Recorder(options.record) if options.record else None
    line = f"fake relay '{preset.name}' listening on {address.base_url} (this is a fake: made-up answers)"
    started_at_s = clock.now_s()

    def serve_one(worker: int, ready: Callable[[], None], watch_stdin: bool) -> None:
        app = FakeRelayApp(preset, options.api_keys, worker=worker, started_at_s=started_at_s, recorder=recorder)
        server = RelayServer(app, address, ready, watch_stdin)
        server.run(sockets=[address.listener()])

    if options.workers == 1:
        serve_one(0, lambda: announce(line), options.exit_with_stdin)
    else:
        serve_many(options.workers, serve_one, lambda: announce(line), watch_stdin=options.exit_with_stdin)
