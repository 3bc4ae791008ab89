import csv
import gzip
import json
import re
from collections.abc import Iterator
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relayload.core.errors import AuthorError
from relayload.profile.trace import Trace, TraceRow
from relayload.profile.trace import check as check_trace
from relayload.profile.trace import rows as all_rows

FIRST = "2023-11-16 18:15:46.6805900,374,44"


def trace(path: Path, **options: float) -> Trace:
    return Trace(trace=path, format="azure", **options)


def rows(replay: Trace) -> Iterator[TraceRow]:
    return all_rows(replay, 1, ("chat", "code"))


def check(replay: Trace, most: int = 1_000_000) -> None:
    check_trace(replay, ("chat", "code"), most)


def fault(path: Path) -> str:
    with pytest.raises(AuthorError) as caught:
        check(trace(path))
    (found,) = caught.value.faults
    return str(found).replace(f"{path.parent}/", "")


def near(at_s: float) -> Any:
    return pytest.approx(at_s, abs=1e-12)


def test_a_row_is_due_as_long_after_the_first_as_it_was_recorded(trace_file):
    path = trace_file(FIRST, "2023-11-16 18:15:50.9951690,396,109", "2023-11-16 18:16:00.6805900,879,55")
    assert list(rows(trace(path))) == [
        TraceRow(0.0, 374, 44),
        TraceRow(near(4.314579), 396, 109),
        TraceRow(near(14.0), 879, 55),
    ]


def test_times_pass_over_midnight_and_the_end_of_the_year(trace_file):
    path = trace_file("2023-12-31 23:59:59.9000000,1,1", "2024-01-01 00:00:00.1000000,1,1")
    assert [row.at_s for row in rows(trace(path))] == pytest.approx([0.0, 0.2])


def test_speed_shortens_the_time_between_rows(trace_file):
    path = trace_file("2023-11-16 18:15:00,1,1", "2023-11-16 18:16:00,1,1")
    assert [row.at_s for row in rows(trace(path, speed=10))] == [0.0, 6.0]


def test_a_limit_is_the_most_rows_to_send(trace_file):
    path = trace_file(*[FIRST] * 5)
    assert len(list(rows(trace(path, limit=3)))) == 3


def test_a_row_beyond_the_limit_is_not_read(trace_file):
    path = trace_file(FIRST, "nonsense")
    assert len(list(rows(trace(path, limit=1)))) == 1
    check(trace(path), most=1)


def test_a_row_without_tokens_is_sent_with_one(trace_file):
    (row,) = rows(trace(trace_file("2023-11-16 18:15:46.6805900,0,0")))
    assert (row.input_tokens, row.output_tokens) == (1, 1)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_line_ends_blank_lines_and_a_byte_order_mark_do_not_matter(trace_file, end):
    path = trace_file(FIRST, "", FIRST, "", header="\ufeffTIMESTAMP,ContextTokens,GeneratedTokens", end=end)
    assert len(list(rows(trace(path)))) == 2


def test_a_column_of_long_prompts_does_not_matter(trace_file):
    path = trace_file(f"{FIRST},{'x' * 200_000}", header="TIMESTAMP,ContextTokens,GeneratedTokens,Prompt")
    before = csv.field_size_limit()
    assert len(list(rows(trace(path)))) == 1
    assert csv.field_size_limit() == before


