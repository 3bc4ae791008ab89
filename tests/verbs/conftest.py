"""Recordings that need no run."""

from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from relayload.core.model.record import Line
from relayload.recording import Recording

MakeRecording = Callable[..., Recording]


@pytest.fixture
def make_recording(tmp_path: Path, make_run) -> MakeRecording:
    """Writes a recording of some lines; fields of its `run.json` may be given."""

    def make(lines: Iterable[Line], name: str = "run", **changes: object) -> Recording:
        recording = Recording.create(tmp_path / name, make_run(**{"run_id": name, **changes}))
        writer = recording.writer(0)
        for line in lines:
            writer.write(line)
        writer.close()
        return recording

    return make


@pytest.fixture
def steady_lines(request_line, end_line) -> list[Line]:
    """100 requests of half a second."""
    return [*(request_line(index) for index in range(100)), end_line(0, started=100)]
