"""Every way in which a run can end: its exit code, its sums, what the relay saw, and that nobody is left.

Each is tried once by `relayload run` or `locust`; with `-m slow` by both, in one process and in four, in an open load
and in a closed one.
"""

import json
import os
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from ending_run import ARRIVALS, USERS, EndingRun, Way, parent
from support import ROOT, wait_for

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")

QUICK = Way()
ALL = [Way(*way) for way in product(("relayload", "locust"), (1, 4), ("open", "closed"))]
IN_FLIGHT_S = 30.0
"""Answers that are not awaited to the end."""
LONG_S = 15.0
"""On a busy machine workers may need seconds to begin."""
PASSED, CRASHED, FAILED, UNPROVEN, STOPPED = 0, 1, 3, 4, 5


@dataclass(frozen=True)
class Ending:
    """How a run is ended, and what comes of it."""

    code: int
    """The exit code of the run."""
    ended_by: str | None
    does: Callable[[EndingRun], None] = lambda _: None
    gate: int = UNPROVEN
    """The exit code of `relayload gate` afterwards."""
    told: str = ""
    """What the user reads, or the gate says."""
    latency_s: float = 0.05
    seconds: float = 120
    options: tuple[str, ...] = ()
    prefix: tuple[str, ...] = ()
    forgets: bool = False
    """Nobody knows what was sent in its last half second."""
    quick: Way | None = QUICK
    """The way that is tried without `-m slow`; None where other tests do so."""
    ways: tuple[Way, ...] = tuple(ALL)


def _signals(*numbers: signal.Signals) -> Callable[[EndingRun], None]:
    return lambda run: run.signal(*numbers)


HUP, INT, TERM, KILL = signal.SIGHUP, signal.SIGINT, signal.SIGTERM, signal.SIGKILL
LOCUST_4, LOCUST_1 = Way("locust", 4), Way("locust", 1)
OF_LOCUST = tuple(way for way in ALL if way.command == "locust")
OF_RELAYLOAD = tuple(way for way in ALL if way.command == "relayload")
ABORT = ("--set", "objectives=[{expr: latency.p99 < 1ms, abort: true, abort_after: 1s}]")
CAP = ("--set", "guardrails.max_requests=60")
NO_OVERRIDE = ("setpriv", "--bounding-set=-dac_override")
"""Root may write where nobody may, unless it is told not to."""

ENDINGS = {
    "schedule": Ending(PASSED, "schedule", gate=PASSED, seconds=LONG_S, quick=None),
    "run time": Ending(UNPROVEN, "stop", options=("--run-time", "15s"), ways=OF_LOCUST, quick=None),
    "guardrail": Ending(STOPPED, "guardrail", gate=STOPPED, options=CAP, told="60 requests", quick=None),
    "objective": Ending(FAILED, "objective", gate=FAILED, options=ABORT, told="stopped early", quick=None),
    "Ctrl-C": Ending(130, "sigint", _signals(INT), told="Ctrl-C ended the run"),
    "Ctrl-C twice": Ending(130, "sigint", _signals(INT, INT), latency_s=IN_FLIGHT_S, quick=LOCUST_4),
    "SIGTERM": Ending(143, "sigterm", _signals(TERM), told="SIGTERM ended the run", quick=LOCUST_1),
    "SIGTERM twice": Ending(143, "sigterm", _signals(TERM, TERM), latency_s=IN_FLIGHT_S, quick=None),
    "SIGHUP": Ending(129, "sighup", _signals(HUP), told="SIGHUP ended the run"),
    "SIGHUP under nohup": Ending(
        PASSED, "schedule", _signals(HUP), gate=PASSED, seconds=LONG_S, prefix=("nohup",), quick=LOCUST_1
    ),
    "disk full": Ending(
        CRASHED, "crash", prefix=("prlimit", "--fsize=90000"), told="records-[0-9].jsonl: can't be written: "
    ),
    "directory removed": Ending(
        CRASHED, None, lambda run: shutil.rmtree(run.out), gate=2, told="removed while|No such file", quick=LOCUST_1
    ),
    "`relayload run` killed": Ending(
        137,
        "launcher",
        _signals(KILL),
        told="the death of the relayload process that started it ended",
        ways=OF_RELAYLOAD,
    ),
    "Locust killed": Ending(
        CRASHED,
        None,
        lambda run: run.kill_locust(),
        told="relayload: SIGKILL ended Locust: [^ ]*/run has what was recorded until then",
        forgets=True,
        ways=OF_RELAYLOAD,
    ),
    "directory read-only": Ending(
        CRASHED, None, lambda run: run.out.chmod(0o555), prefix=NO_OVERRIDE, told="Permission denied"
    ),
}