TOKENS = "expected a number of tokens below ten million"


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("2023-11-16 18:15:46", "azure.csv:3:1: expected 3 columns, got 1"),
        (f"{FIRST},5", "azure.csv:3:1: expected 3 columns, got 4"),
        (
            "16.11.2023,1,1",
            "azure.csv:3:1: TIMESTAMP: expected a time such as '2023-11-16 18:15:46.68', got '16.11.2023'",
        ),
        ("2023-11-16 18:15:46.69,many,1", f"azure.csv:3:24: ContextTokens: {TOKENS}, got 'many'"),
        ("2023-11-16 18:15:46.69,12345678,1", f"azure.csv:3:24: ContextTokens: {TOKENS}, got '12345678'"),
        ("2023-11-16 18:15:46.69,1,-1", f"azure.csv:3:26: GeneratedTokens: {TOKENS}, got '-1'"),
        ("2023-11-16 18:15:46.69,1,1.5", f"azure.csv:3:26: GeneratedTokens: {TOKENS}, got '1.5'"),
        ("2023-11-16 18:15:46.69,1,²", f"azure.csv:3:26: GeneratedTokens: {TOKENS}, got '²'"),
        ("2023-02-30 18:15:46.68,1,1", "azure.csv:3:1: TIMESTAMP: there is no such time as '2023-02-30 18:15:46.68'"),
        (
            "2023-11-16 18:15:46,1,1",
            "azure.csv:3:1: TIMESTAMP: is earlier than the row before it: sort the file by this",
        ),
    ],
)
def test_a_row_that_does_not_read_is_named_with_what_was_expected(trace_file, row, message):
    assert fault(trace_file(FIRST, row)) == message


@pytest.mark.parametrize(
    ("header", "told"),
    [
        ("Timestamp,Request tokens", "there is no column 'TIMESTAMP': found Timestamp, Request tokens"),
        ("TIMESTAMP,ContextTokens", "there is no column 'GeneratedTokens': found TIMESTAMP, ContextTokens"),
        ("", "there is no column 'TIMESTAMP': the first line is empty"),
    ],
)
def test_a_column_that_is_missing_is_a_fault_of_line_one(trace_file, header, told):
    assert fault(trace_file(FIRST, header=header)) == f"azure.csv:1:1: {told}"


def test_a_trace_without_rows_is_a_fault(trace_file):
    assert fault(trace_file()) == "azure.csv: holds no rows"


def test_a_file_that_is_not_there_is_a_fault(tmp_path):
    assert fault(tmp_path / "absent.csv") == "absent.csv: cannot be read: No such file or directory"
    assert fault(tmp_path).endswith(": cannot be read: Is a directory")


def test_bytes_that_are_no_text_are_a_fault_of_their_row(tmp_path):
    path = tmp_path / "azure.csv"
    path.write_bytes(b"TIMESTAMP,ContextTokens,GeneratedTokens\n\xff\xfe\x00\n")
    assert fault(path).startswith("azure.csv:2:1: expected 3 columns, got 1")


@given(st.lists(st.integers(0, 10**11), min_size=1, max_size=50), st.floats(0.1, 100))
def test_gaps_are_those_of_the_file_to_the_last_digit(tmp_path_factory, ticks, speed):
    ticks.sort()
    path = tmp_path_factory.mktemp("trace") / "azure.csv"
    lines = [f"2023-11-16 {_clock(tick)},{number % 9_000_000},7" for number, tick in enumerate(ticks)]
    path.write_text("\n".join(["TIMESTAMP,ContextTokens,GeneratedTokens", *lines]))
    read = list(rows(trace(path, speed=speed)))
    assert [row.at_s * speed for row in read] == pytest.approx([(t - ticks[0]) / 1e7 for t in ticks], abs=1e-7)
    assert all(before.at_s <= after.at_s for before, after in pairwise(read))


def _clock(tick: int) -> str:
    """The time of day of a count of 100 ns ticks."""
    seconds, fraction = divmod(tick, 10**7)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.{fraction:07}"


def write(folder: Path, name: str, *lines: str) -> Path:
    path = folder / name
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def replay(path: Path, kind: str, **options: object) -> Trace:
    return Trace.model_validate({"trace": path, "format": kind, **options})


def due(found: Trace, seed: int = 1) -> list[tuple[float, int | None]]:
    return [(row.at_s, row.input_tokens) for row in all_rows(found, seed, ("chat", "code"))]


