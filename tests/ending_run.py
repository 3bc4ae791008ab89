"""A run that is to end in some way, and what is known of it afterwards: by the relay, the recording and the system."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from support import LOCUSTFILE, PATIENCE_S, ROOT, saved, wait_for

from relayload.locust_plugin.master_port import MasterPort, workers

PROFILE = """
name: ending
seed: 5
target: {{base_url: 'http://127.0.0.1:{port}/v1', api_key: '${{env:ENDING_KEY}}'}}
load: {load}
scenarios:
  numbered: {{model: o3, prompt: {{file: prompts.txt, order: file}}, stream: false, max_output_tokens: 20}}
objectives: [errors.rate < 50%]
generator: # these tests are not about a busy machine
  {{late: 10s, late_share: 100%, loop_lag: 10s, drop_share: 100%, lost_share: 100%}}
"""
LOADS = {
    "open": "{{kind: open, arrivals: constant, max_in_flight: 5000, graceful_stop: 60s, {stages}rate: 40/s}}]}}",
    "closed": "{{kind: closed, users: {users}, think_time: 20ms, graceful_stop: 60s, {stages}}}]}}",
}
PROMPTS = 20_000
USERS, ARRIVALS = 8, 40
_ONE_SIGNAL_S = 0.2
"""A SIGTERM that comes sooner after another counts as one with it."""


@dataclass(frozen=True)
class Way:
    """How a run is started: `relayload run`, which launches Locust, or `locust` itself."""

    command: str = "relayload"
    processes: int = 1
    load: str = "open"

    def __str__(self) -> str:
        return f"{self.command}-{self.processes}-{self.load}"


class EndingRun:
    """A relay of its own, and a run against it. Leaving the context ends whatever is left."""

    def __init__(self, folder: Path, way: Way, *, latency_s: float = 0.05, seconds: float = 120) -> None:
        self.folder, self.way = folder, way
        self.out = folder / "run"
        self._seen = folder / "relay.jsonl"
        self._seen.touch()
        command = [sys.executable, str(ROOT / "tests/logging_relay.py"), "127.0.0.1", str(self._seen), str(latency_s)]
        with (folder / "relay.log").open("wb") as errors:
            self._relay = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=errors)
        assert self._relay.stdout is not None
        port = int(self._relay.stdout.readline())
        (folder / "prompts.txt").write_text("".join(f"arrival {number}\n" for number in range(PROMPTS)))
        load = LOADS[way.load].format(users=USERS, stages=f"stages: [{{for: {seconds}s, ")
        self.profile = folder / "ending.yaml"
        self.profile.write_text(PROFILE.format(port=port, load=load))
        self._port = MasterPort()
        self.popen: subprocess.Popen[bytes] | None = None

    def command(self, *options: str) -> list[str]:
        """Options of relayload are `--set`, those of Locust its own."""
        if self.way.command == "relayload":
            own = ["run", str(self.profile), "--out", str(self.out), "--processes", str(self.way.processes)]
            return [sys.executable, "-m", "relayload", *own, *options]
        own = ["-f", str(LOCUSTFILE), "--headless", "--only-summary", "--relay-profile", str(self.profile)]
        own += ["--relay-out", str(self.out), *workers(self.way.processes, self._port.number)]
        return [sys.executable, "-m", "locust", *own, *(option.replace("--set", "--relay-set") for option in options)]

    def start(self, *options: str, prefix: Sequence[str] = (), **streams: Any) -> None:
        with (self.folder / "out").open("wb") as out, (self.folder / "err").open("wb") as err:
            self.popen = subprocess.Popen(
                [*prefix, *self.command(*options)],
                cwd=self.folder,
                env={**os.environ, "ENDING_KEY": "sk-ending"},
                start_new_session=True,
                preexec_fn=_as_in_a_terminal,
                **{"stdin": subprocess.DEVNULL, "stdout": out, "stderr": err, **streams},
            )

    def wait_until_sent(self) -> None:
        """Wait until the relay has received so many requests that the run is well under way."""
        assert self.popen is not None
        requests = USERS if self.way.load == "closed" else ARRIVALS
        popen = self.popen
        wait_for(lambda: len(self.seen()) >= requests or popen.poll() is not None)
        assert popen.poll() is None, self.said

    def signal(self, *numbers: signal.Signals) -> None:
        """Send signals one after the other, each when the one before has had its effect."""
        assert self.popen is not None
        self.popen.send_signal(numbers[0])
        for number, effect in zip(numbers[1:], ("ending the load", "not waiting"), strict=False):
            wait_for(partial(self._has_logged, effect))
            time.sleep(_ONE_SIGNAL_S)
            self.popen.send_signal(number)

    def kill_locust(self) -> None:
        """Kill the process that `relayload run` has started, not those that it has forked."""
        assert self.popen is not None
        (locust,) = (pid for pid in self.left() if parent(pid) == self.popen.pid)
        os.kill(locust, signal.SIGKILL)

    def wait(self) -> int:
        """Wait until it and all that it started have ended, and return its exit code, as a shell has it."""
        assert self.popen is not None
        code = self.popen.wait(PATIENCE_S)
        wait_for(lambda: not self.left())
        return code if code >= 0 else 128 - code

    def _has_logged(self, text: str) -> bool:
        return text in self.log

    @property
    def log(self) -> str:
        """What Locust logs, wherever that is."""
        path = self.out / "locust.log" if self.way.command == "relayload" else self.folder / "err"
        return path.read_text(errors="replace") if path.exists() else ""

    @property
    def said(self) -> str:
        """What a user has seen."""
        return "".join((self.folder / name).read_text(errors="replace") for name in ("out", "err"))

    def seen(self) -> list[int]:
        """The arrivals that the relay has received."""
        lines = self._seen.read_bytes().splitlines()
        return [json.loads(line)["index"] for line in lines if line.endswith(b"}")]

    def left(self) -> list[int]:
        """The processes of the run that are there: they work in its folder."""
        return [pid for pid in _pids() if _cwd(pid) == self.folder]

    def requests(self) -> list[dict[str, Any]]:
        """The requests on record."""
        lines = [line for path in self.out.glob("records-*.jsonl") for line in path.read_bytes().splitlines()]
        return [line for line in map(json.loads, lines) if line["line"] == "request"]

    def ended_by(self) -> str | None:
        found: str | None = saved(self.out, "run.json").get("ended_by")
        return found

    def judged(self, verb: str = "gate", *options: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-m", "relayload", verb, str(self.out), *options]
        return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for pid in self.left():
            os.kill(pid, signal.SIGKILL)
        if self.popen is not None:
            self.popen.wait(PATIENCE_S)
        self._relay.kill()
        self._relay.communicate()
        self._port.close()


def _as_in_a_terminal() -> None:
    """Undo what a shell does to its jobs in the background, as which tests may run."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


def _pids() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdecimal()]


def parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def _cwd(pid: int) -> Path | None:
    try:
        return Path(f"/proc/{pid}/cwd").readlink()
    except OSError:  # it has ended, perhaps without anybody having noticed
        return None