def _cases() -> Iterator[Any]:
    for name, ending in ENDINGS.items():
        for way in ending.ways:
            marks = () if way == ending.quick else (pytest.mark.slow,)
            yield pytest.param(ending, way, id=f"{name}-{way}", marks=marks)


@pytest.mark.parametrize(("ending", "way"), list(_cases()))
def test_a_run_ends_in_order(ending: Ending, way: Way, tmp_path: Path) -> None:
    if ending.prefix and shutil.which(ending.prefix[0]) is None:
        pytest.skip(f"there is no {ending.prefix[0]}")
    with EndingRun(tmp_path, way, latency_s=ending.latency_s, seconds=ending.seconds) as run:
        run.start(*ending.options, prefix=ending.prefix)
        run.wait_until_sent()
        ending.does(run)
        assert run.wait() == ending.code, run.said
        gate = run.judged()
        assert gate.returncode == ending.gate, gate.stdout + gate.stderr
        assert re.search(ending.told, " ".join((run.said + gate.stdout).split()))
        assert "Traceback" not in run.said + run.log + gate.stderr
        if run.out.exists():
            assert run.ended_by() == ending.ended_by
            if not ending.forgets:
                _check_sums(run)


def _check_sums(run: EndingRun) -> dict[str, Any]:
    counts: dict[str, Any] = json.loads(run.judged("report", "--json").stdout)["counts"]
    assert counts["offered"] == counts["started"] + counts["dropped"] + counts["lost"]
    assert counts["started"] == sum(counts["by_outcome"].values()) == len(run.requests())
    seen = run.seen()
    assert len(seen) == len(set(seen))
    assert counts["by_outcome"].get("ok", 0) <= len(seen) <= counts["started"] + counts["lost"]
    return counts


@pytest.mark.parametrize("way", [Way("locust", 4), pytest.param(Way("relayload", 4), marks=pytest.mark.slow)], ids=str)
def test_a_third_signal_waits_for_nobody(way: Way, tmp_path: Path) -> None:
    """Two would, for workers that stand still."""
    with EndingRun(tmp_path, way, latency_s=IN_FLIGHT_S) as run:
        run.start()
        run.wait_until_sent()
        workers = [pid for pid in run.left() if parent(pid) != os.getpid() and _children(pid) == []]
        assert len(workers) == way.processes
        for pid in workers:
            os.kill(pid, signal.SIGSTOP)
        run.signal(INT, INT, INT)
        assert run.popen is not None
        assert run.popen.wait() == 130
        for pid in workers:
            os.kill(pid, signal.SIGCONT)
        assert run.wait() == 130
        assert "relayload: a third signal, Ctrl-C, ended the run at once: relayload gate" in run.said
        assert "Traceback" not in run.said + run.log
        gate = run.judged()
        assert gate.returncode == UNPROVEN
        assert "the run was killed" in gate.stdout
        assert "failed, 50% may" not in gate.stdout, "what was cut off is nobody's failure"


