"""Made-up runs, for everything that reads recordings; processes and relays of a test's own."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from browsing import chromium
from certificates import Certificates, make_certificates
from hypothesis import settings
from msgspec import structs
from support import LOCUSTFILE, SHORT, Process, Start, present
from zygote import LOCUST, POSSIBLE, RELAY, Zygote, forked

import relayload.fakerelay.process
from relayload.core.metrics.end_cells import Cells
from relayload.core.metrics.fold import Fold
from relayload.core.model.record import Attempt, BreakerState, Drop, End, Line, Outcome, Record, Transition
from relayload.core.model.run import ProfileInfo, RunInfo, StageInfo
from relayload.core.objectives.indicator_counts import ObjectiveCounts
from relayload.core.objectives.indicators import Indicators
from relayload.core.objectives.objective import Objective
from relayload.core.objectives.recorded_run import RecordedRun
from relayload.fakerelay.process import FakeRelay
from relayload.locust_plugin.master_port import MasterPort, workers

if TYPE_CHECKING:
    from playwright.sync_api import Browser

# How long an example takes says how busy the machine is. `.ci/slow` tries more of them, and other ones each time.
settings.register_profile("quick", deadline=None, max_examples=25, derandomize=True)
settings.register_profile("thorough", deadline=None, max_examples=2000)
settings.load_profile("quick")


def pytest_configure() -> None:
    """Have what tests start heed SIGHUP, also where these tests are to outlive their terminal, as under nohup."""
    if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        signal.signal(signal.SIGHUP, lambda *_: None)  # which a process that is started does not inherit


def pytest_collection_finish() -> None:
    """Locust patches the process that it is imported into, after which pytest-xdist waits for ever."""
    if "locust" in sys.modules:
        raise pytest.UsageError("a test file imports Locust: let support.ran_patched do that")


IMPORTS = {
    RELAY: (RELAY, "uvloop"),
    LOCUST: ("locust.main", "relayload.locust_plugin.load", "relayload.report"),
    "relayload": ("relayload.cli", "relayload.verbs", "relayload.profile", "relayload.recording", "relayload.report"),
}
"""What a process has imported before it becomes a module: Locust first, which patches what others import."""
STARTED_BY = {LOCUST: (RELAY,), "relayload": (RELAY, LOCUST)}
"""Of which modules the processes of a module are started by it."""

MakeLine = Callable[..., Line]
MakeRun = Callable[..., RunInfo]
MakeFold = Callable[..., Fold]

_PLAIN: dict[str, Any] = {"worker": 0, "scenario": "simple", "model": "o3", "stage": "steady", "measured": True}


def _request(index: int, service_s: float = 0.5, **changes: Any) -> Record:
    """A streamed request, one a second, sent a millisecond late: 10 tokens, from 100 ms on to the end.

    `retried` are the attempts before the last one; a short-circuited request has none.
    """
    outcome = changes.pop("outcome", Outcome.OK)
    fields = {"intended_at_s": float(index), "late_s": 0.001} | _PLAIN | changes
    answer = {name: fields.pop(name) for name in Attempt.__struct_fields__ if name in fields}
    if outcome is Outcome.OK:
        answer = {"ttft_s": 0.1, "ttfo_s": 0.1, "output_tokens": 10, "input_tokens": 20} | answer
        if answer["ttft_s"] is not None:
            last_token_s = answer["ttft_s"] if answer["output_tokens"] == 1 else service_s
            answer = {"last_token_s": last_token_s, "streamed_tokens": answer["output_tokens"]} | answer
    retried = fields.pop("retried", ())
    attempts = (*retried, Attempt(outcome=outcome, service_s=service_s, **answer))
    if outcome is Outcome.SHORT_CIRCUITED:
        attempts = ()
    fields.setdefault("latency_s", fields["late_s"] + service_s)
    return Record(**({"index": index, "outcome": outcome, "attempts": attempts} | fields))


def _drop(index: int, **changes: Any) -> Drop:
    plain = _PLAIN | {"index": index, "intended_at_s": float(index), "reason": "max_in_flight"}
    return Drop(**(plain | changes))


def _end(worker: int = 0, **changes: Any) -> End:
    return End(**({"worker": worker, "at_s": 100.0, "started": 0, "dropped": 0} | changes))


def _change(at_s: float, before: BreakerState, after: BreakerState, **changes: Any) -> Transition:
    """A breaker's change of state."""
    plain: dict[str, Any] = {"worker": 0, "scope": "o3", "reason": "failure_rate", "enforced": True}
    return Transition(**(plain | {"at_s": at_s, "before": before, "after": after} | changes))


def _run(**changes: Any) -> RunInfo:
    """An open load of 100 s in one measured stage, ended in order."""
    run = RunInfo(
        run_id="run-1",
        profile=ProfileInfo(name="trial", sha256="0" * 64),
        started_at="2026-01-02T03:04:05Z",
        load_kind="open",
        stages=(StageInfo(name="steady", for_s=100.0),),
        workers=1,
        base_url="http://127.0.0.1:8000/v1",
        ended_at_s=100.0,
        ended_by="schedule",
    )
    return structs.replace(run, **changes)


