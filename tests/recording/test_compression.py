import gzip
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from backports import zstd

from relayload.core.errors import AuthorError
from relayload.core.model.verdict import Status
from relayload.recording import Damage, Recording
from relayload.recording.compression import CutShort, decompressed, opened_to_write

SUFFIXES = [".gz", ".zst"]
COMPRESS: dict[str, Callable[[bytes], bytes]] = {".gz": gzip.compress, ".zst": zstd.compress}


@pytest.fixture
def recording(tmp_path: Path, make_run, request_line, end_line) -> Recording:
    recording = Recording.create(tmp_path / "run", make_run(objectives=("latency.p50 < 1s",)))
    for worker in (0, 1):
        writer = recording.writer(worker)
        for index in range(worker, 600, 2):
            writer.write(request_line(index, worker=worker, scenario="s" * (index % 7)))
        writer.write(end_line(worker, started=300))
        writer.close()
    return recording


def _compress(recording: Recording, suffix: str, workers=(0, 1)) -> None:
    for worker in workers:
        plain = recording.directory / f"records-{worker}.jsonl"
        Path(f"{plain}{suffix}").write_bytes(COMPRESS[suffix](plain.read_bytes()))
        plain.unlink()


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("workers", [(0, 1), (1,)])
def test_a_compressed_recording_reads_as_it_did_before(suffix: str, workers, recording):
    summary, lines = recording.summarize(), list(recording.lines())
    _compress(recording, suffix, workers)
    assert recording.summarize() == summary
    assert list(recording.lines()) == lines
    assert recording.judge().verdict is Status.PASS


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_compressed_file_that_is_cut_short_makes_the_run_invalid(suffix: str, recording):
    _compress(recording, suffix)
    path = recording.directory / f"records-0.jsonl{suffix}"
    path.write_bytes(path.read_bytes()[:-20])
    folded = recording.fold()
    (damage,) = folded.damages
    assert (damage.file, damage.cut, damage.torn) == (path.name, True, False)
    assert folded.results()[1].verdict is Status.INVALID
    (reason,) = (reason for reason in folded.summary().generator.reasons if path.name in reason)
    assert "the compressed file is cut short or damaged from here on" in reason


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_damage_inside_a_compressed_file_is_told_with_its_line(suffix: str, recording):
    plain = recording.directory / "records-0.jsonl"
    data = plain.read_bytes().splitlines(keepends=True)
    data[234] = b"garbage\n"
    plain.write_bytes(b"".join(data)[:-10])
    _compress(recording, suffix)
    name = f"records-0.jsonl{suffix}"
    assert recording.fold().damages == (Damage(name, 235, torn=False), Damage(name, 301, torn=True))


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_compressed_files_may_be_strung_together(suffix: str, tmp_path: Path):
    path = tmp_path / f"records-0.jsonl{suffix}"
    path.write_bytes(COMPRESS[suffix](b"one\n") + COMPRESS[suffix](b"two\n"))
    assert b"".join(decompressed(path)) == b"one\ntwo\n"


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_what_is_written_is_read(suffix: str, tmp_path: Path):
    path = tmp_path / f"file{suffix}"
    with opened_to_write(path) as file:
        file.write(b"x" * 100_000)
    assert path.stat().st_size < 1000
    assert b"".join(decompressed(path)) == b"x" * 100_000


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("content", [b"", b"not compressed"])
def test_what_is_not_compressed_is_no_content(suffix: str, content: bytes, tmp_path: Path):
    path = tmp_path / f"file{suffix}"
    path.write_bytes(content)
    with pytest.raises(CutShort):
        list(decompressed(path))


def test_without_the_library_one_line_says_what_to_install(recording, monkeypatch: pytest.MonkeyPatch):
    _compress(recording, ".zst")
    for name in ("compression", "backports"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(AuthorError, match=r"zst: zstd is not installed here: write pip install 'relayload\[zstd\]'"):
        recording.summarize()
