"""Whatever a relay or a profile says is text in every file and on every screen, and acts nowhere."""

import csv
import re
import shutil
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest
from browsing import Opened
from click.testing import CliRunner, Result
from page_reader import PageReader
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from relayload.cli import main
from relayload.core.model.record import BreakerState, Outcome
from relayload.core.model.run import ProfileInfo, StageInfo, TargetInfo
from relayload.core.price import Price
from relayload.recording import Recording

if TYPE_CHECKING:
    from playwright.sync_api import Browser

HOSTILE = (
    "=1+1<script>ran=1</script><img src=x onerror=ran=1>'\"&]]>\x1b[31m\x9b2J\u202e\r\n::error::forged\n"
    "##[error]forged\n## forged\n|`<b>`*[a](javascript:ran=1)"
)
ACTING = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")
FORMULA = re.compile(r"[=+@\t\r]|-(?![\d.])")
JUNIT = {"testsuites", "testsuite", "properties", "property", "testcase", "failure", "error", "system-out", "skipped"}


@pytest.fixture
def hostile(make_recording, request_line, breaker_line, end_line) -> Recording:
    """A run in which everybody who can name something does so maliciously."""
    names = {"scenario": HOSTILE, "model": HOSTILE, "target": HOSTILE, "key": HOSTILE, "stage": HOSTILE}
    refused = {"outcome": Outcome.RATE_LIMITED, "error": HOSTILE, "relay_message": HOSTILE, "status": 429}
    lines = [
        *(request_line(index, request_id=HOSTILE, **names) for index in range(30)),
        *(request_line(index, request_id=HOSTILE, **names, **refused) for index in range(30, 40)),
        breaker_line(3.0, BreakerState.CLOSED, BreakerState.OPEN, scope=HOSTILE, target=HOSTILE),
        end_line(0, started=40),
    ]
    price = {HOSTILE: Price(input=Decimal(1), output=Decimal(2))}
    recording = make_recording(
        lines,
        run_id=HOSTILE,
        profile=ProfileInfo(name=HOSTILE, sha256="0" * 64, file=HOSTILE),
        stages=(StageInfo(name=HOSTILE, for_s=100.0),),
        targets={HOSTILE: TargetInfo(base_url=f"http://h/{HOSTILE}", prices=price)},
        tags={HOSTILE: {HOSTILE: HOSTILE}},
        versions={HOSTILE: HOSTILE},
        platform=HOSTILE,
        cautions=(HOSTILE,),
        objectives=("errors.rate < 1%", "latency.p50 < 1ms", "breaker.trips == 0", "ttft.p99 < 9s"),
        offered=40,
    )
    (recording.directory / "profile.yaml").write_text(f"name: {HOSTILE}\n", encoding="utf-8")
    return recording


@pytest.fixture
def files(hostile: Recording, tmp_path: Path) -> dict[str, Path]:
    """All that is written about it, by what it is."""
    found = {name: tmp_path / "out" / name for name in ("junit.xml", "page.md", "metrics.txt", "page.html", "screen")}
    options = ("--junit", found["junit.xml"], "--markdown", found["page.md"], "--gitlab", found["metrics.txt"])
    gate = _invoked("gate", hostile.directory, *options, "--html", found["page.html"], "--github")
    assert gate.exit_code == 3, gate.output
    found |= {"commands": tmp_path / "out" / "commands", "history.csv": tmp_path / "out" / "history.csv"}
    found["commands"].write_text(gate.stderr, encoding="utf-8", newline="")
    report = _invoked("report", hostile.directory)
    found["screen"].write_text(gate.stdout + report.stdout, encoding="utf-8", newline="")
    assert _invoked("export", "otava", hostile.directory, "--csv", found["history.csv"]).exit_code == 0
    return found


def _invoked(*arguments: object) -> Result:
    env = {"GITHUB_ACTIONS": None, "GITHUB_STEP_SUMMARY": None, "COLUMNS": "300"}
    return CliRunner(env=env).invoke(main, [*map(str, arguments)])