def test_what_was_in_flight_when_a_run_was_killed_is_lost(tmp_path: Path) -> None:
    with EndingRun(tmp_path, Way("locust"), latency_s=IN_FLIGHT_S) as run:
        run.start()
        run.wait_until_sent()
        told = run.out / "progress.json"
        wait_for(lambda: told.exists() and json.loads(told.read_bytes())["started"] >= ARRIVALS)
        run.signal(signal.SIGKILL)
        run.wait()
        gate = run.judged()
        assert gate.returncode == UNPROVEN
        assert "the run was killed" in gate.stdout
        counts = json.loads(run.judged("report", "--json").stdout)["counts"]
        assert (counts["started"], counts["dropped"]) == (0, 0)
        assert counts["offered"] == counts["lost"] >= ARRIVALS


@pytest.mark.parametrize(
    ("way", "ignored"),
    [
        (Way("relayload"), False),
        *(pytest.param(way, ignored, marks=pytest.mark.slow) for way in ALL for ignored in (False, True)),
    ],
    ids=str,
)
def test_a_run_whose_terminal_is_lost_ends_in_order_or_goes_on_under_nohup(
    way: Way, ignored: bool, tmp_path: Path
) -> None:
    with EndingRun(tmp_path, way, seconds=LONG_S if ignored else 120) as run:
        pid, terminal = pty.fork()
        if not pid:
            if ignored:
                signal.signal(HUP, signal.SIG_IGN)
            os.chdir(run.folder)
            os.environ.update(TERM="xterm", ENDING_KEY="sk-ending")
            os.execv(sys.executable, run.command())
        wait_for(lambda: _read(terminal) and len(run.seen()) >= USERS)
        os.close(terminal)
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        wait_for(lambda: not run.left())
        assert (code, run.ended_by()) == ((PASSED, "schedule") if ignored else (129, "sighup"))
        _check_sums(run)


@pytest.mark.parametrize("way", [Way(), Way("locust"), pytest.param(LOCUST_4, marks=pytest.mark.slow)], ids=str)
@pytest.mark.parametrize("streams", [">&- 2>&-", "2>&1 | true", "> /dev/null 2> /dev/full"])
def test_a_run_goes_on_when_nobody_reads_what_it_prints(way: Way, streams: str, tmp_path: Path) -> None:
    with EndingRun(tmp_path, way, seconds=3) as run:
        script = f'("$@"; echo $? > code) {streams}'
        run.start(prefix=("bash", "-c", script, "bash"))
        run.wait()
        assert (tmp_path / "code").read_text() == "0\n"
        assert run.ended_by() == "schedule"
        _check_sums(run)


def test_of_two_runs_into_one_directory_the_second_is_refused_and_touches_nothing(tmp_path: Path) -> None:
    with EndingRun(tmp_path, Way()) as run:
        run.start()
        run.wait_until_sent()
        before = run.log
        for option in ([], ["--set", "load.arrivals=poisson"]):
            second = subprocess.run(run.command(*option), cwd=tmp_path, capture_output=True, text=True, check=False,
                                    env={**os.environ, "ENDING_KEY": "sk-ending"})  # fmt: skip
            assert second.returncode == 2
            assert f"{run.out}: already holds a recording: name another directory" in second.stderr
        assert run.log.startswith(before)
        run.signal(INT)
        assert run.wait() == 130
        _check_sums(run)


def test_the_docs_tell_every_ending_with_its_exit_code() -> None:
    page = (ROOT / "docs" / "load.md").read_text(encoding="utf-8")
    rows = [row.split("|")[1:3] for row in page.partition("## Endings")[2].splitlines() if row.startswith("| ")]
    told = {name.strip(): int(code) for name, code in rows if code.strip().isdecimal()}
    assert told == {name: ending.code for name, ending in ENDINGS.items()}


def _read(terminal: int) -> bool:
    """Take what was printed, or a run would wait for that."""
    while select.select([terminal], [], [], 0)[0]:
        os.read(terminal, 65536)
    return True


def _children(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
