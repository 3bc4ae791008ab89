"""A worker whose monotonic clock is another one than its master's, as on another host."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support import LOCUSTFILE, PATIENCE_S, Start, saved

from relayload.fakerelay.process import FakeRelay

WriteProfile = Callable[..., Path]
AHEAD_S = 100_000
ELSEWHERE = ("unshare", "--time", "--monotonic", str(AHEAD_S), "--fork", "--kill-child")


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[Callable[..., None]]:
    """Starts a module in a time namespace of its own."""
    if sys.platform != "linux" or subprocess.run([*ELSEWHERE, "true"], capture_output=True, check=False).returncode:
        pytest.skip("no time namespace can be made here")
    started: list[subprocess.Popen[bytes]] = []

    def starter(*arguments: str | Path) -> None:
        with (tmp_path / "elsewhere.log").open("wb") as log:
            command = [*ELSEWHERE, sys.executable, "-m", *map(str, arguments)]
            started.append(subprocess.Popen(command, cwd=tmp_path, stdout=log, stderr=log, stdin=subprocess.DEVNULL))

    yield starter
    for process in started:
        process.kill()
        process.wait(PATIENCE_S)


def test_a_worker_elsewhere_keeps_the_masters_time(
    start: Start, elsewhere: Callable[..., None], profile: WriteProfile, relay: FakeRelay, port: int, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    options = ("--headless", "--relay-profile", profile(), "--relay-set", f"target.base_url={relay.base_url}")
    master = start(
        *("locust", "-f", LOCUSTFILE, "--master", "--expect-workers", "2", "--master-bind-port", port),
        *("--relay-out", out, *options),
    )
    worker = ("locust", "-f", LOCUSTFILE, "--worker", "--master-port", port, *options)
    start(*worker)
    elsewhere(*worker)
    assert master.wait() == 0, master.output
    here, there = sorted(saved(out, "run.json")["last_told"], key=lambda info: info["clock_error_s"])
    assert (here["clock_offset_s"], here["clock_error_s"]) == (0.0, 0.0)
    assert there["clock_offset_s"] == pytest.approx(-AHEAD_S, abs=there["clock_error_s"])
    assert 0.0 < there["clock_error_s"] < 1.0
    summary = saved(out, "summary.json")
    assert summary["generator"]["clock_error_s"] == there["clock_error_s"]
    assert summary["counts"]["started"] == summary["counts"]["offered"]
