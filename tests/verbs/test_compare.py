import json
import re
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from markdown_it import MarkdownIt
from msgspec import structs
from page_reader import PageReader

from relayload.cli import main
from relayload.core.model.run import HandChange, ProfileInfo, TargetInfo
from relayload.core.model.verdict import Status
from relayload.recording import Recording


@pytest.fixture
def make_set(make_recording, request_line, end_line):
    """Writes a directory of runs, each with a latency of its own."""

    def make(name: str, count: int, service_s: float, **changes) -> list[Recording]:
        made = []
        for number in range(1, count + 1):
            lines = [request_line(index, service_s=service_s * (1 + number / 1000)) for index in range(60)]
            begins = {"started_at": f"2026-01-02T03:{number:02}:{sum(map(ord, name)) % 60:02}Z"}
            made.append(make_recording([*lines, end_line(0, started=60)], f"{name}/run-{number}", **begins, **changes))
        return made

    return make


def _compare(tmp_path: Path, *arguments: str, **environ: str) -> Result:
    paths = [argument if argument.startswith("--") else str(tmp_path / argument) for argument in arguments]
    return CliRunner(env=environ).invoke(main, ["compare", *paths])


def test_sets_of_six_runs_are_told_apart(make_set, tmp_path: Path):
    make_set("base", 6, 0.5)
    make_set("slow", 6, 0.8)
    result = _compare(tmp_path, "base", "slow", "--json")
    assert result.exit_code == 3, result.output
    told = json.loads(result.stdout)
    assert (told["verdict"], told["base_runs"], told["new_runs"]) == ("FAIL", 6, 6)
    (p95,) = [effect for effect in told["effects"] if effect["name"] == "latency.p95"]
    assert p95["change"] == pytest.approx(0.6, abs=0.01)
    assert p95["low"] > 0.5
    assert _compare(tmp_path, "slow", "base").exit_code == 0


@pytest.mark.parametrize("width", [40, 52, 66, 80])
def test_at_any_width_a_change_is_told_whole(make_set, tmp_path: Path, width: int):
    make_set("base", 6, 0.5)
    make_set("slow", 6, 0.8)
    lines = _compare(tmp_path, "base", "slow", COLUMNS=str(width)).stdout.splitlines()
    (row,) = [line.split() for line in lines if line.split()[1:2] == ["latency.p95"]]
    assert row[0] == "✗"
    assert "+59.9%" in row
    assert "…" not in "".join(lines)
    assert max(map(len, lines)) <= width


def test_a_table_shows_every_measure(make_set, tmp_path: Path):
    make_set("base", 6, 0.5)
    make_set("slow", 6, 0.8)
    result = _compare(tmp_path, "base", "slow", f"--markdown={tmp_path}/page.md")
    (row,) = [line.split() for line in result.stdout.splitlines() if line.split()[1:2] == ["latency.p95"]]
    assert row == ["✗", "latency.p95", "503ms", "804ms", "+59.9%", "+59.4%", "to", "+60.4%", "0.002"]
    assert "FAIL  6 new against 6 base runs, 10% tolerated" in result.stdout
    assert max(map(len, result.stdout.splitlines())) <= 80
    page = (tmp_path / "page.md").read_text()
    assert page.startswith("### FAIL: 6 new against 6 base runs, 10% tolerated\n")
    assert MarkdownIt("commonmark").enable("table").render(page).count("<tr>") == 1 + 8


def test_few_runs_can_not_be_told_apart(make_set, tmp_path: Path):
    make_set("base", 1, 0.5)
    make_set("slow", 1, 0.8)
    result = _compare(tmp_path, "base/run-1", "slow/run-1")
    assert result.exit_code == 4
    assert "fewer than 6 runs a side can't tell noise from change" in result.stdout
    assert "+59.9%" in result.stdout
    assert "* from the requests of one run alone" in result.stdout


