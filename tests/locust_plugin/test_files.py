"""What a headless run leaves besides its recording: Locust's tables, files and log."""

import csv
import json
import re
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support import LOCUSTFILE, SIDE_ENTRIES, Start, records, saved, wait_for

from relayload.fakerelay.process import FakeRelay
from relayload.locust_plugin.master_port import workers

WriteProfile = Callable[..., Path]


def rows(path: Path) -> dict[str, dict[str, str]]:
    """Locust's table, by the names of its rows, without side entries."""
    return {name: row for (name, kind), row in all_rows(path).items() if kind not in SIDE_ENTRIES}


def all_rows(path: Path) -> dict[tuple[str, str], dict[str, str]]:
    with path.open(newline="") as file:
        return {(row["Name"], row["Type"]): row for row in csv.DictReader(file)}


def template_args(path: Path) -> Any:
    """What Locust's report is made of."""
    found = re.search(r"window\.templateArgs = (\{.*\})", path.read_text())
    assert found is not None
    return json.loads(found[1])


@pytest.mark.parametrize("processes", [1, 2])
def test_csv_and_html_hold_every_request_and_the_target(
    locust: Start, profile: WriteProfile, tmp_path: Path, processes: int
) -> None:
    out = tmp_path / "run"
    files = ("--csv", "all", "--html", "all.html")
    run = locust("--relay-profile", profile(), "--relay-out", out, *files, processes=processes)
    assert run.wait() == 0, run.output
    summary, table = saved(out, "summary.json"), rows(tmp_path / "all_stats.csv")
    assert int(table["Aggregated"]["Request Count"]) == summary["counts"]["started"]
    lines = [json.loads(line) for path in out.glob("records-*.jsonl") for line in path.read_text().splitlines()]
    sent = [line["scenario"] for line in lines if line["line"] == "request"]
    shares = {name: sent.count(name) / len(sent) for name in ("simple", "plain")}
    page = template_args(tmp_path / "all.html")
    assert page["host"] == "fake://o-series"
    assert {name.lower(): task["ratio"] for name, task in page["tasks"]["total"].items()} == pytest.approx(shares)


LATE_REPORTS = """
from locust.runners import WorkerRunner

WorkerRunner._send_stats = lambda runner: None
"""


def test_a_worker_too_slow_for_locusts_last_report_is_in_its_tables(
    start: Start, profile: WriteProfile, tmp_path: Path, port: int
) -> None:
    """Locust's master waits half a second for the last reports of its workers. Here none of Locust's own comes."""
    late, out = tmp_path / "late.py", tmp_path / "run"
    late.write_text(LATE_REPORTS)
    options = ["--headless", "--only-summary", "--relay-profile", profile(), "--relay-out", out, "--csv", "all"]
    run = start("locust", "-f", f"{LOCUSTFILE},{late}", *options, *workers(2, port))
    assert run.wait() == 0, run.output
    table = rows(tmp_path / "all_stats.csv")
    assert int(table["Aggregated"]["Request Count"]) == saved(out, "summary.json")["counts"]["started"]


@pytest.mark.parametrize("processes", [1, 2])
def test_first_tokens_tokens_and_trips_have_rows_beside_the_total(
    locust: Start, profile: WriteProfile, tmp_path: Path, processes: int
) -> None:
    out = tmp_path / "run"
    client = "client: {breaker: {consecutive: 2, open_for: 100ms}}\n"
    with FakeRelay.start(sets=["faults=[{kind: status, status: 503, probability: 30%}]"]) as relay:
        options = ["--relay-set", f"target.base_url={relay.base_url}", "--relay-out", out]
        files = ("--csv", "all", "--html", "all.html")
        run = locust("--relay-profile", profile(seconds=2, more=client), *options, *files, processes=processes)
        run.wait()
    lines = [json.loads(line) for path in out.glob("records-*.jsonl") for line in path.read_text().splitlines()]
    sent = [line["attempts"][-1] for line in lines if line["line"] == "request" and "attempts" in line]
    trips = [line["scope"] for line in lines if line["line"] == "breaker" and line["after"] == "open"]
    assert trips
    table = all_rows(tmp_path / "all_stats.csv")
    assert _count(table["simple", "ttft"]) == sum("ttft_s" in attempt for attempt in sent)
    assert 0 < _count(table["simple", "tpot"]) <= _count(table["simple", "ttft"])
    assert {name: _count(row) for (name, kind), row in table.items() if kind == "breaker"} == Counter(trips)
    assert _count(table["Aggregated", ""]) == saved(out, "summary.json")["counts"]["started"]
    shown = {(row["name"], row["method"]): row for row in template_args(tmp_path / "all.html")["requests_statistics"]}
    assert {"ttft", "tpot", "breaker"} <= {kind for _, kind in shown}
    assert shown["Aggregated", ""]["num_requests"] == _count(table["Aggregated", ""])


def _count(row: dict[str, str]) -> int:
    return int(row["Request Count"])


def test_json_alone_is_on_stdout(profile: WriteProfile, port: int, tmp_path: Path) -> None:
    options: list[str | Path] = ["-f", LOCUSTFILE, "--headless", "--json", "--relay-profile", profile()]
    command = [sys.executable, "-m", "locust", *options, *workers(2, port)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert {row["name"] for row in json.loads(done.stdout)} == {"simple", "plain"}
    assert "PASS (2 of 2)" in done.stderr


def test_the_log_has_the_verdict_with_every_reason(locust: Start, profile: WriteProfile, tmp_path: Path) -> None:
    out = tmp_path / "run"
    slow = ("--relay-set", "objectives.1=ttft.p50 < 1ms", "--relay-set", "generator={late: 1us, late_share: 0%}")
    run = locust("--relay-profile", profile(), "--relay-out", out, *slow)
    assert run.wait() == 4, run.output
    verdict = saved(out, "verdict.json")
    for told in ("verdict: INVALID", *verdict["reasons"], "FAIL  ttft.p50 < 1ms  observed", f"recorded in {out}"):
        assert f"relayload: {told}" in run.output


def test_an_end_that_nobody_asked_for_speaks_of_no_ctrl_c(locust: Start, profile: WriteProfile) -> None:
    run = locust("--relay-profile", profile())
    assert run.wait() == 0, run.output
    assert "ending the load" not in run.output


@pytest.mark.parametrize(("number", "name"), [(signal.SIGINT, "Ctrl-C"), (signal.SIGTERM, "SIGTERM")])
def test_a_signal_is_told_what_a_second_one_does(
    locust: Start, profile: WriteProfile, tmp_path: Path, number: signal.Signals, name: str
) -> None:
    out = tmp_path / "run"
    run = locust("--relay-profile", profile(seconds=60), "--relay-out", out)
    wait_for(lambda: records(out) > 10)
    run.signal(number)
    run.wait()
    assert f"ending the load; what is in flight may take 30s, and a second {name} does not wait" in run.output


def test_an_end_by_locusts_run_time_speaks_of_the_wait_alone(locust: Start, profile: WriteProfile) -> None:
    run = locust("--relay-profile", profile(seconds=60), "--run-time", "1s")
    assert run.wait() == 4, run.output
    assert "ending the load; what is in flight may take 30s\n" in run.output


def test_the_report_does_not_name_a_host_that_nothing_was_sent_to(
    locust: Start, profile: WriteProfile, tmp_path: Path
) -> None:
    run = locust("--relay-profile", profile(), "--host", "http://127.0.0.1:1", "--html", "all.html")
    assert run.wait() == 0, run.output
    assert template_args(tmp_path / "all.html")["host"] == "fake://o-series"
