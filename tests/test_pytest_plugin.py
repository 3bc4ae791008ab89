"""The pytest plugin, in a pytest of its own, as a user's test-suite has it."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

from support import PATIENCE_S, ROOT, SHORT

PLUGIN = "relayload.pytest_plugin"
SUITE = """
import sys

import pytest


def test_a_gate_holds(relayload_run, fake_relay):
    run = relayload_run("short.yaml", sets=[f"target.base_url={fake_relay.base_url}"])
    assert run.passed, run.output
    assert run.verdict.verdict == "PASS"
    assert run.summary.counts.ok == run.recording.summarize().counts.ok > 0
    assert "gevent" not in sys.modules
    assert "locust" not in sys.modules


def test_a_gate_fails(relayload_run):
    run = relayload_run("short.yaml", sets=["objectives=[ttft.p50 < 1us]"])
    assert run.exit_code == 3
    assert run.passed, run.output


def test_a_measurement(relayload_run):
    run = relayload_run("short.yaml", sets=["objectives=[]"])
    assert run.exit_code == 0
    assert run.passed, run.output


def test_a_profile_is_wrong(relayload_run):
    relayload_run("short.yaml", sets=["load.kind=opne"])


def test_a_run_takes_too_long(relayload_run):
    relayload_run("short.yaml", sets=["load.stages.1.for=60s"], timeout_s=4)


@pytest.mark.fake_relay("direct", sets=["models.o3.speed=50/s"])
def test_a_relay_is_as_it_was_asked_to_be(fake_relay):
    assert fake_relay.base_url.startswith("http://127.0.0.1:")


@pytest.mark.fake_relay("drect")
def test_a_typo_in_a_preset(fake_relay):
    pass


@pytest.mark.fake_relay(prset="direct")
def test_a_typo_in_the_marker(fake_relay):
    pass
"""
NEARBY = """
from pathlib import Path

import pytest

PRESETS = ("mine.yaml", Path("mine.yaml"))


def test_nearby_and_below_the_root(relayload_run, fake_relay):
    here = [f"target.base_url={fake_relay.base_url}"]
    assert relayload_run("both.yaml", sets=here).summary.profile.name == "beside-the-test"
    assert relayload_run("load/root.yaml", sets=here).summary.profile.name == "below-the-root"
    assert relayload_run("cwd.yaml", sets=here).summary.profile.name == "where-pytest-runs"


@pytest.mark.parametrize("_", [pytest.param(0, marks=pytest.mark.fake_relay(each)) for each in PRESETS])
def test_nearby_relay(fake_relay, _):
    assert fake_relay.base_url
"""


def _pytest(directory: Path, *arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    (directory / "test_gates.py").write_text(SUITE)
    (directory / "short.yaml").write_text(SHORT.format(arrivals="constant", seconds=1))
    (directory / "pytest.ini").write_text("[pytest]\naddopts = --strict-markers -p no:cacheprovider\n")
    environ = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    environ.pop("PYTEST_ADDOPTS", None)
    command = [sys.executable, "-m", "pytest", "-p", PLUGIN, *arguments]
    return subprocess.run(
        command, cwd=cwd or directory, env=environ, capture_output=True, text=True, timeout=PATIENCE_S
    )


def test_a_test_suite_holds_its_load_gates(tmp_path: Path):
    result = _pytest(tmp_path, "-k", "(holds or relay) and not typo")
    assert result.returncode == 0, result.stdout
    assert "2 passed" in result.stdout


def test_a_failed_gate_shows_the_tables(tmp_path: Path):
    result = _pytest(tmp_path, "-k", "gate_fails")
    assert result.returncode == 1
    assert "✗  ttft.p50 < 1us" in result.stdout
    assert "FAIL (1 of 1 failed)" in result.stdout


def test_a_run_without_objectives_has_passed_nothing(tmp_path: Path):
    result = _pytest(tmp_path, "-k", "measurement")
    assert "1 failed" in result.stdout
    assert "NOT JUDGED (the profile has no objectives)" in result.stdout


def test_a_run_without_a_verdict_fails_its_test_with_what_was_said(tmp_path: Path):
    result = _pytest(tmp_path, "-k", "wrong or long")
    assert "2 failed" in result.stdout
    assert "short.yaml: no verdict, exit code 2" in result.stdout
    assert "load.kind" in result.stdout
    assert "the run did not end within 4 s" in result.stdout


def test_a_relay_that_can_not_be_had_fails_its_test_in_a_few_lines(tmp_path: Path):
    result = _pytest(tmp_path, "-k", "typo")
    assert "2 errors" in result.stdout
    assert "the fake relay did not start: there is no preset 'drect'; did you mean 'direct'?\n" in result.stdout
    assert "\npresets: direct, " in result.stdout
    assert "@pytest.mark.fake_relay(preset, sets): got an unexpected keyword argument 'prset'\n" in result.stdout
    assert "Traceback" not in result.stdout
    assert "During handling" not in result.stdout
    told = result.stdout.partition("= ERRORS =")[2].partition("= short test summary")[0]
    assert len(told.splitlines()) == 7  # two errors: a heading and the words of each, and the rests of two rules


def test_files_are_looked_for_beside_the_test_then_below_the_root_then_where_pytest_runs(tmp_path: Path):
    elsewhere = tmp_path / "elsewhere"
    named = {
        "gates/both.yaml": "beside-the-test",
        "both.yaml": "below-the-root",
        "load/root.yaml": "below-the-root",
        "elsewhere/load/root.yaml": "where-pytest-runs",
        "elsewhere/cwd.yaml": "where-pytest-runs",
    }
    for file, name in named.items():
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text(
            SHORT.format(arrivals="constant", seconds=1).replace("name: short", f"name: {name}")
        )
    (tmp_path / "gates" / "mine.yaml").write_bytes((ROOT / "relayload/fakerelay/presets/direct.yaml").read_bytes())
    (tmp_path / "gates" / "test_nearby.py").write_text(NEARBY)
    result = _pytest(tmp_path, str(tmp_path / "gates"), f"--rootdir={tmp_path}", cwd=elsewhere)
    assert "3 passed" in result.stdout, result.stdout


def test_the_fixtures_are_described(tmp_path: Path):
    result = _pytest(tmp_path, "--fixtures", "--markers")
    assert "@pytest.mark.fake_relay(preset, sets)" in result.stdout


def test_the_plugin_costs_a_test_suite_next_to_nothing():
    code = f"import pytest, sys; known = set(sys.modules); import {PLUGIN}; print(*sorted(set(sys.modules) - known))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.split() == ["relayload", PLUGIN]


def test_pytest_is_told_of_the_plugin():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["entry-points"]["pytest11"] == {"relayload": PLUGIN}
