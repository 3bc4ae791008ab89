import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from relayload.audit.reference_file import age_s, recording_of, usable, without_credentials
from relayload.core.errors import AuthorError
from relayload.core.model.audited import Audited

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def answer(index: int, question: str | None, text: str) -> Audited:
    return Audited(
        index=index,
        worker=0,
        scenario="chat",
        stage="batch",
        model="o3",
        measured=True,
        intended_at_s=float(index),
        request="r",
        question=question,
        text=text,
    )


def written(folder: Path, **changes: object) -> Path:
    recorded = recording_of([answer(0, "open:0", "Hello")], "https://vendor.example/v1", "o3", NOW)
    file = folder / "reference.json"
    file.write_text(json.dumps(msgspec.to_builtins(recorded) | changes))
    return file


def test_a_recording_has_the_beginnings_of_open_answers_alone():
    lines = [answer(1, "open:3", "b" * 300), answer(0, "open:3", "a"), answer(2, "sums:0", "4"), answer(3, None, "own")]
    found = recording_of(lines, "https://user:secret@vendor.example/v1?key=secret", "o3", NOW)
    assert found.answers == {"open:3": ["a", "b" * 100]}
    assert found.base_url == "https://vendor.example/v1"
    assert found.made_at == "2026-03-01T12:00:00+00:00"
    assert found.fits


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://127.0.0.1:8000/v1", "http://127.0.0.1:8000/v1"),
        ("https://a:b@c.example:444/v1", "https://c.example:444/v1"),
        ("https://c.example/v1?api-version=1", "https://c.example/v1"),
    ],
)
def test_a_base_url_is_told_without_credentials(url: str, shown: str):
    assert without_credentials(url) == shown


def test_a_recent_recording_of_these_questions_is_usable(tmp_path: Path):
    found = usable(written(tmp_path), "30d", NOW + timedelta(days=29), "--reference")
    assert found.answers == {"open:0": ["Hello"]}


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (
            {"questions_sha256": "0" * 64, "relayload": "0.1"},
            "holds answers to other questions, those of relayload 0.1",
        ),
        ({"temperature": 0.2}, "was recorded at temperature 0.2, not 1"),
        ({"temperature": None}, "was recorded at temperature None, not 1"),
        ({"made_at": "2026-01-01T00:00:00+00:00"}, "was made 59.5 days ago, and --max-age is 30d"),
        ({"made_at": "2026-01-01T00:00:00"}, "was made 59.5 days ago"),
        ({"made_at": "yesterday"}, "made_at: expected an instant, got 'yesterday'"),
        ({"answers": {}}, "holds no answers"),
        ({"answers": 7}, "is not what relayload audit --record writes"),
    ],
)
def test_another_recording_is_refused_in_one_line(changes: dict[str, object], told: str, tmp_path: Path):
    file = written(tmp_path, **changes)
    with pytest.raises(AuthorError) as refused:
        usable(file, "30d", NOW, "--against")
    (line,) = str(refused.value).splitlines()
    assert line.startswith(f"{file}: --against: ")
    assert told in line


def test_a_recording_that_is_not_there_is_named(tmp_path: Path):
    with pytest.raises(AuthorError, match="can't be read: No such file"):
        usable(tmp_path / "none.json", "30d", NOW, "--reference")


@pytest.mark.parametrize(("text", "seconds"), [("30d", 30 * 86400), ("12h", 43200), (" 1 d ", 86400)])
def test_ages_may_be_in_days(text: str, seconds: float):
    assert age_s(text) == seconds


@pytest.mark.parametrize("text", ["soon", "0d", "-1d", "100000d", ""])
def test_other_ages_are_refused(text: str):
    with pytest.raises(AuthorError, match="--max-age"):
        age_s(text)
