"""`relayload limits`: what it refuses, and real searches against fake relays with short windows."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
from click.testing import CliRunner

from relayload.cli import main
from relayload.core.limits.findings import Limits
from relayload.fakerelay.limits import Allowance
from relayload.report.schemas import schema

PRESET = """\
models:
  o3: {ttft: {any: TTFT}, speed: 500/s, output_tokens: {any: 20}}
  o4: {ttft: {any: TTFT}, speed: 500/s, output_tokens: {any: 20}}
"""
PROFILE = """\
name: mine
target: {base_url: "fake://PRESET", dialect: DIALECT, keys: [{name: a, key: sk-a-secret}, {name: b, key: sk-b-secret}]}
load: {kind: open, stages: [{name: steady, for: 10s, rate: 1/s}]}
scenarios:
  one: {model: o3, prompt: simple, max_output_tokens: 10}
  two: {model: o4, prompt: simple, max_output_tokens: 10}
"""


@pytest.fixture
def profile(tmp_path: Path):
    def write(more: str = "", dialect: str = "openai", ttft: str = "15ms") -> Path:
        (tmp_path / "relay.yaml").write_text(f"{PRESET.replace('TTFT', ttft)}dialect: {dialect}\n{more}\n")
        text = PROFILE.replace("PRESET", str(tmp_path / "relay.yaml")).replace("DIALECT", dialect)
        (tmp_path / "p.yaml").write_text(text)
        return tmp_path / "p.yaml"

    return write


def invoked(*arguments):
    return CliRunner(env={"GITHUB_ACTIONS": None}).invoke(main, ["limits", *map(str, arguments)])


def searched(*arguments) -> tuple[dict, str]:
    command = [sys.executable, "-m", "relayload", "limits", *map(str, arguments), "--json"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    found = json.loads(ended.stdout)
    assert "limits" in found, ended.stderr
    jsonschema.Draft202012Validator(schema(Limits)).validate(found)
    assert "secret" not in ended.stdout + ended.stderr
    assert ended.returncode == found["exit_code"]
    return found, ended.stderr


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--max-requests", "0"], "--max-requests: expected at least 1, got '0'"),
        (["--max-requests", "few"], "--max-requests: expected a whole number such as"),
        (["--max-tokens", "0"], "--max-tokens: expected at least 1, got '0'"),
        (["--max-time", "0s"], "--max-time: expected at least 1s, got '0s'"),
        (["--max-time", "soon"], "--max-time: expected a duration such as"),
        (["--max-usd", "$0"], "--max-usd: expected more than $0, got '$0'"),
        (["--max-usd", "$1"], "--max-usd: can't be kept without prices: write target.prices, or --max-tokens"),
        (["--max-at-once", "5k"], "--max-at-once: expected at most 1024, got 5,000"),
        (["--target", "eu"], "--target: no target is called 'eu': there is target"),
        (["--set", "scenarios.one.model="], "scenarios.one: expected a valid string, got nothing"),
    ],
)
def test_bad_input_is_refused_before_anything_is_sent(options, message, profile):
    result = invoked(profile(), *options)
    assert result.exit_code == 2
    *cautions, last = result.stderr.splitlines()
    assert message in last
    assert all("warning: a key in plain text" in each for each in cautions)


def test_one_of_several_targets_is_to_be_named(tmp_path: Path):
    (tmp_path / "p.yaml").write_text(
        "name: two\ntargets: {eu: {base_url: fake://direct}, us: {base_url: fake://direct}}\n"
        "load: {kind: open, stages: [{name: steady, for: 10s, rate: 1/s}]}\n"
        "scenarios: {one: {model: o3, prompt: simple}}\n"
    )
    result = invoked(tmp_path / "p.yaml")
    assert result.exit_code == 2
    assert "each target has limits of its own: add one of --target eu, --target us" in result.stderr


def test_a_relay_that_is_not_there_is_named(profile):
    result = invoked(profile(), "--set", "target.base_url=http://127.0.0.1:9/v1")
    assert result.exit_code == 6
    assert "nothing listens on 127.0.0.1:9" in result.stderr


def test_the_worst_case_is_told_first_and_a_cap_ends_the_search(profile):
    found, told = searched(profile(), "--max-requests", "30", "--no-tokens", "--max-time", "1m")
    assert "at worst 30 requests, 1,000,000 tokens, an unknown cost and 1m; at most 64 at once" in told
    assert (found["exit_code"], found["requests"]) == (5, 30)
    assert found["ended_by"] == "--max-requests was reached: 30"
    assert found["limits"] == []


def test_a_window_is_found_at_a_real_relay(profile, tmp_path: Path):
    out = tmp_path / "out" / "limits.json"
    arguments = ["--no-tokens", "--max-at-once", "8", "--max-requests", "220", "--out", out]
    found, _ = searched(profile("limits: [{requests: 8/s}]"), *arguments)
    (limit,) = found["limits"]
    assert (limit["counts"], limit["amount"], limit["window_s"], limit["kind"]) == ("requests", 8, 1.0, "sliding")
    assert (limit["per"], found["client"]) == ("key", {"requests": ["436/min"]})
    assert [(each["limit"], each["true"]) for each in found["stated"]] == [(8, True)]
    assert json.loads(out.read_text()) == found


@pytest.mark.slow
@pytest.mark.parametrize(
    ("counts", "rate", "window", "per", "dialect"),
    [
        ("requests", "12/3s", "sliding", "key", "openai"),
        ("requests", "12/3s", "sliding", "model", "one-api"),
        ("requests", "12/3s", "sliding", "key", "apisix"),
        ("requests", "12/3s", "fixed", "key", "litellm"),
        ("requests", "12/3s", "fixed", "model", "openrouter"),
        ("requests", "12/3s", "bucket", "key", "apisix"),
        ("requests", "12/3s", "bucket", "model", "openai"),
        ("requests", "50/s", "bucket", None, "litellm"),
        ("requests", "60/min", "fixed", "key", "openai"),
        ("tokens", "6000/3s", "sliding", "key", "openai"),
        ("tokens", "6000/3s", "fixed", "key", "apisix"),
        ("tokens", "8000/5s", "fixed", "model", "one-api"),
        ("tokens", "4000/2s", "bucket", None, "litellm"),
    ],
)
def test_each_kind_is_found_behind_each_dialect(counts, rate, window, per, dialect, profile):
    """A busy machine may leave something open, but what is told must be so."""
    more = "" if per is None else f", per: {per}"
    preset = f"limits: [{{{counts}: {rate}, window: {window}{more}}}]"
    options = ["--no-tokens", "--max-requests", "900"] if counts == "requests" else []
    found, _ = searched(profile(preset, dialect), *options)
    (limit,) = found["limits"]
    amount, window_s = Allowance.parse(rate).count, Allowance.parse(rate).window_s
    error = 0.08 if window == "bucket" else 0.0
    assert limit["counts"] == counts
    assert (1 - error) * limit["amount"] <= amount <= (1 + error) * (limit["amount_at_most"] or limit["amount"])
    assert limit["window_s"] in (None, pytest.approx(window_s, rel=error or 0.02))
    assert limit["kind"] in (None, window)
    assert limit["per"] in (None, per or "key")
    assert all(each["true"] is not False for each in found["stated"])


@pytest.mark.slow
@pytest.mark.parametrize("dialect", ["openai", "litellm", "one-api", "openrouter"])
@pytest.mark.parametrize("per", ["key", "model"])
def test_what_is_in_flight_is_told_per_key_or_model(per, dialect, profile):
    options = ["--no-tokens", "--max-requests", "120"]
    found, _ = searched(profile(f"limits: [{{concurrent: 3, per: {per}}}]", dialect, "300ms"), *options)
    assert [(each["counts"], each["amount"], each["per"]) for each in found["limits"]] == [("concurrent", 3, per)]


@pytest.mark.slow
@pytest.mark.parametrize("status", [429, 503])
def test_faults_by_chance_are_no_limit_and_hide_none(status, profile):
    fault = f"faults: [{{kind: status, status: {status}, probability: 2%}}]"
    options = ["--no-tokens", "--max-requests", "600"]
    assert searched(profile(fault), *options)[0]["limits"] == []
    for limit in searched(profile(f"limits: [{{requests: 10/s}}]\n{fault}"), *options)[0]["limits"]:
        assert (limit["amount"], limit["window_s"] in (None, 1.0), limit["kind"] in (None, "sliding")) == (
            10,
            True,
            True,
        )


def test_a_limit_of_what_is_in_flight_is_found_at_a_real_relay(profile):
    options = ["--no-tokens", "--max-requests", "40"]
    found, _ = searched(profile("limits: [{concurrent: 3}]", "litellm", "500ms"), *options)
    assert [(each["counts"], each["amount"]) for each in found["limits"]] == [("concurrent", 3)]
    assert found["max_in_flight"] == 3


def test_capacity_is_no_quota(profile):
    options = ["--no-tokens", "--max-requests", "30", "--max-at-once", "8"]
    found, _ = searched(profile("capacity: {slots: 1, queue: 1}", "one-api", "300ms"), *options)
    assert found["limits"] == []
    assert any("with 4 at once" in note and "overloaded, which is no quota" in note for note in found["notes"])


def test_ctrl_c_ends_it_with_what_was_found(profile):
    command = [sys.executable, "-m", "relayload", "limits", str(profile("limits: [{requests: 7/h}]")), "--json"]
    search = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert search.stderr is not None
    for line in search.stderr:
        if "which limit is it" in line:
            break
    search.send_signal(signal.SIGINT)
    output, rest = search.communicate()
    found = json.loads(output)
    assert (search.returncode, found["exit_code"], found["ended_by"]) == (130, 130, "interrupted")
    assert "ending the search; what is in flight may take 3s, and a second Ctrl-C does not wait\n" in rest