def _folded(
    lines: Iterable[Line], objectives: Iterable[Objective] = (), run: RunInfo | None = None, **options: Any
) -> Fold:
    cells = Cells.of(run) if run else Cells()
    fold = Fold(counts=ObjectiveCounts(objectives, run or _run()), **{"cells": cells, **options})
    fold.extend(lines)
    fold.settle()
    return fold


def _evidence(objectives: Iterable[Objective], lines: Iterable[Line], run: RunInfo, lost: int = 0) -> Indicators:
    """What the gate has of a run."""
    return Indicators(RecordedRun(_folded(lines, objectives, run), run), run, lost)


@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    with chromium() as launched:
        yield launched


@pytest.fixture(scope="session")
def request_line() -> MakeLine:
    """Makes the record of a request; fields of its one attempt may be given beside its own."""
    return _request


@pytest.fixture(scope="session")
def drop_line() -> MakeLine:
    return _drop


@pytest.fixture(scope="session")
def end_line() -> MakeLine:
    return _end


@pytest.fixture(scope="session")
def breaker_line() -> MakeLine:
    return _change


@pytest.fixture(scope="session")
def make_run() -> MakeRun:
    return _run


@pytest.fixture(scope="session")
def folded() -> MakeFold:
    return _folded


@pytest.fixture
def indicators() -> Callable[..., Indicators]:
    return _evidence


@pytest.fixture(scope="session")
def zygotes() -> Iterator[Callable[[str], Zygote | None]]:
    """What the processes of a module are forked from, if they are to be."""
    begun: dict[str, Zygote] = {}

    def zygote(module: str) -> Zygote | None:
        if module in IMPORTS and POSSIBLE and module not in begun:
            started = {other: present(zygote(other)) for other in STARTED_BY.get(module, ())}
            begun[module] = Zygote.start(IMPORTS[module], started)
        return begun.get(module)

    yield zygote
    for each in reversed(begun.values()):  # one that forks relays for others ends after them
        each.end()


def _begun(zygotes: Callable[[str], Zygote | None], module: str) -> Zygote:
    return present(zygotes(module))


@pytest.fixture(scope="session", autouse=True)
def _forked(zygotes: Callable[[str], Zygote | None]) -> Iterator[None]:
    """Fake relays and what a launcher starts are forked, too, but for the `real_relays`."""
    with contextlib.ExitStack() as forking:
        for module in (RELAY, LOCUST) if POSSIBLE else ():
            forking.enter_context(forked(module, partial(_begun, zygotes, module)))
        yield


@pytest.fixture
def real_relays(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fake relays are started as they are elsewhere."""
    monkeypatch.setattr(relayload.fakerelay.process, "subprocess", subprocess)


@pytest.fixture
def start(tmp_path: Path, zygotes: Callable[[str], Zygote | None]) -> Iterator[Start]:
    """Starts processes in the test's own directory and ends them after it: `python -m ARGUMENTS`.

    Locust and relayload are forked, since to import them takes long. With `anew` they start as they do elsewhere, as
    does what has variables that Python itself reads.
    """
    started: list[Process] = []

    def starter(*arguments: str | Path, anew: bool = False, **environ: str) -> Process:
        anew = anew or any(name.startswith("PYTHON") for name in environ)
        zygote = None if anew else zygotes(str(arguments[0]))
        log = f"process-{len(started)}.log"
        started.append(Process(list(map(str, arguments)), tmp_path, {**os.environ, **environ}, log, zygote))
        return started[-1]

    yield starter
    for process in started:
        process.end()
        print(process.output)  # noqa: T201 -- pytest shows it where the test failed


@pytest.fixture
def locust(start: Start) -> Iterator[Start]:
    """Starts Locust headless with our locustfile, in as many `processes` as are asked for."""
    with contextlib.ExitStack() as kept:

        def starter(*arguments: str | Path, processes: int = 1, **more: Any) -> Process:
            several = workers(processes, kept.enter_context(MasterPort()).number)
            command = ("locust", "-f", LOCUSTFILE, "--headless", "--only-summary")
            return start(*command, *several, *arguments, **more)

        yield starter


@pytest.fixture
def port() -> Iterator[int]:
    """A free port for a process of the test's own; nobody else gets it meanwhile."""
    with MasterPort() as kept:
        yield kept.number


@pytest.fixture
def profile(tmp_path: Path) -> Callable[..., Path]:
    """Writes a profile of a load that takes a quarter of a second more."""

    def write(arrivals: str = "poisson", seconds: int = 1, more: str = "") -> Path:
        path = tmp_path / "short.yaml"
        path.write_text(SHORT.format(arrivals=arrivals, seconds=seconds) + more)
        return path

    return write


@pytest.fixture
def relay() -> Iterator[FakeRelay]:
    """A fake relay of the test's own, whose account can be asked for."""
    with FakeRelay.start() as started:
        yield started


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """An authority of our own, and what it has signed."""
    return make_certificates(tmp_path_factory.mktemp("certificates"))
