import gzip
import json
import os
import tracemalloc
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import structs

from relayload.core.model.record import Attempt, Outcome
from relayload.recording.lines import MOST_LINE_BYTES, Damage, Part, RecordWriter, parts, read


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


def _spoilt(path: Path, request_line, *bad: bytes) -> Path:
    """A file of three records, with lines between the first and the second of them."""
    _write(path, [request_line(index) for index in range(3)])
    first, *others = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([first, *(line + b"\n" for line in bad), *others]))
    return path


def _with(request_line, **changes: object) -> bytes:
    """A line of which some values of the request, or of its attempt, are others."""
    line = json.loads(msgspec.json.encode(request_line(7)))
    for name, value in changes.items():
        (line if name in line else line["attempts"][0])[name] = value
    return json.dumps(line).encode()


@pytest.mark.parametrize(
    "changes",
    [
        {"intended_at_s": 1e300},
        {"intended_at_s": -1e9},
        {"latency_s": float("nan")},
        {"latency_s": float("inf")},
        {"ttft_s": -5.0},
        {"output_tokens": 10**400},
        {"output_tokens": 2**53},
        {"output_tokens": -1},
        {"index": -1},
        {"index": 2**60},
        {"worker": 10**12},
        {"chunk_gaps": [-5, 1]},
        {"chunk_gaps": [5, 2**60]},
    ],
    ids=str,
)
def test_numbers_that_no_run_can_have_left_are_no_record(changes, tmp_path: Path, request_line):
    path = _spoilt(tmp_path / "records-0.jsonl", request_line, _with(request_line, **changes))
    damages: list[Damage] = []
    assert [line.index for line in _read(parts([path], 1), damages)] == [0, 1, 2]
    assert damages == [Damage(path.name, 2, torn=False)]


def test_a_line_that_is_nested_too_deeply_is_no_record(tmp_path: Path, request_line):
    deep = b'{"line":"request","x":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    path = _spoilt(tmp_path / "records-0.jsonl", request_line, deep)
    damages: list[Damage] = []
    assert len(_read(parts([path], 1), damages)) == 3
    assert damages == [Damage(path.name, 2, torn=False)]


@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_of_a_line_without_end_no_more_is_read_than_a_line_can_hold(suffix, count, tmp_path: Path, request_line):
    path = _spoilt(tmp_path / "records-0.jsonl", request_line)
    data = path.read_bytes().partition(b"\n")
    path.unlink()
    path = path.with_name(path.name + suffix)
    with (gzip.open if suffix else open)(path, "wb") as file:
        file.write(data[0] + data[1])
        for _ in range(100):
            file.write(bytes(1 << 20))
        file.write(data[2])
    damages: list[Damage] = []
    tracemalloc.start()
    found = _read(parts([path], count), damages)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [line.index for line in found] == [0]
    assert damages[0] == Damage(path.name, 2, torn=False, endless=True)
    assert most < 5 * MOST_LINE_BYTES


def test_many_damages_are_counted(tmp_path: Path, request_line):
    path = _spoilt(tmp_path / "records-0.jsonl", request_line, *[b"x"] * 100)
    damages: list[Damage] = []
    assert len(_read(parts([path], 1), damages)) == 3
    assert damages[:2] == [Damage(path.name, 2, torn=False), Damage(path.name, 3, torn=False)]
    assert [str(damage) for damage in damages[20:]] == ["records-0.jsonl:22: this line and 79 after it are not records"]


def test_what_acts_on_a_terminal_is_read_as_a_text(tmp_path: Path, request_line):
    path = tmp_path / "records-0.jsonl"
    _write(path, [request_line(0, scenario="\x1b[2J", error="e", relay_message="no\n::error::pwn")])
    (line,) = _read(parts([path], 1))
    assert (line.scenario, line.attempts[0].relay_message) == ("\\x1b[2J", "no ::error::pwn")


@pytest.mark.parametrize(
    "odd",
    [
        {"output_tokens": 10**400},
        {"input_tokens": 2**63},
        {"reasoning_tokens": 2**50},
        {"cached_input_tokens": -3},
        {"relay_message": "half \ud83d"},
        {"request_id": "x" * (2 << 20)},
    ],
    ids=lambda odd: next(iter(odd)),
)
@pytest.mark.parametrize("outcome", [Outcome.OK, Outcome.SERVER_ERROR])
def test_a_request_that_no_line_can_hold_is_recorded_without_what_its_relay_said(
    outcome, odd, tmp_path: Path, request_line
):
    path = tmp_path / "records-0.jsonl"
    record = request_line(
        7, outcome=outcome, worker=3, status=200, target="b", retried=[Attempt(outcome=outcome)], **odd
    )
    writer = RecordWriter(path)
    told = writer.write(record)
    assert writer.write(request_line(8)) == request_line(8)
    writer.close()
    kept = structs.replace(
        record,
        attempts=(
            Attempt(
                outcome=outcome,
                error="unrecordable",
                status=200,
                service_s=0.5,
                ttft_s=record.attempts[-1].ttft_s,
                ttfo_s=record.attempts[-1].ttfo_s,
            ),
        ),
    )
    damages: list[Damage] = []
    assert _read(parts([path], 1), damages) == [kept, request_line(8)]
    assert (told, damages) == (kept, [])


def test_a_file_of_records_is_a_regular_one(tmp_path: Path):
    os.mkfifo(tmp_path / "records-0.jsonl")
    with pytest.raises(OSError, match="it is not a regular file"):
        _read([[Part(tmp_path / "records-0.jsonl", 0, 10)]])
