import re
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relayload.core.errors import AuthorError
from relayload.profile.loads import Trace
from relayload.profile.trace import TraceRow, check, rows

FIRST = "2023-11-16 18:15:46.6805900,374,44"


def trace(path: Path, **options: float) -> Trace:
    return Trace(trace=path, format="azure", **options)


def fault(path: Path) -> str:
    with pytest.raises(AuthorError) as caught:
        check(trace(path))
    (found,) = caught.value.faults
    return str(found).replace(f"{path.parent}/", "")


def test_a_row_is_due_as_long_after_the_first_as_it_was_recorded(trace_file):
    path = trace_file(FIRST, "2023-11-16 18:15:50.9951690,396,109", "2023-11-16 18:16:00.6805900,879,55")
    assert list(rows(trace(path))) == [
        TraceRow(0.0, 374, 44),
        TraceRow(pytest.approx(4.314579, abs=1e-12), 396, 109),
        TraceRow(pytest.approx(14.0, abs=1e-12), 879, 55),
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
    assert check(trace(path, limit=3)) == 3


def test_a_row_beyond_the_limit_is_not_read(trace_file):
    path = trace_file(FIRST, "nonsense")
    assert check(trace(path, limit=1)) == 1
    assert check(trace(path), most=1) == 1


def test_a_row_without_tokens_is_sent_with_one(trace_file):
    (row,) = rows(trace(trace_file("2023-11-16 18:15:46.6805900,0,0")))
    assert (row.input_tokens, row.output_tokens) == (1, 1)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_line_ends_blank_lines_and_a_byte_order_mark_do_not_matter(trace_file, end):
    path = trace_file(FIRST, "", FIRST, "", header="\ufeffTIMESTAMP,ContextTokens,GeneratedTokens", end=end)
    assert check(trace(path)) == 2


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("2023-11-16 18:15:46", "azure.csv:3:1: expected 3 columns, got 1"),
        (f"{FIRST},5", "azure.csv:3:1: expected 3 columns, got 4"),
        ("16.11.2023,1,1", "azure.csv:3:1: expected a time such as '2023-11-16 18:15:46.68', got '16.11.2023'"),
        ("2023-11-16 18:15:46.68,many,1", "azure.csv:3:24: expected a number of tokens below ten million, got 'many'"),
        ("2023-11-16 18:15:46.68,1,-1", "azure.csv:3:26: expected a number of tokens below ten million, got '-1'"),
        ("2023-11-16 18:15:46.68,1,1.5", "azure.csv:3:26: expected a number of tokens below ten million, got '1.5'"),
        ("2023-02-30 18:15:46.68,1,1", "azure.csv:3:1: there is no such time as '2023-02-30 18:15'"),
        ("2023-11-16 18:15:46,1,1", "azure.csv:3:1: is earlier than the row before it: sort the file by TIMESTAMP"),
    ],
)
def test_a_row_that_does_not_read_is_named_with_what_was_expected(trace_file, row, message):
    assert fault(trace_file(FIRST, row)) == message


@pytest.mark.parametrize(
    ("header", "got"),
    [("Timestamp,Request tokens,Response tokens", "'Timestamp,Request tokens,Response tokens'"), ("", "nothing")],
)
def test_other_columns_are_a_fault_of_line_one(trace_file, header, got):
    expected = "azure.csv:1:1: expected the columns TIMESTAMP,ContextTokens,GeneratedTokens"
    assert fault(trace_file(FIRST, header=header)) == f"{expected}, got {got}"


def test_a_trace_without_rows_is_a_fault(trace_file):
    assert fault(trace_file()) == "azure.csv: holds no rows"


def test_a_file_that_is_not_there_is_a_fault(tmp_path):
    assert fault(tmp_path / "absent.csv") == "absent.csv: cannot be read: No such file or directory"
    assert fault(tmp_path).endswith(": cannot be read: Is a directory")


def test_bytes_that_are_no_text_are_a_fault_of_their_row(tmp_path):
    path = tmp_path / "azure.csv"
    path.write_bytes(b"TIMESTAMP,ContextTokens,GeneratedTokens\n\xff\xfe\x00\n")
    assert fault(path).startswith("azure.csv:2:1: expected a time such as")


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
