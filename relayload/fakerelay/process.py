"""Runs the fake relay as a separate process, for tests and calibration.

It uses only the standard library, in ways that also work when gevent has patched it.
"""

import contextlib
import json
import os
import re
import select
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Sequence
from types import TracebackType
from typing import IO, Self

from relayload.fakerelay.command import KEY_VARIABLE
from relayload.fakerelay.request_log import KEPT_ENTRIES, request_id

_READY = re.compile(rb"listening on (http://\S+/v1)")
_START_TIMEOUT_S = 60.0
"""Starting takes about one second on an idle machine."""
_STOP_TIMEOUT_S = 15.0
_WITHOUT_PROXY = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class FakeRelay:
    """A running fake relay. It ends with the process that started it, even if that is killed."""

    def __init__(self, process: "subprocess.Popen[bytes]", errors: IO[bytes]) -> None:
        self._process = process
        self._errors = errors
        self._owner = os.getpid()
        self.base_url = ""

    @classmethod
    def start(
        cls,
        preset: str = "o-series",
        *,
        sets: Sequence[str] = (),
        port: int = 0,
        api_key: str = "sk-fake",
        timeout_s: float = _START_TIMEOUT_S,
    ) -> "FakeRelay":
        """Start a relay that takes a key, or several separated by spaces, and wait until it answers.

        Raises RuntimeError with its output if it does not.
        """
        relay = cls.begin(preset, sets=sets, port=port, api_key=api_key)
        relay.await_ready(timeout_s)
        return relay

    @classmethod
    def begin(
        cls, preset: str = "o-series", *, sets: Sequence[str] = (), port: int = 0, api_key: str = "sk-fake"
    ) -> "FakeRelay":
        """Start a relay without waiting. It has no base URL until it is ready."""
        errors = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the relay: a full pipe would stop it
        process = subprocess.Popen(
            _arguments(preset, sets, port),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            env={**os.environ, KEY_VARIABLE: api_key},
            start_new_session=True,  # a terminal's Ctrl-C is for the load; the relay ends after it, with its stdin
        )
        return cls(process, errors)

    def await_ready(self, timeout_s: float = _START_TIMEOUT_S) -> str:
        """Wait until it answers, and return its base URL. Raises RuntimeError with its output if it does not."""
        if not self.base_url:
            found = _await_base_url(self._process, timeout_s)
            if found is None:
                output = self._end_and_read_output()
                raise RuntimeError(
                    f"the fake relay did not start: {output or f'it said nothing within {timeout_s:g} s'}"
                )
            self.base_url = found
        return self.base_url

    @property
    def pid(self) -> int:
        """The process id of the relay."""
        return self._process.pid

    def first_byte_ns(self) -> dict[str, int | None]:
        """Return when the first tokens of the last answers were written, in ns since the Unix epoch, by request id.

        For an answer that is not streamed, it is the first byte. None if there was none yet.
        """
        url = f"{self.base_url.removesuffix('/v1')}/__relay/requests?last={KEPT_ENTRIES}"
        with _WITHOUT_PROXY.open(url) as response:
            entries = json.load(response)
        return {request_id(entry["number"]): entry["first_byte_ns"] for entry in entries if entry["number"]}

    def stop(self) -> None:
        """Stop the relay and wait for its end. Does nothing in a fork of the process that started it."""
        if os.getpid() == self._owner:
            self._end()
            self._close()

    def _end_and_read_output(self) -> str:
        """Stop the relay and return its error output."""
        self._end()
        self._errors.seek(0)
        output = self._errors.read().decode(errors="replace").strip()
        self._close()
        return output

    def _end(self) -> None:
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(_STOP_TIMEOUT_S)
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def _close(self) -> None:
        for pipe in (self._process.stdin, self._process.stdout, self._errors):
            if pipe is not None:
                pipe.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()


def _arguments(preset: str, sets: Sequence[str], port: int) -> list[str]:
    options = [f"--set={assignment}" for assignment in sets]
    return [
        *(sys.executable, "-m", "relayload.fakerelay", "--exit-with-stdin"),
        *(f"--preset={preset}", f"--port={port}"),
        *options,
    ]


def _await_base_url(process: "subprocess.Popen[bytes]", timeout_s: float) -> str | None:
    """Return the URL that the relay prints when it accepts connections; None if it ends or takes too long."""
    assert process.stdout is not None
    deadline_s = time.monotonic() + timeout_s
    output = b""
    while True:
        readable, _, _ = select.select([process.stdout.fileno()], [], [], max(0.0, deadline_s - time.monotonic()))
        piece = os.read(process.stdout.fileno(), 4096) if readable else b""
        if not piece:
            return None
        output += piece
        match = _READY.search(output)
        if match and output.endswith(b"\n"):
            return match[1].decode()