@pytest.mark.parametrize(
    "times",
    [
        ("2024-05-10 00:00:00.009930+00:00", "2024-05-10 00:01:01.500000+00:00"),
        ("2024-05-10T00:00:00.009930Z", "2024-05-10T00:01:01.500000Z"),
        ("2024-05-10 00:00:00.009930+00:00", "2024-05-10 02:01:01.500000+02:00"),
        ("2024-05-09 22:30:00.009930-0130", "2024-05-10 00:01:01.5 UTC"),
        ("2024-05-10 00:00:00.0099300", "2024-05-10 00:01:01.5"),
    ],
)
def test_times_may_have_offsets(trace_file, times):
    first, second = rows(trace(trace_file(*[f"{time},5,5" for time in times])))
    assert (first.at_s, second.at_s) == (0.0, pytest.approx(61.49007, abs=1e-9))


def test_columns_come_in_any_order_and_others_too(tmp_path):
    path = write(tmp_path, "a.csv", "GeneratedTokens,NumImages,TIMESTAMP,ContextTokens", "7,1,2023-11-16 18:15:46,5")
    assert list(rows(replay(path, "azure"))) == [TraceRow(0.0, 5, 7)]


BURST_1 = "Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type"
BURST_2 = "Timestamp,Session ID,Elapsed time,Model,Request tokens,Response tokens,Total tokens,Log Type"


def test_burstgpt_of_the_first_version_has_no_sessions(tmp_path):
    path = write(tmp_path, "b.csv", BURST_1, "5,ChatGPT,472,18,490,Conversation log", "45.5,GPT-4,1,2,3,API log")
    assert list(rows(replay(path, "burstgpt"))) == [TraceRow(0.0, 472, 18), TraceRow(40.5, 1, 2)]


def test_burstgpt_of_the_second_version_has_sessions_where_they_were_recorded(tmp_path):
    path = write(
        tmp_path,
        "b.csv",
        BURST_2,
        "5,12,3.5,ChatGPT,100,18,118,Conversation log",
        "6,,0.5,GPT-4,7,2,9,API log",
        "9,12,1.5,ChatGPT,200,30,230,Conversation log",
    )
    told = [(row.at_s, row.input_tokens, row.session) for row in rows(replay(path, "burstgpt"))]
    assert told == [(0.0, 100, "12"), (1.0, 7, None), (4.0, 200, "12")]


def test_failures_of_burstgpt_are_left_out_but_time_begins_with_the_first_row(tmp_path):
    path = write(tmp_path, "b.csv", BURST_1, "5,GPT-4,9,0,9,API log", "6,GPT-4,9,1,10,API log", "7,GPT-4,9,0,9,API log")
    assert due(replay(path, "burstgpt")) == [(1.0, 9)]


def test_mooncake_has_milliseconds_and_blocks(tmp_path):
    lines = [
        {"timestamp": 3000, "input_length": 600, "output_length": 5, "hash_ids": [46, 47]},
        {"timestamp": 4500, "input_length": 100, "output_length": 6, "hash_ids": [46]},
    ]
    path = write(tmp_path, "m.jsonl", *map(json.dumps, lines))
    assert list(rows(replay(path, "mooncake"))) == [
        TraceRow(0.0, 600, 5, blocks=(46, 47)),
        TraceRow(1.5, 100, 6, blocks=(46,)),
    ]


ROW = '{"timestamp": 1, "input_length": 5, "output_length": 5, "hash_ids": [1]}'


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (ROW.replace("1,", "null,"), "m.jsonl:2:2: timestamp: expected a number of milliseconds, got nothing"),
        (ROW.replace(": 5, ", ': "x", ', 1), f"m.jsonl:2:18: input_length: {TOKENS}, got 'x'"),
        (ROW.replace("[1]", "[1.5]"), "m.jsonl:2:57: hash_ids: expected a list of whole numbers, got a list"),
        (
            ROW.replace("hash_ids", "hash"),
            "m.jsonl:2:1: there is no 'hash_ids': found timestamp, input_length, output_",
        ),
        (ROW[:-1], "m.jsonl:2:72: is no JSON: Expecting ',' delimiter"),
        ("[1]", "m.jsonl:2:1: expected a JSON object"),
        ("[" * 100_000, "m.jsonl:2:1: is nested too deeply"),
        (ROW.replace("[1]", "NaN"), "m.jsonl:2:1: is no JSON"),
        (ROW.replace(": 1,", ": 0,"), "m.jsonl:2:2: timestamp: is earlier than the row before it"),
    ],
)
def test_a_line_that_does_not_read_is_named_with_what_was_expected(tmp_path, line, message):
    path = write(tmp_path, "m.jsonl", ROW, line)
    with pytest.raises(AuthorError) as caught:
        list(rows(replay(path, "mooncake")))
    assert str(caught.value).replace(f"{tmp_path}/", "").startswith(message)


