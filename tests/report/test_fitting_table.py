import re
from typing import Any

import pytest
from rich.cells import cell_len

from relayload.report.fitting_table import Column, FittingTable, packed
from relayload.report.printing import printed
from relayload.report.screen import Screen

COLUMNS = [Column("measured, ok", words=True, most=18), Column("", words=True), *map(Column, ("n", "p50", "p99"))]
ROWS = [
    ("all", "latency", "1,234", "47.3ms", "98.5ms"),
    ("a scenario with a very long name", "nothing measured", "", "", ""),
]
QUANTITY = re.compile(r"[\d.,]+(?:ms|µs|s|%)?")


def _drawn(width: int, **more: Any) -> list[str]:
    return printed([FittingTable(COLUMNS, ROWS, **more)], Screen(width)).splitlines()


@pytest.mark.parametrize("width", range(40, 121))
def test_no_number_is_cut_from_its_unit_at_any_width(width: int):
    lines = _drawn(width, optional=("p50", "n"))
    shown = {match for line in lines for match in QUANTITY.findall(line) if match not in ("50", "99")}
    assert shown <= {"1,234", "47.3ms", "98.5ms", ","}
    assert "98.5ms" in shown
    assert "…" not in "".join(lines)
    assert max(map(cell_len, lines)) <= width


def test_words_are_folded_and_never_dropped():
    text = " ".join(" ".join(_drawn(40, optional=("p50",))).split())
    for word in ("scenario", "very", "long", "name", "nothing", "measured"):
        assert word in text


def _numbers(width: int, **more: Any) -> list[str]:
    columns = [Column("x", words=True), *(Column(name) for name in ("one", "two", "three"))]
    row = ("row", "1" * 12, "2" * 12, "3" * 12)
    return printed([FittingTable(columns, [row], optional=("two", "one"), **more)], Screen(width)).splitlines()


@pytest.mark.parametrize(("width", "missing"), [(45, None), (42, None), (41, "two"), (29, "two"), (28, "two, one")])
def test_columns_go_in_the_order_that_is_given_and_a_line_names_them(width: int, missing: str | None):
    heading, row, *notes = _numbers(width)
    told = {name for name in ("one", "two") if name not in heading}
    assert told == set(missing.split(", ") if missing else ())
    assert "3" * 12 in row
    assert bool(notes) == bool(missing)
    assert not missing or "not shown for lack of room" in " ".join(notes)


def test_what_is_too_wide_without_them_is_drawn_too_wide_and_not_cut():
    table = FittingTable([Column("a"), Column("b")], [("1" * 30, "2" * 30)])
    assert printed([table], Screen(40)).splitlines()[1] == f"{'1' * 30} {'2' * 30}"


def test_a_legend_is_told_where_its_column_is():
    legend = {"two": "two: of them"}
    assert "two: of them" in _numbers(45, legend=legend)
    assert "two: of them" not in _numbers(40, legend=legend)


@pytest.mark.parametrize(
    ("room", "lines"),
    [
        (80, ["ok 9.9/s · 307 tokens/s · CPU 3%"]),
        (30, ["ok 9.9/s · 307 tokens/s ·", "CPU 3%"]),
        (25, ["ok 9.9/s · 307 tokens/s ·", "CPU 3%"]),
        (24, ["ok 9.9/s ·", "307 tokens/s · CPU 3%"]),
        (5, ["ok 9.9/s ·", "307 tokens/s ·", "CPU 3%"]),
    ],
)
def test_facts_are_broken_between_parts_alone(room: int, lines: list[str]):
    assert packed("ok 9.9/s · 307 tokens/s · CPU 3%", room).split("\n") == lines
