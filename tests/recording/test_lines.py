from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from relayload.recording.lines import Damage, Part, RecordWriter, parts, read


def _write(path: Path, lines) -> None:
    writer = RecordWriter(path)
    for line in lines:
        writer.write(line)
    writer.close()


def _read(shares, damages=None):
    return [
        line
        for share in shares
        for part in share
        for lines in read(part, [] if damages is None else damages)
        for line in lines
    ]


@pytest.mark.parametrize("count", [1, 2, 3, 50])
def test_parts_hold_every_line_once(count: int, tmp_path: Path, request_line):
    lines = [request_line(index, scenario="s" * (index % 7)) for index in range(40)]
    paths = [tmp_path / "records-0.jsonl", tmp_path / "records-1.jsonl", tmp_path / "records-2.jsonl"]
    for path, own in zip(paths, (lines[:5], [], lines[5:]), strict=True):
        path.touch()
        _write(path, own)
    assert _read(parts(paths, count)) == lines


@given(cut=st.integers(0, 2000))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_line_belongs_to_the_part_in_which_it_begins(cut: int, tmp_path: Path, request_line):
    path = tmp_path / "records.jsonl"
    path.unlink(missing_ok=True)
    lines = [request_line(index) for index in range(9)]
    _write(path, lines)
    size = path.stat().st_size
    cut = min(cut, size)
    assert _read([[Part(path, 0, cut), Part(path, cut, size)]]) == lines


def test_damage_is_told_with_its_line_wherever_the_parts_are_cut(tmp_path: Path, request_line):
    path = tmp_path / "records-0.jsonl"
    _write(path, [request_line(index) for index in range(10)])
    data = path.read_bytes().splitlines(keepends=True)
    data[6] = b"garbage\n"
    path.write_bytes(b"".join(data)[:-10])
    for count in (1, 2, 5):
        damages: list[Damage] = []
        assert [line.index for line in _read(parts([path], count), damages)] == [0, 1, 2, 3, 4, 5, 7, 8]
        assert damages == [Damage(path.name, 7, torn=False), Damage(path.name, 10, torn=True)]


def test_a_last_line_without_its_end_is_read_if_it_is_whole(tmp_path: Path, request_line):
    path = tmp_path / "records-0.jsonl"
    _write(path, [request_line(0), request_line(1)])
    path.write_bytes(path.read_bytes().rstrip())
    assert len(_read(parts([path], 1))) == 2


def test_no_files_have_no_parts():
    assert _read(parts([], 2)) == []