FREE = {"at": "when", "input_tokens": "in", "output_tokens": "out", "model": "llm", "scenario": "kind"}


@pytest.mark.parametrize("unit", ["s", "ms", "timestamp"])
def test_a_csv_file_may_name_its_columns_and_its_unit(tmp_path, unit):
    times = {
        "s": ("10", "11.5"),
        "ms": ("10000", "11500"),
        "timestamp": ("2024-01-01T00:00:10Z", "2024-01-01 00:00:11.5"),
    }
    first, second = times[unit]
    path = write(tmp_path, "f.csv", "in,when,out,kind,llm", f"5,{first},6,code,o3", f'"7",{second},8,chat,""')
    assert list(rows(replay(path, "csv", columns=FREE, unit=unit))) == [
        TraceRow(0.0, 5, 6, "o3", 1),
        TraceRow(1.5, 7, 8, None, 0),
    ]


def test_a_jsonl_file_may_name_its_keys(tmp_path):
    line = {"when": 1.25, "in": 5, "out": "6", "llm": "o3", "kind": "chat", "who": 7, "parts": [3]}
    path = write(tmp_path, "f.jsonl", json.dumps(line))
    columns = {**FREE, "session": "who", "blocks": "parts"}
    assert list(rows(replay(path, "jsonl", columns=columns))) == [TraceRow(0.0, 5, 6, "o3", 0, "7", (3,))]


def test_a_file_of_times_alone_leaves_the_rest_to_the_scenarios(tmp_path):
    path = write(tmp_path, "f.csv", "when", "3", "4")
    assert list(rows(replay(path, "csv", columns={"at": "when"}))) == [TraceRow(0.0), TraceRow(1.0)]


def test_a_scenario_that_is_not_known_is_a_fault_of_its_column(tmp_path):
    path = write(tmp_path, "f.csv", "when,kind", "3,chta")
    with pytest.raises(AuthorError, match=r"f.csv:2:3: kind: unknown scenario 'chta'; did you mean 'chat'\?"):
        list(rows(replay(path, "csv", columns={"at": "when", "scenario": "kind"})))


@pytest.fixture
def ten(tmp_path):
    """Ten rows, one a second from 100 on, each with its number as its tokens."""
    return write(tmp_path, "ten.csv", "at,in", *(f"{100 + number},{number + 1}" for number in range(10)))


def ten_rows(path: Path, **options: object) -> Trace:
    return replay(path, "csv", columns={"at": "at", "input_tokens": "in"}, **options)


def test_a_part_of_a_trace_begins_at_zero(ten):
    assert due(ten_rows(ten, **{"from": "2500ms", "to": "5s"})) == [(0.5, 4), (1.5, 5)]
    assert due(ten_rows(ten, **{"from": "2s", "to": "5s", "speed": 10})) == [(0.0, 3), (0.1, 4), (0.2, 5)]


def test_a_part_without_rows_is_a_fault(ten):
    with pytest.raises(AuthorError, match="holds no rows after 'from'"):
        check(ten_rows(ten, **{"from": "10s"}))


def test_rows_before_the_part_are_read_for_their_time_alone(tmp_path):
    path = write(tmp_path, "f.csv", "at,in", "1,x", "2,5")
    assert due(ten_rows(path, **{"from": "1s"})) == [(0.0, 5)]


