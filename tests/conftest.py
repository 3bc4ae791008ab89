"""Processes and relays of a test's own."""

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support import LOCUSTFILE, SHORT, Process, Start

from relayload.fakerelay.process import FakeRelay


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts processes in the test's own directory and ends them after it."""
    started: list[Process] = []

    def starter(*arguments: str | Path, **environ: str) -> Process:
        command = [sys.executable, "-m", *map(str, arguments)]
        started.append(Process(command, tmp_path, {**os.environ, **environ}))
        return started[-1]

    yield starter
    for process in started:
        process.end()


@pytest.fixture
def locust(start: Start) -> Start:
    """Starts Locust headless with our locustfile."""

    def starter(*arguments: str | Path, **environ: str) -> Process:
        return start("locust", "-f", LOCUSTFILE, "--headless", "--only-summary", *arguments, **environ)

    return starter


@pytest.fixture
def profile(tmp_path: Path) -> Callable[..., Path]:
    """Writes a profile of about six seconds."""

    def write(arrivals: str = "poisson", seconds: int = 3, more: str = "") -> Path:
        path = tmp_path / "short.yaml"
        path.write_text(SHORT.format(arrivals=arrivals, seconds=seconds) + more)
        return path

    return write


@pytest.fixture
def relay() -> Iterator[FakeRelay]:
    """A fake relay of the test's own, whose account can be asked for."""
    with FakeRelay.start() as started:
        yield started
