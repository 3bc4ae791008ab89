"""`relayload report` of the directory of a capacity search."""

import json
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner, Result
from msgspec import structs
from page_reader import PageReader
from searches import search

from relayload.capacity.page_file import page_of
from relayload.cli import main
from relayload.core.capacity.answer import Capacity
from relayload.report.capacity import render_capacity


@pytest.fixture
def found(tmp_path: Path) -> Path:
    """The directory of a search, two of whose trials have a page."""
    recordings = {1: "trial-01", 2: "trial-02", 3: "../outside", 4: "javascript:alert(1)", 6: "trial <6>"}
    trials = tuple(structs.replace(each, recording=recordings.get(each.number, "")) for each in search().trials)
    directory = tmp_path / "found"
    for name in ("trial-01", "trial-02", "../outside", "javascript:alert(1)", "trial <6>"):
        (directory / name).mkdir(parents=True)
        if name != "trial-02":
            (directory / name / "report.html").touch()
    (directory / "trial-02" / "profile.yaml").write_text("name: <kept>\n")
    (directory / "capacity.json").write_bytes(msgspec.json.encode(search(trials=trials)))
    return directory


def _report(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["report", *map(str, arguments)])


def _links(page: Path) -> list[str | None]:
    read = PageReader(page.read_text(encoding="utf-8"))
    return [attributes["href"] for tag, attributes in read.elements if tag == "a"]


def _saved(found: Path) -> Capacity:
    return msgspec.json.decode((found / "capacity.json").read_bytes(), type=Capacity)


def test_the_answer_is_printed_again_and_its_page_written(found: Path, tmp_path: Path):
    result = _report(found, "--html", tmp_path / "new" / "page.html")
    assert result.exit_code == 0, result.output
    assert result.stdout == render_capacity(_saved(found))
    assert "name: &lt;kept&gt;" in (tmp_path / "new" / "page.html").read_text(encoding="utf-8")


def test_links_lead_from_the_page_to_those_of_trials_within_the_search(found: Path, tmp_path: Path):
    assert _report(found, "--html", tmp_path / "new" / "page.html").exit_code == 0
    names = ("trial-01", "javascript%3Aalert%281%29", "trial%20%3C6%3E")
    assert _links(tmp_path / "new" / "page.html") == [f"../found/{name}/report.html" for name in names]
    (tmp_path / "beside.html").write_text(page_of(_saved(found), found, found), encoding="utf-8")
    assert _links(tmp_path / "beside.html") == [f"{name}/report.html" for name in names]


def test_json_is_that_of_the_file(found: Path):
    assert json.loads(_report(found, "--json").stdout) == json.loads((found / "capacity.json").read_text())


def test_it_has_no_records_of_its_own_to_fold(found: Path):
    result = _report(found, "--rebuild")
    assert result.exit_code == 2
    assert result.stderr == "--rebuild: is for a recording: relayload capacity --resume renews a search\n"