def test_a_loop_goes_on_after_its_mean_gap(ten):
    told = list(islice(due_endless(ten_rows(ten, loop=True)), 12))
    assert told[:3] == [(0.0, 1), (1.0, 2), (2.0, 3)]
    assert told[10:] == [(10.0, 1), (11.0, 2)]


def due_endless(found: Trace) -> Iterator[tuple[float, int | None]]:
    return ((row.at_s, row.input_tokens) for row in rows(found))


def test_a_loop_of_a_part_takes_as_long_as_the_part_at_its_speed(ten):
    part = ten_rows(ten, loop=True, speed=2, **{"from": "1500ms", "to": "4s"})
    assert list(islice(due_endless(part), 5)) == [(0.25, 3), (0.75, 4), (1.5, 3), (2.0, 4), (2.75, 3)]


def test_a_loop_of_limited_rows_repeats_these(ten):
    assert list(islice(due_endless(ten_rows(ten, loop=True, limit=2)), 5)) == [(0, 1), (1, 2), (2, 1), (3, 2), (4, 1)]


@pytest.mark.parametrize("lines", [["1,5"], ["1,5", "1,6"]])
def test_a_loop_that_takes_no_time_is_a_fault(tmp_path, lines):
    path = write(tmp_path, "f.csv", "at,in", *lines)
    with pytest.raises(AuthorError, match="the rows to repeat take no time: write where they end, such as to: 10m"):
        list(islice(rows(ten_rows(path, loop=True)), 5))


def test_a_loop_of_a_sample_that_draws_no_row_is_a_fault(ten):
    with pytest.raises(AuthorError, match="none of the rows to repeat was drawn: write a larger sample"):
        next(rows(ten_rows(ten, loop=True, sample="0.000001%")))


def test_rounds_of_a_loop_share_neither_blocks_nor_sessions(tmp_path):
    line = '{"at": %d, "who": "a", "parts": [1, 2]}'
    path = write(tmp_path, "f.jsonl", line % 0, line % 1)
    columns = {"at": "at", "session": "who", "blocks": "parts"}
    found = list(islice(rows(replay(path, "jsonl", columns=columns, loop=True)), 5))
    assert [row.session for row in found] == ["a", "a", "a/1", "a/1", "a/2"]
    assert found[0].blocks == found[1].blocks
    assert not set(found[1].blocks) & set(found[2].blocks)
    assert found[2].blocks == found[3].blocks


def test_a_sample_draws_each_row_by_itself(tmp_path):
    path = write(tmp_path, "f.csv", "at,in", *(f"{number},{number}" for number in range(1, 4001)))
    drawn, other = (due(ten_rows(path, sample="25%"), seed) for seed in (1, 2))
    assert len(drawn) == pytest.approx(1000, abs=110)
    assert drawn != other
    part = due(ten_rows(path, sample="25%", **{"from": "2000s"}))
    assert [tokens for _, tokens in part] == [tokens for _, tokens in drawn if tokens and tokens > 2000]


def test_a_sample_draws_sessions_whole(tmp_path):
    path = write(tmp_path, "f.csv", "at,who", *(f"{number},{number % 100}" for number in range(1000)))
    found = replay(path, "csv", columns={"at": "at", "session": "who"}, sample="30%")
    sessions = [row.session for row in rows(found)]
    assert 15 < len(set(sessions)) < 45
    assert all(sessions.count(session) == 10 for session in sessions)


def test_a_file_may_be_packed(tmp_path):
    path = tmp_path / "ten.csv.gz"
    path.write_bytes(gzip.compress(b"at,in\n1,5\n2,6\n"))
    assert due(ten_rows(path)) == [(0.0, 5), (1.0, 6)]


