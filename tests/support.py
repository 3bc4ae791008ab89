"""What tests with real processes share."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any, TypeVar
from urllib.request import Request, urlopen

import gevent
import pytest
from zygote import Fork, Zygote

from relayload.core.wire.request import Timeouts
from relayload.fakerelay.process import FakeRelay

PATIENCE_S = 300.0
"""What takes longer hangs, however busy the machine is. Only a test that fails waits so long."""
PATIENT = Timeouts(connect_s=PATIENCE_S, total_s=PATIENCE_S)
"""Of a request that no timeout shall end."""
SHORT_S = 1.0
"""A timeout that shall pass, but leaves a busy machine time for what has to come before."""
ROOT = Path(__file__).parents[1]
LOCUSTFILE = ROOT / "locustfiles" / "relay.py"
SIDE_ENTRIES = frozenset(("ttft", "tpot", "breaker"))
"""The types of the rows of Locust's tables that count no requests."""
SHORT = """
name: short
seed: 3
load:
  kind: open
  arrivals: {arrivals}
  stages:
    - {{name: warm, for: 250ms, rate: 20/s, warmup: true}}
    - {{name: steady, for: {seconds}s, rate: 20/s}}
scenarios:
  simple: {{weight: 3, model: o3, prompt: simple, max_output_tokens: 20}}
  plain: {{model: o4, prompt: code, stream: false, max_output_tokens: 20}}
generator: {{late: 10s, late_share: 100%, loop_lag: 10s}} # these tests are not about a busy machine
objectives: [errors.rate < 50%, ttft.p50 < 10s]
"""


class HttpServer(ThreadingHTTPServer):
    """Python's own, for as many connections at once as a load opens."""

    request_queue_size = 128  # with 5, as by default, a busy machine refuses some
    daemon_threads = True


class Process:
    """A process started for a test; killed at its end if it still runs."""

    def __init__(
        self,
        arguments: Sequence[str],
        cwd: Path,
        environ: Mapping[str, str],
        log: str,
        zygote: Zygote | None = None,
    ) -> None:
        """`python -m ARGUMENTS`; a fork of the zygote, or started anew where there is none."""
        self._log = cwd / log
        with self._log.open("wb") as output, Path(os.devnull).open() as nothing:
            if zygote is not None:
                streams = [nothing.fileno(), output.fileno(), output.fileno()]
                self.popen: Fork | subprocess.Popen = zygote.fork(arguments, cwd, environ, streams)
                return
            self.popen = subprocess.Popen(
                [sys.executable, "-m", *arguments],
                cwd=cwd,
                env=environ,
                stdout=output,
                stderr=output,
                stdin=nothing,
                start_new_session=True,
                # A shell's background job, as which tests may run, ignores Ctrl-C and hands that on.
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler) and None,
            )

    @property
    def output(self) -> str:
        return self._log.read_text(encoding="utf-8", errors="replace")

    def wait(self, timeout_s: float = PATIENCE_S) -> int:
        return self.popen.wait(timeout_s)

    def signal(self, number: signal.Signals) -> None:
        self.popen.send_signal(number)

    def end(self) -> None:
        if self.popen.poll() is None:
            os.killpg(self.popen.pid, signal.SIGKILL)
            self.popen.wait(PATIENCE_S)


Start = Callable[..., Process]
T = TypeVar("T")


def present(value: T | None) -> T:
    """A value that may be missing, where the test takes it to be there and else fails."""
    assert value is not None
    return value


def asked(url: str, data: bytes | None = None, headers: dict[str, str] | None = None) -> Any:
    with urlopen(Request(url, data, headers or {}), timeout=PATIENCE_S) as response:
        body = response.read()
    return json.loads(body) if body[:1] in (b"{", b"[") else body.decode()


def relay_stats(relay: FakeRelay) -> Any:
    """The relay's own account of what it was asked."""
    return asked(relay.base_url.removesuffix("/v1") + "/__relay/stats")


def saved(run_dir: Path, name: str) -> Any:
    return json.loads((run_dir / name).read_text())


def wait_for(condition: Callable[[], object], timeout_s: float = PATIENCE_S) -> None:
    """Until something is so; a test fails if it does not become so."""
    until_s = time.monotonic() + timeout_s
    while time.monotonic() < until_s:
        if condition():
            return
        time.sleep(0.05)
    pytest.fail("waited in vain")


def until(condition: Callable[[], object]) -> None:
    """`wait_for`, while other greenlets go on."""
    with gevent.Timeout(PATIENCE_S):
        while not condition():
            gevent.sleep(0.005)


def records(run_dir: Path) -> int:
    """Lines written so far, without those of audited answers."""
    written = [path.read_bytes() for path in run_dir.glob("records-*.jsonl")]
    return sum(lines.count(b"\n") - lines.count(b'"line":"audited"') for lines in written)


def children(process: Process) -> list[int]:
    """The worker processes that Locust forked: those that have written records are among them."""
    pid = process.popen.pid
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [
        int(child) for child in found if b"\0relayload.fakerelay\0" not in Path(f"/proc/{child}/cmdline").read_bytes()
    ]


def ran_patched(script: str, *arguments: object) -> str:
    """What a script prints that imports Locust, which patches its process: none that a test may run in."""
    command = [sys.executable, "-c", script, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout
