"""Starting a process and taking it along, with one that is not Locust."""

import os
import signal
import sys
from dataclasses import dataclass
from inspect import getattr_static
from pathlib import Path

import pytest

from relayload.core.errors import AuthorError
from relayload.core.model.progress import Progress
from relayload.locust_plugin.early import LOG_NAME
from relayload.locust_plugin.launch import Launch, run

TELLS_ITS_SIGNAL = """
import signal, sys, time
for number in (signal.SIGINT, signal.SIGTERM):
    signal.signal(number, lambda number, _: sys.exit(int(number)))
print("ready", flush=True)
time.sleep(60)
"""
ASLEEP = "print('ready', flush=True); import time; time.sleep(60)"
SIGNALS = [signal.SIGINT, signal.SIGTERM]


@dataclass(frozen=True)
class Script(Launch):
    """Python instead of Locust."""

    text: str = ""

    @property
    def command(self) -> list[str]:
        return [sys.executable, "-c", self.text]


def _interrupted(run_dir: Path, text: str, number: signal.Signals) -> int:
    """The exit code of a run that this process is told to end once it is ready."""

    def watch(_: Progress | None) -> None:
        if "ready" in (run_dir / LOG_NAME).read_text():
            os.kill(os.getpid(), number)

    return run(Script(Path("p.yaml"), (), run_dir, text=text), watch)


@pytest.mark.parametrize("number", SIGNALS)
def test_a_process_that_does_not_record_yet_is_ended_without_a_word(tmp_path: Path, number: signal.Signals):
    assert _interrupted(tmp_path, ASLEEP, number) == 128 + number
    assert (tmp_path / LOG_NAME).read_text() == "ready\n"


@pytest.mark.parametrize("number", SIGNALS)
def test_a_process_that_records_gets_the_signal_itself(tmp_path: Path, number: signal.Signals):
    (tmp_path / "run.json").write_text("{}")
    assert _interrupted(tmp_path, TELLS_ITS_SIGNAL, number) == number


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_that_comes_before_the_process_is_not_lost(tmp_path: Path, number: signal.Signals, monkeypatch):
    real = getattr_static(Script, "command").fget

    def command(launch: Script) -> list[str]:
        os.kill(os.getpid(), number)
        return real(launch)

    monkeypatch.setattr(Script, "command", property(command))
    assert run(Script(Path("p.yaml"), (), tmp_path, text=ASLEEP), lambda _: None) == 128 + number


def test_the_signals_are_as_before_once_it_has_ended(tmp_path: Path):
    before = [signal.getsignal(number) for number in SIGNALS]
    assert run(Script(Path("p.yaml"), (), tmp_path, text="raise SystemExit(3)"), lambda _: None) == 3
    assert [signal.getsignal(number) for number in SIGNALS] == before


def test_a_directory_that_can_not_be_written_to_is_the_authors_fault(tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(AuthorError, match=r"file/run: can't be written to: Not a directory"):
        run(Script(Path("p.yaml"), (), tmp_path / "file" / "run", text=ASLEEP), lambda _: None)


LISTENS = """
import socket, sys
port = int(sys.argv[sys.argv.index("--master-bind-port") + 1])
try:
    socket.socket().bind(("127.0.0.1", port))
except OSError:
    print("kept", flush=True)
socket.create_server(("127.0.0.1", port)).close()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="other systems can't keep a port for somebody")
def test_the_port_that_several_processes_meet_at_is_kept_for_them(tmp_path: Path):
    assert run(Script(Path("p.yaml"), (), tmp_path, 2, text=LISTENS), lambda _: None) == 0
    assert (tmp_path / LOG_NAME).read_text() == "kept\n"