@pytest.mark.parametrize("cut", [5, -6])
def test_a_packed_file_that_is_cut_off_is_a_fault(tmp_path, cut):
    path = tmp_path / "ten.csv.gz"
    path.write_bytes(gzip.compress(b"at,in\n" + b"".join(b"%d,5\n" % number for number in range(50_000)))[:cut])
    with pytest.raises(AuthorError, match=r"ten\.csv\.gz: cannot be unpacked: "):
        due(ten_rows(path))


def test_a_file_that_is_not_packed_is_a_fault(tmp_path):
    path = write(tmp_path, "ten.csv.gz", "at,in", "1,5")
    with pytest.raises(AuthorError, match=r"ten\.csv\.gz: cannot be read: Not a gzipped file"):
        due(ten_rows(path))


@pytest.mark.parametrize("name", ["ten.csv", "ten.csv.gz"])
def test_a_trace_in_utf16_is_told_apart(tmp_path, name):
    content = "at,in\n1,5\n".encode("utf-16")
    (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith("gz") else content)
    with pytest.raises(AuthorError, match=r"ten\.csv(\.gz)?:1:1: is in UTF-16, .*: save it as UTF-8"):
        due(ten_rows(tmp_path / name))


@pytest.mark.parametrize(
    ("rows_", "told"),
    [
        (('1,5,"open', "2,6,x"), "unexpected end of data"),
        (('1,5,"open"x', "2,6,x"), "',' expected after '\"'"),
        (('1,5,"' + "x" * 17_000_000 + '"',), "field larger than field limit"),
    ],
    ids=["open", "behind", "endless"],
)
def test_a_row_that_is_no_csv_swallows_no_others(tmp_path, rows_, told):
    path = write(tmp_path, "ten.csv", "at,in,note", *rows_)
    with pytest.raises(AuthorError, match=rf"ten\.csv:\d:1: is no row of CSV: {told}"):
        due(ten_rows(path))


def test_checking_stops_where_the_run_ends(tmp_path):
    path = write(tmp_path, "f.csv", "at,llm", "1,o3", "2,o4", "9,o5", "x,o6")
    found = replay(path, "csv", columns={"at": "at", "model": "llm"})
    assert check_trace(found, (), 100, until_s=5.0) == ["o3", "o4"]
    with pytest.raises(AuthorError, match=r"f\.csv:5:1: at: expected a number of seconds, got 'x'"):
        check_trace(found, (), 100)


PUBLIC = Path(__file__).parents[2].parent / "shared/traces/AzureLLMInferenceTrace_conv.csv"


@pytest.mark.trace
@pytest.mark.skipif(not PUBLIC.exists(), reason="the public trace is not beside the checkout")
def test_the_public_trace_is_read_row_by_row():
    lines = PUBLIC.read_text().splitlines()[1:]
    read = list(rows(trace(PUBLIC)))
    assert len(read) == len(lines) == 19_366
    assert [f"{row.input_tokens},{row.output_tokens}" for row in read] == [line.split(",", 1)[1] for line in lines]
    assert read[-1].at_s == pytest.approx(_seconds(lines[-1]) - _seconds(lines[0]), abs=1e-6)


def _seconds(line: str) -> float:
    hours, minutes, seconds = re.split("[: ,]", line)[1:4]
    return int(hours) * 3600 + int(minutes) * 60 + float(seconds)


MOONCAKE = PUBLIC.with_name("mooncake_synthetic.jsonl")


@pytest.mark.trace
@pytest.mark.skipif(not MOONCAKE.exists(), reason="the public trace is not beside the checkout")
def test_the_public_mooncake_trace_is_read_row_by_row():
    lines = [json.loads(line) for line in MOONCAKE.read_text().splitlines()]
    read = list(rows(replay(MOONCAKE, "mooncake")))
    assert len(read) == len(lines) == 3993
    assert [(row.input_tokens, row.output_tokens, list(row.blocks)) for row in read] == [
        (line["input_length"], line["output_length"], line["hash_ids"]) for line in lines
    ]
    assert [row.at_s for row in read] == pytest.approx([(x["timestamp"] - lines[0]["timestamp"]) / 1e3 for x in lines])
