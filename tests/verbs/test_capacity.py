"""`relayload capacity`: what it refuses, and real searches against the fake relay with a few slots."""

import json
import signal
from pathlib import Path

import jsonschema
import pytest
from click.testing import CliRunner, Result
from support import until

from relayload.capacity.trial_profile import Left, trial_sets
from relayload.cli import main
from relayload.core.capacity.answer import Capacity
from relayload.core.capacity.trial import Purpose, Wanted
from relayload.profile import load
from relayload.profile.loads import ClosedLoad
from relayload.profile.plan import stages
from relayload.recording import Recording
from relayload.report.schemas import schema

PROFILE = """
name: slots
seed: 3
target: {{base_url: "fake://{preset}", api_key: sk-fake}}
load:
  kind: open
  stages: [{{name: steady, for: 5s, rate: 20/s}}]
scenarios:
  chat: {{model: o3, prompt: simple, max_output_tokens: 5}}
generator: {{late: 10s, late_share: 100%, loop_lag: 10s}} # these tests are not about a busy machine
objectives: [{objectives}]
{more}
"""
PRESET = """
models: {o3: {ttft: {any: 50ms}, speed: 100/s, output_tokens: {any: 6}}}
capacity: {slots: 4}
"""
CLOSED = ("--set", "load={kind: closed, users: 3, stages: [{name: a, for: 5s}]}")
SHORT = ("--warmup", "1s", "--trial", "2s", "--confirm", "3s")


@pytest.fixture
def slots(tmp_path: Path):
    """Writes a profile against a relay of four slots, which serves 40 requests a second."""

    def write(objectives: str = "errors.rate < 30%, ttft.p50 < 2s", more: str = "") -> Path:
        (tmp_path / "slots.yaml").write_text(PRESET)
        path = tmp_path / "profile.yaml"
        path.write_text(PROFILE.format(preset=tmp_path / "slots.yaml", objectives=objectives, more=more))
        return path

    return write


def invoked(*arguments: str | Path) -> Result:
    return CliRunner(env={"GITHUB_ACTIONS": None}).invoke(main, ["capacity", *map(str, arguments)])


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--set", "objectives=[]"], "a capacity is the most load that meets objectives"),
        (["--set", "load={kind: batch, requests: 10}"], "a batch load has no rate to search for: write kind: open, or"),
        (["--over", "users"], "an open load has no users: leave out --over users to search over its rate, or write"),
        ([*CLOSED, "--over", "rate"], "a closed load has no rate to search for: leave out --over rate to search over"),
        (
            [*CLOSED, "--start", "20/s"],
            "--start: expected a number of users such as '10', got '20/s', since the load is closed",
        ),
        ([*CLOSED, "--at-least", "0"], "--at-least: expected a number of users"),
        ([*CLOSED, "--max", "5", "--min", "6"], "--max: 5 users is below --min, 6 users"),
        ([*CLOSED, "--set", "objectives=['ttft.p99.99999 < 2s']"], "requests"),
        (["--set", "objectives=['ttft{stage=steady}.p50 < 2s']"], "steady"),
        (
            ["--set", "objectives=['ttft.p99.99999 < 2s']", "--max-load", "1h"],
            "and the longest trial has 72,",
        ),
        (
            ["--set", "objectives=['ttft.p99.99999 < 2s']"],
            "allow more load by --max-load, begin higher by --start, or ask for a lower percentile",
        ),
        (["--at-least", "50/s", "--max", "40/s"], "--at-least: 50/s is above --max, 40/s"),
        (["--at-least", "1/s", "--min", "2/s"], "--at-least: 1/s is below --min, 2/s"),
        (["--start", "50/s", "--max", "40/s"], "--start: 50/s is above --max, 40/s"),
        (["--start", "1/s", "--min", "2/s"], "--start: 1/s is below --min, 2/s"),
        ([*CLOSED, "--start", "7", "--max", "5"], "--start: 7 users is above --max, 5 users"),
        (["--set", "load.limits={per_second: 10}", "--start", "20/s"], "--start: 20/s is above load.limits"),
        (["--min", "5000/s"], "--min: 5000/s is above the highest level, 640/s: write --max, too"),
        (["--max", "1/s", "--min", "2/s"], "--max: 1/s is below --min, 2/s"),
        (["--set", "load.limits={per_second: 10}", "--max", "20/s"], "above load.limits"),
        (["--start", "20rps"], "--start: expected a rate"),
        (["--at-least", "50"], "got '50', since the load is open"),
        (["--min", "0/s"], "--min: expected a rate above 0, since the load is open"),
        (["--precision", "90%"], "--precision: expected between 1% and 50%"),
        (["--trial", "soon"], "--trial: expected a duration"),
    ],
)
def test_what_can_not_be_searched_is_refused_before_anything_is_sent(options, told, slots, tmp_path):
    out = tmp_path / "out"
    result = invoked(slots(), "--out", out, *options)
    assert (result.exit_code, result.stdout) == (2, "")
    assert told in result.stderr, result.stderr
    assert not out.exists()