def _read(path: Path) -> str:
    return path.read_bytes().decode()


def test_nothing_moves_a_cursor_or_turns_the_direction(files: dict[str, Path]):
    for name, path in files.items():
        text = _read(path)
        assert not ACTING.search(text), (name, ACTING.search(text))
        assert "=1+1<script>" in text.replace("\\", "").replace("&lt;", "<").replace("&gt;", ">"), name


def test_a_screen_holds_no_command_of_a_ci_system(files: dict[str, Path]):
    for name in ("screen", "page.md"):
        assert not re.search(r"^\s*::|##\[", _read(files[name]), re.MULTILINE), name


def test_annotations_are_those_of_the_verdict_alone(files: dict[str, Path]):
    lines = _read(files["commands"]).splitlines()
    commands = [line for line in lines if line.startswith("::")]
    assert len(commands) >= 4
    for command in commands:
        assert re.fullmatch(r"::(error|warning|notice) [^:\r\n]*::[^\r\n]*", command), command


def test_junit_has_the_elements_that_we_wrote_alone(files: dict[str, Path]):
    root = ET.fromstring(_read(files["junit.xml"]))
    assert {element.tag for element in root.iter()} <= JUNIT
    assert root.find("testsuite") is not None
    assert len(root.findall("testsuite/testcase")) == 5


def test_markdown_shows_it_as_text_and_its_tables_stay_whole(files: dict[str, Path]):
    text = _read(files["page.md"])
    assert not re.search(r"(?<!\\)<(script|img|b)\b", text)
    assert not re.search(r"(?<!\\)\]\(javascript", text)
    widths: list[set[int]] = [set()]
    for line in text.splitlines():
        if line.startswith("|"):
            widths[-1].add(len(re.findall(r"(?<!\\)\|", line)))
        elif widths[-1]:
            widths.append(set())
    assert len(widths) > 2
    assert all(len(found) <= 1 for found in widths)


def test_a_spreadsheet_computes_none_of_it(files: dict[str, Path]):
    with files["history.csv"].open(newline="", encoding="utf-8") as opened:
        rows = list(csv.reader(opened))
    assert len(rows) == 2
    assert not [cell for row in rows for cell in row if FORMULA.match(cell)]


def test_open_metrics_reads_as_such(files: dict[str, Path]):
    families = list(text_string_to_metric_families(_read(files["metrics.txt"])))
    assert len(families) > 10
    labels = {label for family in families for sample in family.samples for label in sample.labels.values()}
    assert any(label.startswith("=1+1<script>") for label in labels)


def test_pages_have_our_own_elements_alone(files: dict[str, Path]):
    read = PageReader(_read(files["page.html"]))
    assert not read.open
    assert not [tag for tag, _ in read.elements if tag in ("img", "b", "a")]
    assert [attributes.get("type") for attributes, _ in read.scripts].count(None) == 1


def test_no_script_of_it_runs_in_a_browser(
    browser: "Browser", hostile: Recording, files: dict[str, Path], tmp_path: Path
):
    pages = [files["page.html"], tmp_path / "set.html", tmp_path / "compared.html"]
    (tmp_path / "set" / "a").parent.mkdir()
    shutil.copytree(hostile.directory, tmp_path / "set" / "a")
    shutil.copytree(hostile.directory, tmp_path / "set" / "=b")
    assert _invoked("report", tmp_path / "set", "--html", pages[1]).exit_code == 0
    _invoked("compare", tmp_path / "set" / "a", tmp_path / "set" / "=b", "--html", pages[2])
    for path in pages:
        opened = Opened(browser, path.as_uri())
        opened.unfold()
        for chart in opened.page.locator(".plot[tabindex]").all()[:4]:
            chart.focus()
            opened.page.keyboard.press("End")
        assert opened.page.evaluate("window.ran") is None
        assert opened.page.locator("img, b").count() == 0
        assert (opened.asked, opened.complaints) == ([path.as_uri()], [])