def test_a_star_is_explained_where_it_is_shown(make_set, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    make_set("base", 1, 0.5)
    make_set("slow", 1, 0.8)
    monkeypatch.setenv("COLUMNS", "40")
    result = _compare(tmp_path, "base/run-1", "slow/run-1", f"--markdown={tmp_path}/page.md")
    assert "95% interval" in result.stdout.split("not shown for lack of room: ")[1]
    assert "*" not in result.stdout
    assert "from the requests of one run alone" in (tmp_path / "page.md").read_text()


_SPOILT = [
    ({"ended_by": None}, "INVALID: the run was killed, or could not record its end"),
    (
        {"ended_by": "guardrail", "stopped_by_guardrail": "max_requests"},
        "STOPPED: a guardrail stopped the run: max_requests",
    ),
    ({"ended_by": "sigint", "ended_at_s": 9.0}, "Ctrl-C ended the run after 9.00s, before its plan was through"),
]


def _words(result: Result) -> str:
    return " ".join(result.stdout.split())


@pytest.mark.parametrize(("facts", "why"), _SPOILT)
def test_a_run_that_is_no_good_is_left_out_and_told(facts, why: str, make_set, tmp_path: Path):
    make_set("base", 6, 0.5)
    (spoilt, *_) = make_set("new", 7, 0.4)
    spoilt.update(**facts)
    result = _compare(tmp_path, "base", "new", f"--markdown={tmp_path}/page.md")
    assert result.exit_code == 0, result.output
    assert "PASS 6 of 7 new against 6 base runs, 10% tolerated" in _words(result)
    assert "".join(f"left out of new: {tmp_path}/new/run-1: {why}".split()) in "".join(result.stdout.split())
    assert "left out of new" in (tmp_path / "page.md").read_text()


def test_a_run_that_was_changed_by_hand_counts_and_is_told(make_set, tmp_path: Path):
    sets = {side: make_set(side, 3, 0.5) for side in ("base", "new")}
    sets["new"][1].update(changes=(HandChange(at_s=5.0, rate_factor=2.0, by="web page"),))
    told = json.loads(_compare(tmp_path, "base", "new", "--json").stdout)
    assert (told["base_runs"], told["new_runs"], told["left_out"]) == (3, 3, [])
    assert told["warnings"][0].endswith(": rate changed by hand at 5.00s: x2")


@pytest.mark.parametrize("side", ["base", "slow"])
def test_what_is_left_can_still_be_proven_worse(side: str, make_set, tmp_path: Path):
    sets = {"base": make_set("base", 7, 0.5), "slow": make_set("slow", 7, 0.8)}
    sets[side][0].update(ended_by=None)
    told = json.loads(_compare(tmp_path, "base", "slow", "--json").stdout)
    assert (told["verdict"], told["exit_code"]) == ("FAIL", 3)
    (left_out,) = told["left_out"]
    assert left_out["side"] == ("base" if side == "base" else "new")
    assert (left_out["run"], told["base_runs"] + told["new_runs"]) == (str(tmp_path / side / "run-1"), 13)


def test_with_too_few_left_the_numbers_are_told_and_no_verdict(make_set, tmp_path: Path):
    make_set("base", 6, 0.5)
    (killed, *_) = make_set("slow", 6, 0.8)
    killed.update(ended_by=None)
    result = _compare(tmp_path, "base", "slow")
    assert result.exit_code == 4
    assert "INCONCLUSIVE 5 of 6 new against 6 base runs" in _words(result)
    assert "write relayload run --repeat 7" in _words(result)
    assert "latency.p95 503ms 804ms" in _words(result)


@pytest.mark.parametrize("side", ["base", "new"])
def test_a_side_without_a_run_that_is_any_good_is_not_compared(side: str, make_set, tmp_path: Path):
    sets = {"base": make_set("base", 2, 0.5), "new": make_set("new", 2, 0.5)}
    for recording in sets[side]:
        recording.update(ended_by=None)
    result = _compare(tmp_path, "base", "new")
    assert result.exit_code == 4
    assert f"no {side} run is left to compare" in result.stdout
    assert result.stdout.count(f"left out of {side}") == 2
    assert "latency" not in result.stdout


def test_goodput_is_compared_where_the_profile_has_it(make_set, tmp_path: Path):
    goodput = ("goodput{latency<505ms, ttft<1s}.rate >= 1%",)
    make_set("base", 6, 0.5, objectives=goodput)
    make_set("slow", 6, 0.51, objectives=goodput)
    told = json.loads(_compare(tmp_path, "base", "slow", "--json").stdout)
    (effect,) = [effect for effect in told["effects"] if effect["name"].startswith("goodput")]
    assert effect["name"] == "goodput{latency<505ms, ttft<1s}.rate"
    assert (effect["base"], effect["new"], effect["change"], effect["verdict"]) == (1.0, 0.0, -1.0, "FAIL")


def test_a_verdict_that_was_written_is_believed(make_set, tmp_path: Path):
    make_set("base", 6, 0.5)
    (told, *_) = make_set("slow", 6, 0.8)
    told.write_verdict(structs.replace(told.judge(), verdict=Status.INVALID, reasons=("it was so",)))
    assert "INVALID: it was so" in _words(_compare(tmp_path, "base", "slow"))


def test_different_profiles_and_the_same_run_twice_are_warned_of(make_set, tmp_path: Path):
    make_set("base", 6, 0.5)
    make_set("new", 6, 0.5, profile=ProfileInfo(name="trial", sha256="1" * 64))
    result = _compare(tmp_path, "base", "new", "base/run-1")
    assert result.exit_code == 0
    assert "warning: the runs are of different profiles" in result.stdout
    assert "warning: on both sides: base/run-1" in result.stdout


def test_runs_of_two_masters_are_two_whatever_they_are_called(make_recording, request_line, end_line, tmp_path: Path):
    lines = [*(request_line(index) for index in range(60)), end_line(0, started=60)]
    for place, uid in (("here", "x"), ("there", "y"), ("base", "z")):
        make_recording(lines, place, run_id="out", uid=uid)
    words = _words(_compare(tmp_path, "base", "here", "there"))
    assert "2 new against 1 base run" in words
    assert "more than once" not in words
    assert "on both sides" not in words


@pytest.mark.parametrize("new", [["slow"] * 6, ["slow/run-1", "copy"]])
def test_a_run_that_is_named_twice_counts_once(new, make_set, tmp_path: Path):
    make_set("base", 6, 0.5)
    make_set("slow", 1, 0.8)
    shutil.copytree(tmp_path / "slow", tmp_path / "copy")
    result = _compare(tmp_path, "base", *new)
    assert result.exit_code == 4, result.output
    assert "1 new against 6 base runs" in _words(result)
    assert "warning: more than once in new, and counted once: slow/run-1" in _words(result)


def test_one_measure_can_be_chosen(make_set, tmp_path: Path):
    make_set("base", 6, 0.5)
    make_set("slow", 6, 0.8)
    assert _compare(tmp_path, "base", "slow", "--measure=ttft.p95").exit_code == 0
    unknown = _compare(tmp_path, "base", "slow", "--measure=tfft.p95")
    assert unknown.exit_code == 2
    assert "--measure: no such measure in every run: 'tfft.p95'; there are latency.p50, " in unknown.stderr


def test_the_requests_with_one_tag_can_be_compared(make_recording, request_line, end_line, tmp_path: Path):
    for name, service_s in (("base", 0.5), ("slow", 0.8)):
        for number in range(6):
            lines = [
                request_line(index, key="quiet" if index % 2 else "loud", service_s=service_s if index % 2 else 0.5)
                for index in range(60)
            ]
            make_recording([*lines, end_line(0, started=60)], f"{name}/run-{number}", keys=("loud", "quiet"))
    assert _compare(tmp_path, "base", "slow", "--measure=latency{key=loud}.p95").exit_code == 0
    slower = _compare(tmp_path, "base", "slow", "--measure=latency{key=quiet}.p95", "--measure=errors{key=quiet}.rate")
    assert slower.exit_code == 3
    assert "latency{key=quiet}.p95 501ms 801ms +59.9%" in _words(slower)
    unknown = _compare(tmp_path, "base", "slow", "--measure=latency{key=silent}.p95")
    assert unknown.exit_code == 2
    assert "key=loud, key=quiet" in unknown.stderr


def test_a_tolerance_may_be_more_than_all(make_set, tmp_path: Path):
    make_set("base", 6, 0.5)
    make_set("slow", 6, 1.2)
    assert _compare(tmp_path, "base", "slow", "--tolerance=100%").exit_code == 3
    result = _compare(tmp_path, "base", "slow", "--tolerance=200%")
    assert result.exit_code == 0, result.output
    assert "200% tolerated" in _words(result)


def test_wrong_arguments_are_told_in_one_line(make_set, tmp_path: Path):
    make_set("base", 1, 0.5)
    wrong = _compare(tmp_path, "base", "new", "--tolerance=10")
    assert (wrong.exit_code, wrong.stderr) == (2, "--tolerance: expected a share such as '1%', got '10'\n")
    same = _compare(tmp_path, "base", "base")
    assert same.exit_code == 2
    assert same.stderr.endswith("base: is on both sides: name other runs to compare with it\n")
    empty = _compare(tmp_path, "base", "nowhere")
    assert empty.exit_code == 2
    assert "nowhere: is neither a recording nor a directory of recordings" in empty.stderr


@pytest.fixture
def side_by_side(make_recording, request_line, end_line):
    """Writes a run of sixty pairs, in which the relay takes a tenth of a second more."""

    def make(name: str = "both", **changes) -> Recording:
        lines = [
            request_line(index, target=target, service_s=service_s)
            for index in range(60)
            for target, service_s in (("direct", 0.5), ("relay", 0.6))
        ]
        infos = {target: TargetInfo(base_url=f"http://{target}/v1") for target in ("direct", "relay")}
        ended = end_line(0, started=len(lines))
        return make_recording([*lines, ended], name, **({"targets": infos, "paired": True} | changes))

    return make


def test_one_run_alone_is_compared_target_by_target(side_by_side, tmp_path: Path):
    side_by_side()
    result = _compare(tmp_path, "both", f"--markdown={tmp_path}/page.md")
    assert result.exit_code == 0, result.output
    assert "relay against direct: 60 pairs, measured and ok at both" in result.stdout
    words = " ".join(result.stdout.split())
    assert (words.count("+100ms +100ms to +100ms"), words.count("+100ms –")) == (1, 2)  # sixty tell no p95 and no p99
    assert "latency" in (tmp_path / "page.md").read_text()
    told = json.loads(_compare(tmp_path, "both", "--json").stdout)
    assert (told["base"], told["targets"][0]["pairs"]) == ("direct", 60)


def test_targets_side_by_side_have_a_page_with_the_same_numbers(side_by_side, tmp_path: Path):
    side_by_side()
    result = _compare(tmp_path, "both", f"--html={tmp_path}/page.html")
    assert result.exit_code == 0, result.output
    read = PageReader((tmp_path / "page.html").read_text(encoding="utf-8"))
    assert "What each target adds to direct a finding, no verdict exit code 0" in read.text
    numbers = re.findall(r"[+-]?\d[\d,.]*(?:ms|s|%)?", result.stdout)
    assert len(numbers) > 20
    assert not [found for found in numbers if not re.search(rf"(?<![\d.]){re.escape(found)}(?!\d)", read.text)]
    assert [attributes.get("class") for _, attributes in read.elements].count("bullet") == 6
    assert any("p50 +100ms +100ms to +100ms" in (attributes.get("aria-label") or "") for _, attributes in read.elements)


def test_what_judges_sets_of_runs_is_refused_for_one_run_alone(side_by_side, tmp_path: Path):
    side_by_side()
    result = _compare(tmp_path, "both", "--tolerance=5%", "--measure=ttft.p95")
    told = "is for runs that are compared with others: name those, too"
    assert (result.exit_code, result.stderr) == (2, f"--tolerance: {told}\n--measure: {told}\n")


def test_a_run_without_pairs_needs_another_to_be_compared_with(side_by_side, tmp_path: Path):
    side_by_side(paired=False)
    result = _compare(tmp_path, "both")
    assert result.exit_code == 2
    assert "its profile does not say compare: interleaved; name other runs to compare it with" in result.output


def test_a_run_of_too_many_pairs_is_not_told_that_its_profile_asks_for_none(side_by_side, tmp_path: Path):
    recording = side_by_side()
    recording.write_summary(structs.replace(recording.summarize(), comparison=None))  # as of a million requests
    recording.write_verdict(recording.judge())
    result = _compare(tmp_path, "both")
    assert result.exit_code == 2
    assert "it has 120 requests, too many to compare in pairs; name other runs" in result.output


def test_a_directory_of_runs_needs_others_to_be_compared_with(make_set, tmp_path: Path):
    make_set("before", 2, 0.5)
    result = _compare(tmp_path, "before")
    assert result.exit_code == 2
    before = tmp_path / "before"
    assert result.stderr == f"{before}: name the runs to compare with it: relayload compare {before} NEW\n"
    (tmp_path / "empty").mkdir()
    assert "empty: is not a recording: it has no run.json" in _compare(tmp_path, "empty").stderr


def test_targets_of_a_run_that_can_not_be_believed_are_told_with_exit_4(side_by_side, tmp_path: Path):
    side_by_side(ended_by=None, ended_at_s=None)
    result = _compare(tmp_path, "both")
    assert result.exit_code == 4
    assert "the run is INVALID: the run was killed, or could not record its end" in result.stderr
    assert "60 pairs" in result.stdout