def test_a_directory_with_a_search_is_only_gone_on_with_on_demand(slots, tmp_path):
    out = tmp_path / "out"
    assert "--resume goes with --out" in invoked(slots(), "--resume").stderr
    out.mkdir()
    assert "has no capacity.json to go on from" in invoked(slots(), "--out", out, "--resume").stderr
    (out / "capacity.json").write_text("{}")
    assert "holds a search: add --resume" in invoked(slots(), "--out", out).stderr
    assert invoked(slots(), "--out", out, "--resume").exit_code == 2


def test_the_worst_case_is_told_in_trials_load_requests_and_dollars(slots, tmp_path):
    prices = ["--set", "target.prices={any: {input: $1, output: $1}}"]
    caps = ["--max", "40/s", "--max-trials", "1", "--max-load", "1s"]
    told = invoked(slots(), "--out", tmp_path / "out", *prices, *caps)
    assert told.exit_code == 4
    assert "at worst 1 trial, 1.00s of load, " in told.stderr
    assert " requests, $0.0" in told.stderr
    assert "\nno trial was run, 0 requests\n" in told.stdout


@pytest.mark.parametrize("kept", ["", "recording: {records: all}", "recording: {records: none}"])
def test_a_trial_has_every_request_on_record_whatever_the_profile_keeps(kept: str, slots):
    path = slots(more=kept)
    wanted = Wanted(purpose=Purpose.CONFIRM, rate_per_s=12.5, warmup_s=10.0, measured_s=120.0)
    assert load(path, trial_sets(load(path), wanted, 3)).recording.records == "all"


def test_the_profile_of_a_trial_is_valid_and_its_objectives_end_it(slots):
    path = slots("'errors.rate < 30%', {expr: 'ttft.p50 < 2s', id: first, severity: warn}, 'requests.count > 1'")
    profile = load(path)
    wanted = Wanted(purpose=Purpose.CONFIRM, rate_per_s=12.5, warmup_s=10.0, measured_s=120.0)
    trial = load(path, trial_sets(profile, wanted, 3))
    assert [each.options.strict for each in trial.objectives] == [True] * 3
    assert [each.options.abort for each in trial.objectives] == [True, False, False]
    assert trial.seed == 3003
    assert [(stage.name, stage.rate_per_s, stage.warmup) for stage in stages(trial)] == [
        ("warm", 12.5, True),
        ("trial", 12.5, False),
    ]


def test_guardrails_hold_for_the_sum(slots):
    profile = load(slots(more="guardrails: {max_requests: 1000, max_usd: $2, max_duration: 10m}"))
    wanted = Wanted(purpose=Purpose.SEARCH, rate_per_s=10.0, warmup_s=10.0, measured_s=30.0)
    left = Left(profile, 400, 0.5, 500.0)
    assert next(left.sets()) == "guardrails.max_requests=600"
    assert load(profile.source, trial_sets(profile, wanted, 1, left)).guardrails.max_duration_s == 100
    assert left.lacking(wanted) is None
    assert "max_requests leaves 200" in (Left(profile, 800, 0.5, 0.0).lacking(wanted) or "")
    assert "max_usd is spent" in (Left(profile, 0, 2.0, 0.0).lacking(wanted) or "")
    assert "max_duration leaves too little" in (Left(profile, 0, 0.0, 580.0).lacking(wanted) or "")


