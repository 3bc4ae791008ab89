"""Files of records as they grow: in parts, and compressed frame by frame."""

from pathlib import Path

import pytest

from relayload.core.errors import AuthorError
from relayload.core.model.kept_records import KeptRecords
from relayload.core.model.record import Record
from relayload.recording import Recording
from relayload.recording.compression import Compression
from relayload.recording.directory import records_files
from relayload.recording.growing_file import Storage

ZSTD = Storage(Compression.ZSTD)


def _indices(recording: Recording) -> list[int]:
    return [line.index for line in recording.lines() if isinstance(line, Record)]


@pytest.mark.parametrize("compression", [Compression.NONE, Compression.ZSTD])
def test_a_part_is_no_larger_than_allowed_and_all_are_read_in_order(
    compression: Compression, make_run, request_line, tmp_path: Path
):
    recording = Recording.create(tmp_path / "run", make_run())
    writer = recording.writer(0, storage=Storage(compression, 4000))
    for index in range(200):
        writer.write(request_line(index))
        writer.flush()
    writer.close()
    found = records_files(recording.directory)
    assert len(found) > 10
    assert [path.name.removesuffix(compression) for path in found[:3]] == [
        "records-0.jsonl",
        "records-0.1.jsonl",
        "records-0.2.jsonl",
    ]
    assert max(path.stat().st_size for path in found) <= 4000
    assert _indices(recording) == list(range(200))
    assert recording.summarize().counts.started == 200


def test_what_was_flushed_is_read_after_a_kill(make_run, request_line, tmp_path: Path):
    recording = Recording.create(tmp_path / "run", make_run())
    writer = recording.writer(0, storage=ZSTD)
    for index in range(20):
        writer.write(request_line(index))
        if index == 11:
            writer.flush()
    folded = recording.fold()
    assert (folded.summary().counts.started, folded.damages) == (12, ())
    writer.close()
    assert _indices(recording) == list(range(20))


def test_a_file_that_was_removed_is_told(make_run, request_line, tmp_path: Path):
    recording = Recording.create(tmp_path / "run", make_run())
    writer = recording.writer(0)
    recording.records_file(0).unlink()
    with pytest.raises(AuthorError, match="was removed while it was written"):
        writer.flush()


def test_only_kept_records_are_written_and_every_line_is_returned(make_run, request_line, end_line, tmp_path: Path):
    recording = Recording.create(tmp_path / "run", make_run())
    writer = recording.writer(0, KeptRecords(failed=False, share=0.0))
    assert writer.write(request_line(3)) == request_line(3)
    writer.write(end_line(0, started=1))
    writer.close()
    assert list(recording.lines()) == [end_line(0, started=1)]
