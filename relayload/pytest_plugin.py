"""pytest fixtures for load tests in a test suite: whole runs with their verdicts, and a fake relay.

Runs and relays are separate processes. Nothing here imports Locust or gevent, and almost nothing is imported before a
fixture is used.
"""

import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import pytest

if TYPE_CHECKING:
    from relayload.core.metrics.summary import Summary
    from relayload.core.model.verdict import Verdict
    from relayload.fakerelay.process import FakeRelay
    from relayload.recording import Recording

_MARKER = "fake_relay(preset, sets): what the fake relay of the test is like"
_ENDS_WITHIN_S = 30.0


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", _MARKER)


@dataclass(frozen=True)
class RelayloadRun:
    """A run that has ended, with its recording and its verdict."""

    directory: Path
    exit_code: int
    output: str
    """What `relayload run` printed, for `assert run.passed, run.output`."""

    @cached_property
    def recording(self) -> "Recording":
        from relayload.recording import Recording

        return Recording.open(self.directory)

    @cached_property
    def summary(self) -> "Summary":
        return self.recording.summary()

    @cached_property
    def verdict(self) -> "Verdict":
        return self.recording.verdict() or self.recording.judge()

    @property
    def passed(self) -> bool:
        """Whether every objective holds; False without any objective."""
        return self.exit_code == 0 and bool(self.verdict.objectives)


class StartRun(Protocol):
    """The type of the fixture `relayload_run`."""

    def __call__(
        self,
        profile: str | Path,
        *,
        sets: Sequence[str] = (),
        processes: int = 1,
        timeout_s: float | None = None,
    ) -> RelayloadRun:
        """Run a profile to its end. A relative path is searched beside the test, below pytest's root, then here.

        The test fails if there is no verdict: the profile is wrong, the target can't be reached, or it took too long.
        """
        ...


@pytest.fixture
def relayload_run(tmp_path: Path, request: pytest.FixtureRequest) -> StartRun:
    """Runs a profile like `relayload run`, with the recording in the test's directory, and returns the result."""
    number = 0

    def run(
        profile: str | Path, *, sets: Sequence[str] = (), processes: int = 1, timeout_s: float | None = None
    ) -> RelayloadRun:
        nonlocal number
        number += 1
        directory = tmp_path / f"relayload-{number}"
        command = [sys.executable, "-m", "relayload", "run", str(_found(Path(profile), request))]
        command += ["--out", str(directory), "--processes", str(processes), *(f"--set={one}" for one in sets)]
        code, output = _ended(command, timeout_s)
        if not (directory / "verdict.json").is_file():
            raise _failed(f"{profile}: no verdict, exit code {code}\n{output}")
        return RelayloadRun(directory, code, output)

    return run


@pytest.fixture
def fake_relay(request: pytest.FixtureRequest) -> "Iterator[FakeRelay]":
    """A fake relay for one test, at `base_url`. Configure it with `@pytest.mark.fake_relay(preset=..., sets=[...])`."""
    marker = request.node.get_closest_marker("fake_relay") or pytest.mark.fake_relay().mark
    with _started(marker, request) as relay:
        yield relay


def _started(marker: pytest.Mark, request: pytest.FixtureRequest) -> "FakeRelay":
    """Start the relay that the marker asks for. If that fails, the test fails with the available preset names."""
    from relayload.fakerelay.process import FakeRelay

    try:
        asked = signature(FakeRelay.start).bind(*marker.args, **marker.kwargs)
    except TypeError as error:
        raise _failed(f"@pytest.mark.fake_relay(preset, sets): {error}") from None
    asked.apply_defaults()
    preset = str(asked.arguments["preset"])
    asked.arguments["preset"] = str(_found(Path(preset), request)) if preset.endswith((".yaml", ".yml")) else preset
    try:
        return FakeRelay.start(*asked.args, **asked.kwargs)
    except RuntimeError as error:
        from relayload.fakerelay.preset import names

        raise _failed(f"{error}\npresets: {', '.join(names())}, or a file") from None


def _failed(message: str) -> BaseException:
    """Return an exception that fails a test with only this message; raise it `from None` to hide its cause."""
    return pytest.fail.Exception(message, pytrace=False)


def _found(path: Path, request: pytest.FixtureRequest) -> Path:
    """Find a path beside the test or below pytest's root directory, or else return it unchanged."""
    places = (request.path.parent, request.config.rootpath)
    return next((place / path for place in places if (place / path).is_file()), path)


def _ended(command: Sequence[str], timeout_s: float | None) -> tuple[int, str]:
    """Return the exit code and the output of a process. One that takes too long is terminated cleanly."""
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        output, _ = process.communicate(timeout=timeout_s)
    except subprocess.TimeoutExpired:
        process.terminate()
        output, _ = process.communicate(timeout=_ENDS_WITHIN_S)
        raise _failed(f"the run did not end within {timeout_s:g} s\n{output}") from None
    finally:
        process.kill()
    return process.returncode, output