def test_a_search_leaves_recordings_and_goes_on_where_it_stopped(start, slots, tmp_path):
    profile, out = slots(), tmp_path / "out"
    options = (*SHORT, "--out", out, "--json", "--max", "30/s")
    first = start("relayload", "capacity", profile, *options, "--max-trials", "1")
    assert first.wait() == 4, first.output
    found = json.loads((out / "capacity.json").read_text())
    assert found["reason"] == "not converged: it has had its one trial"
    again = start("relayload", "capacity", profile, *options, "--resume")
    assert again.wait() == 0, again.output
    found = json.loads((out / "capacity.json").read_text())
    assert (found["answer"], found["proven_per_s"]) == ("at_least", 30.0)
    assert [trial["rate_per_s"] for trial in found["trials"]][:2] == [20.0, 30.0]
    assert sorted(path.name for path in out.glob("trial-*")) == [trial["recording"] for trial in found["trials"]]
    jsonschema.Draft202012Validator(schema(Capacity)).validate(found)
    for trial in found["trials"]:
        recording = Recording.open(out / trial["recording"])
        assert recording.summary().counts.offered == trial["offered"]
        assert CliRunner().invoke(main, ["gate", str(recording.directory)]).exit_code in (0, 4)
    assert found["advice"]["quota"] == ["30/s", "1800/min"]
    assert found["models"]["o3"]["output_tokens"] == 5.0
    assert {(point["metric"], point["limit_s"]) for point in found["frontier"]} >= {("ttft", 0.05), ("ttft", 5.0)}
    measured = [trial.pop("measures") for trial in found["trials"]]
    assert all(measures["in_flight"]["mean"] > 0 for measures in measured)
    assert all(0 < measures["good"] <= measures["requests"] for measures in measured)
    del found["frontier"], found["advice"], found["models"]
    (out / "capacity.json").write_text(json.dumps(found))
    renewed = start("relayload", "capacity", profile, *options, "--resume")
    assert renewed.wait() == 0, renewed.output
    found = json.loads((out / "capacity.json").read_text())
    assert [trial["measures"] for trial in found["trials"]] == measured
    assert found["advice"]["quota"] == ["30/s", "1800/min"]
    changed = start("relayload", "capacity", profile, *options, "--resume", "--set", "seed=9")
    assert changed.wait() == 2
    assert "has trials of another profile" in changed.output


@pytest.mark.slow
def test_a_rate_beyond_the_slots_is_refuted(start, slots, tmp_path):
    profile, out = slots("errors.rate < 30%, ttft.p50 < 150ms"), tmp_path / "out"
    search = start(
        "relayload", "capacity", profile, "--warmup", "1s", "--confirm", "12s", "--out", out, "--at-least", "100/s"
    )
    assert search.wait() == 3, search.output
    found = json.loads((out / "capacity.json").read_text())
    assert (found["answer"], found["refuted_per_s"]) == ("below", 100.0)
    assert "less than 100/s: refuted" in search.output


def test_a_guardrail_ends_the_search_before_a_trial_that_does_not_fit(start, slots, tmp_path):
    profile, out = slots(more="guardrails: {max_requests: 100}"), tmp_path / "out"
    search = start("relayload", "capacity", profile, *SHORT, "--out", out)
    assert search.wait() == 5, search.output
    found = json.loads((out / "capacity.json").read_text())
    assert found["requests"] <= 100
    assert "guardrails.max_requests leaves" in found["reason"]


