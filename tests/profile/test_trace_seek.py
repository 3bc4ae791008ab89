"""A late part of a long trace is the same whether it is found by halving or by reading."""

import gzip
import json
import random
from pathlib import Path

import pytest

from relayload.core.errors import AuthorError
from relayload.profile.trace import Trace, rows
from relayload.profile.trace.seek import last_before

COUNT = 6000


def azure(number: int, at_s: float) -> str:
    minutes, seconds = divmod(at_s, 60)
    return f"2024-05-10 {int(minutes) // 60:02}:{int(minutes) % 60:02}:{seconds:09.6f}+00:00,{number},7"


def burstgpt(number: int, at_s: float) -> str:
    return f"{at_s},{number % 9 or ''},1.5,GPT-4,{number},{number % 5},9,API log"


def mooncake(number: int, at_s: float) -> str:
    return json.dumps({"timestamp": at_s * 1e3, "input_length": number, "output_length": 7, "hash_ids": [number]})


KINDS = {
    "azure": (azure, "TIMESTAMP,ContextTokens,GeneratedTokens\r\n"),
    "burstgpt": (
        burstgpt,
        "Timestamp,Session ID,Elapsed time,Model,Request tokens,Response tokens,Total tokens,Log Type\n",
    ),
    "mooncake": (mooncake, ""),
}


@pytest.fixture(params=KINDS)
def lines(request) -> tuple[str, list[str]]:
    """The format, and the lines of a trace whose rows come in bursts."""
    line, header = KINDS[request.param]
    rng = random.Random(5)
    at_s, made = 3.0, []
    for number in range(1, COUNT + 1):
        at_s = round(at_s + rng.choice([0, 0, 0.25, 40 * rng.random()]), 4)
        made.append(line(number, at_s))
    return request.param, [*([header.rstrip()] if header else []), *made]


def replay(path: Path, kind: str, **options: object) -> Trace:
    return Trace.model_validate({"trace": path, "format": kind, **options})


@pytest.mark.parametrize("share", [0.0001, 0.3, 0.5, 0.77, 0.9999, 2.0])
def test_a_late_part_is_found_by_halving(tmp_path, lines, share):
    kind, text = lines
    plain, packed = tmp_path / "t.csv", tmp_path / "t.csv.gz"
    plain.write_bytes("\n".join(text).encode())
    packed.write_bytes(gzip.compress(plain.read_bytes(), 1))
    *_, last = rows(replay(plain, kind), 1, ())
    options = {"from": f"{last.at_s * share:.6f}s", "sample": "60%"}
    halved, read = (list(rows(replay(path, kind, **options), 1, ())) for path in (plain, packed))
    assert halved == read
    assert bool(read) is (share < 1)


def test_faults_after_it_are_told_in_their_line(tmp_path, lines):
    kind, text = lines
    path = tmp_path / "t.csv"
    *_, last = [*rows(replay(_written(path, text), kind), 1, ())]
    broken = _written(path, [*text[:-10], "nonsense", *text[-10:]])
    with pytest.raises(AuthorError, match=rf"t\.csv:{len(text) - 9}:1: "):
        list(rows(replay(broken, kind, **{"from": f"{last.at_s * 0.8:.3f}s"}), 1, ()))


def _written(path: Path, lines: list[str]) -> Path:
    path.write_text("\n".join(lines))
    return path


def test_a_line_that_is_no_row_makes_it_be_read(tmp_path):
    path = _written(tmp_path / "t.txt", [f"{number:09}" for number in range(20_000)])
    assert last_before(path, lambda line: int(line) < 15_000) is not None
    assert last_before(path, lambda line: None) is None


@pytest.mark.parametrize("first", [0, 1, 4321, 12_000, 19_999, 50_000])
def test_the_place_is_the_beginning_of_a_line_that_is_before(tmp_path, first):
    path = _written(tmp_path / "t.txt", [f"{number:09}" for number in range(20_000)])
    place = last_before(path, lambda line: int(line) < first)
    if place is None:
        assert first * 10 <= 1 << 17
    else:
        found = int(path.read_text()[place.offset : place.offset + 9])
        assert found == place.lines_before
        assert first - found > 0 or found == 19_999
        assert min(first, 20_000) - found <= 1 + (1 << 16) / 10