def test_an_interrupted_search_keeps_what_it_found(start, slots, tmp_path):
    profile, out = slots(), tmp_path / "out"
    search = start("relayload", "capacity", profile, "--warmup", "1s", "--trial", "60s", "--out", out)
    until(lambda: (out / "trial-01" / "run.json").exists())
    search.signal(signal.SIGINT)
    assert search.wait() == 130, search.output
    assert "ending the load; what is in flight may take 30s, and a second Ctrl-C does not wait\n" in search.output
    found = json.loads((out / "capacity.json").read_text())
    assert (found["exit_code"], found["reason"]) == (130, "not converged: Ctrl-C ended it")
    assert [trial["decision"] for trial in found["trials"]] == ["stopped"]
    again = start("relayload", "capacity", profile, *SHORT, "--out", out, "--resume", "--max", "20/s")
    assert again.wait() == 0, again.output
    found = json.loads((out / "capacity.json").read_text())
    assert [trial["number"] for trial in found["trials"]] == list(range(1, len(found["trials"]) + 1))
    assert found["proven_per_s"] == 20.0


def test_users_of_a_closed_load_are_searched_over(start, slots, tmp_path):
    profile, out = slots("errors.rate < 30%, ttft.p50 < 150ms"), tmp_path / "out"
    search = start("relayload", "capacity", profile, *CLOSED, *SHORT, "--over", "users", "--max", "4", "--out", out)
    assert search.wait() == 0, search.output
    found = json.loads((out / "capacity.json").read_text())
    assert (found["answer"], found["over"], found["proven_users"]) == ("at_least", "users", 4)
    assert (found["proven_per_s"], [trial["users"] for trial in found["trials"]]) == (None, [3, 4, 4])
    assert all(trial["rate_per_s"] > 0 for trial in found["trials"])
    jsonschema.Draft202012Validator(schema(Capacity)).validate(found)
    assert (
        "slots: its capacity, from 1 user to 4 users; at worst 40 trials, 20m of load, as many requests"
        in search.output
    )
    assert "at least 4 users, the most allowed" in search.output


def test_more_users_than_slots_are_refuted(start, slots, tmp_path):
    profile, out = slots("errors.rate < 30%, ttft.p50 < 1s"), tmp_path / "out"
    slow = PRESET.replace("50ms", "400ms")  # the queue does not shrink if a busy machine sends a few requests late
    (tmp_path / "slots.yaml").write_text(slow)
    options = ("--warmup", "1s", "--confirm", "12s", "--out", out, "--at-least", "30")
    search = start("relayload", "capacity", profile, *CLOSED, *options)
    assert search.wait() == 3, search.output
    found = json.loads((out / "capacity.json").read_text())
    assert (found["answer"], found["refuted_users"]) == ("below", 30)
    assert "less than 30 users: refuted" in search.output


def test_the_profile_of_a_trial_with_users_has_as_many(slots):
    path = slots()
    profile = load(path, CLOSED[1:])
    wanted = Wanted(purpose=Purpose.SEARCH, rate_per_s=0.0, users=7, warmup_s=10.0, measured_s=30.0)
    trial = load(path, [*CLOSED[1:], *trial_sets(profile, wanted, 1)])
    assert isinstance(trial.load, ClosedLoad)
    assert trial.load.users == 7
    assert [(stage.name, stage.for_s, stage.warmup) for stage in stages(trial)] == [
        ("warm", 10.0, True),
        ("trial", 30.0, False),
    ]


def test_a_bounded_queue_is_told_by_what_it_refuses(start, slots, tmp_path):
    profile, out = slots("errors.rate < 2%, ttft.p50 < 2s"), tmp_path / "out"
    (tmp_path / "slots.yaml").write_text(PRESET.replace("slots: 4", "slots: 4, queue: 3"))
    options = ("--warmup", "1s", "--confirm", "8s", "--out", out, "--at-least", "80/s")
    search = start("relayload", "capacity", profile, *options)
    assert search.wait() == 3, search.output
    found = json.loads((out / "capacity.json").read_text())
    assert found["answer"] == "below"
    assert 5 <= found["queue"]["in_flight"] <= 9, found["queue"]
    assert found["trials"][0]["overloaded"] > 8
    assert found["reason"].startswith("less than 80/s: refuted: a bounded queue refuses more than")
