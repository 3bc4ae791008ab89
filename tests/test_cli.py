"""The command line, as a process: what people type and what comes of it."""

import csv
import json
import os
import re
import signal
import socket
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from support import Process, Start, records, relay_stats, saved, wait_for

from relayload.core.model.run import RunInfo
from relayload.fakerelay.process import FakeRelay
from relayload.recording import Recording

WriteProfile = Callable[..., Path]
MakeRun = Callable[..., RunInfo]
AZURE_TRACE = Path(__file__).parents[2] / "shared" / "traces" / "AzureLLMInferenceTrace_conv.csv"
REPLAY = """
name: replay
load:
  kind: open
  arrivals: {{trace: {trace}, format: azure, speed: 10}}
  stages: [{{name: replay, for: {seconds}s}}]
scenarios: {{conversation: {{model: o3}}}}
generator: {{late: 10s, late_share: 100%, loop_lag: 10s}}
objectives: [errors.rate < 20%]
"""


def test_check_prints_the_plan_and_contacts_nothing(start: Start, profile: WriteProfile) -> None:
    nowhere = "target.base_url=http://127.0.0.1:1/v1"
    check = start("relayload", "check", profile("constant"), "--set", nowhere, anew=True)
    assert check.wait() == 0
    assert "steady          1.00s        20" in check.output
    assert "nothing was contacted" in check.output


def test_check_prints_json_for_programs(start: Start, profile: WriteProfile) -> None:
    check = start("relayload", "check", profile("constant"), "--json")
    assert check.wait() == 0
    assert json.loads(check.output)["total"]["arrivals"] == 25


def test_check_tells_what_each_objective_can_expect(start: Start, profile: WriteProfile) -> None:
    check = start("relayload", "check", profile("constant"), "--json")
    assert check.wait() == 0
    plan = json.loads(check.output)
    assert sum(plan["timeline"]["counts"]) == 25
    assert {each["expr"]: (each["samples"], each["needed"], each["to_prove"]) for each in plan["objectives"]} == {
        "errors.rate < 50%": (20, 2, 5),
        "ttft.p50 < 10s": (plan["stages"][1]["by_scenario"]["simple"], 2, 5),
    }


@pytest.mark.parametrize("verb", ["check", "run"])
def test_an_objective_without_enough_samples_is_exit_2_before_anything_is_sent(
    start: Start, profile: WriteProfile, tmp_path: Path, verb: str
) -> None:
    path = profile("constant")
    path.write_text(path.read_text().replace("ttft.p50 < 10s", "ttft.p99 < 10s"))
    process = start("relayload", verb, path)
    assert process.wait() == 2
    assert (
        f"{path}:14:33: objectives.1 (2nd objective): 'ttft.p99 < 10s' needs 100 requests to be decided, and"
        in process.output
    )
    assert not (tmp_path / "runs").exists()


def test_every_fault_of_a_profile_is_told_at_once(start: Start, profile: WriteProfile) -> None:
    path = profile(more="gaurdrails: {}\n")
    text = path.read_text().replace("rate: 20/s, warmup", "rate: 20rps, warmup").replace("weight: 3", "weight: 0")
    path.write_text(text)
    check = start("relayload", "check", path)
    assert check.wait() == 2
    assert check.output.splitlines() == [
        f"{path}:8:38: load.stages.0.rate: expected a rate such as '5/s' or '300/min', got '20rps'",
        f"{path}:11:20: scenarios.simple.weight: expected a number above 0, got '0'; "
        "leave out a scenario that is not to be sent",
        f"{path}:15:1: gaurdrails: unknown key; did you mean 'guardrails'?",
    ]


def test_run_sends_records_and_judges(start: Start, profile: WriteProfile, relay: FakeRelay, tmp_path: Path) -> None:
    out = tmp_path / "run"
    target = f"target.base_url={relay.base_url}"
    run = start("relayload", "run", profile(), "--out", out, "--set", target, anew=True)
    assert run.wait() == 0, run.output
    assert "PASS" in run.output
    summary = saved(out, "summary.json")
    assert summary["counts"]["started"] == relay_stats(relay)["requests"]
    assert summary["generator"]["valid"]
    assert not (out / "progress.json").exists()
    assert run.output.splitlines()[-2:] == [f"page: {out / 'report.html'}", f"recording: {out}"]
    page = (out / "report.html").read_text(encoding="utf-8")
    assert "✓</span> PASS" in page
    assert f"offered {summary['counts']['offered']:,} = started" in page


_ONE_SLOT = """
models:
  o3: {ttft: {any: {p50: 200ms, p99: 200ms}}, speed: 1000/s, output_tokens: {any: {p50: 1, p99: 1}}}
capacity: {slots: 1}
"""
_OVERLOAD = """
name: overload
load: {kind: open, arrivals: constant, stages: [{name: steady, for: 15s, rate: 10/s}]}
scenarios: {simple: {model: o3, prompt: simple, stream: false, max_output_tokens: 1}}
generator: {late: 10s, late_share: 100%, loop_lag: 10s}
objectives: [throughput.per_second < 6]
"""


@pytest.mark.slow
def test_a_relay_that_can_not_keep_up_has_its_own_throughput_and_is_saturated(start: Start, tmp_path: Path) -> None:
    """It serves five a second at most, and is offered ten."""
    preset, profile, out = tmp_path / "preset.yaml", tmp_path / "overload.yaml", tmp_path / "run"
    preset.write_text(_ONE_SLOT)
    profile.write_text(_OVERLOAD)
    with FakeRelay.start(str(preset)) as relay:
        run = start("relayload", "run", profile, "--out", out, "--set", f"target.base_url={relay.base_url}")
        assert run.wait() == 0, run.output
    summary, verdict = saved(out, "summary.json"), saved(out, "verdict.json")
    rates = summary["rates"]
    assert rates["ok_per_s"] < 6 < 9 < rates["offered_per_s"]
    assert round(rates["ok_per_s"] * 15) + rates["ended_later"] == summary["counts"]["ok"] == 150
    assert verdict["objectives"][0]["observed"] == rates["ok_per_s"]
    assert summary["saturation"]["low"] > 2
    assert verdict["warnings"][0].startswith("saturated: in flight grew by ")
    assert f"{rates['ended_later']} more ended ok within" in run.output


def test_gate_and_report_need_the_recording_alone(start: Start, profile: WriteProfile, tmp_path: Path) -> None:
    out, path = tmp_path / "run", profile()
    assert start("relayload", "run", path, "--out", out).wait() == 0
    path.unlink()
    before = saved(out, "summary.json")
    (out / "verdict.json").unlink()
    assert start("relayload", "gate", out).wait() == 0
    assert saved(out, "verdict.json")["verdict"] == "PASS"
    rebuilt = start("relayload", "report", out, "--rebuild", "--json")
    assert rebuilt.wait() == 0
    assert json.loads(rebuilt.output) == saved(out, "summary.json") == before


def test_a_killed_run_can_be_rebuilt_and_is_never_a_pass(start: Start, profile: WriteProfile, tmp_path: Path) -> None:
    out = tmp_path / "run"
    run = start("relayload", "run", profile(seconds=60), "--out", out, anew=True)
    wait_for(lambda: records(out) > 20)
    os.killpg(run.popen.pid, signal.SIGKILL)
    run.wait()
    locust = [int(process.name) for process in Path("/proc").iterdir() if str(out) in command_line(process)]
    for pid in locust:
        os.kill(pid, signal.SIGKILL)
    assert locust
    assert start("relayload", "report", out, "--rebuild").wait() == 0
    counts = saved(out, "summary.json")["counts"]
    assert counts["offered"] == counts["started"] + counts["lost"]
    gate = start("relayload", "gate", out)
    assert gate.wait() == 4
    assert "the run was killed, or could not record its end" in gate.output


def command_line(process: Path) -> str:
    try:
        return (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""


def test_ctrl_c_ends_a_run_in_order(start: Start, profile: WriteProfile, tmp_path: Path) -> None:
    out = tmp_path / "run"
    run = start("relayload", "run", profile(seconds=60), "--out", out)
    wait_for(lambda: records(out) > 20)
    run.signal(signal.SIGINT)
    assert run.wait() == 130
    assert saved(out, "run.json")["ended_by"] == "sigint"
    assert "offered" in run.output
    gate = start("relayload", "gate", out)
    assert gate.wait() == 4
    assert "Ctrl-C ended the run after" in gate.output


@pytest.mark.parametrize("locust_started", [False, True])
@pytest.mark.parametrize(("number", "code", "name"), [(signal.SIGINT, 130, "Ctrl-C"), (signal.SIGTERM, 143, "SIGTERM")])
def test_a_run_that_is_starting_up_can_be_interrupted(
    start: Start,
    profile: WriteProfile,
    tmp_path: Path,
    number: signal.Signals,
    code: int,
    name: str,
    locust_started: bool,
) -> None:
    run = start("relayload", "run", profile(seconds=60), "--out", tmp_path / "run", anew=True)
    wait_for(lambda: _catches(run, signal.SIGTERM))
    if locust_started:
        wait_for((tmp_path / "run" / "locust.log").exists)
    run.signal(number)
    assert run.wait() == code
    (line,) = run.output.splitlines()
    assert line.startswith("relayload: ")
    assert name in line


@pytest.mark.parametrize(
    "words", [("overhead", "--direct", "fake://direct", "--relay", "fake://direct"), ("noise",), ("audit",)]
)
def test_other_verbs_that_send_can_be_interrupted_while_they_start(
    start: Start, profile: WriteProfile, words: tuple[str, ...]
) -> None:
    verb = start("relayload", *words, *([profile(seconds=60)] if len(words) == 1 else []), anew=True)
    wait_for(lambda: _catches(verb, signal.SIGTERM))
    verb.signal(signal.SIGINT)
    assert verb.wait() == 130
    assert verb.output.splitlines() == ["relayload: ended by Ctrl-C"]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_gate_that_is_interrupted_has_not_passed(
    start: Start, make_run: MakeRun, tmp_path: Path, number: signal.Signals, code: int
) -> None:
    Recording.create(tmp_path / "run", make_run())
    os.mkfifo(tmp_path / "run" / "records-0.jsonl.gz")  # nobody writes to it, so that reading never ends
    gate = start("relayload", "gate", tmp_path / "run", anew=True)
    wait_for(lambda: _catches(gate, signal.SIGTERM))
    gate.signal(number)
    assert gate.wait() == code
    assert gate.output.startswith("relayload: ended by ")
    assert len(gate.output.splitlines()) == 1


def test_a_visit_to_a_relay_that_is_silent_can_be_interrupted(start: Start, profile: WriteProfile) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        base_url = f"http://127.0.0.1:{silent.getsockname()[1]}/v1"
        doctor = start("relayload", "doctor", profile(seconds=60), "--set", f"target.base_url={base_url}")
        connection, _ = silent.accept()
        doctor.signal(signal.SIGINT)
        assert doctor.wait() == 130
        connection.close()
    assert doctor.output.splitlines() == ["relayload: ended by Ctrl-C"]


def _catches(process: Process, number: signal.Signals) -> bool:
    """Whether it has said what to do at a signal that ends Python otherwise."""
    (mask,) = re.findall(r"^SigCgt:\s*(\w+)", Path(f"/proc/{process.popen.pid}/status").read_text(), re.MULTILINE)
    return bool(int(mask, 16) >> (number - 1) & 1)


def test_a_wrong_key_is_exit_6_and_is_not_told(
    start: Start, profile: WriteProfile, relay: FakeRelay, tmp_path: Path
) -> None:
    path = profile(more=f"target: {{base_url: '{relay.base_url}', api_key: '${{env:THE_KEY}}'}}\n")
    run = start("relayload", "run", path, "--out", tmp_path / "run", THE_KEY="sk-very-secret")
    assert run.wait() == 6
    assert "rejected the key with 401" in run.output
    told = [run.output, *(file.read_text() for file in (tmp_path / "run").iterdir())]
    assert not any("sk-very-secret" in text for text in told)


def test_a_missing_v1_is_exit_6_with_the_line_to_write(start: Start, profile: WriteProfile, relay: FakeRelay) -> None:
    base_url = relay.base_url.removesuffix("/v1")
    run = start("relayload", "run", profile(), "--set", f"target.base_url={base_url}")
    assert run.wait() == 6
    assert f"write target.base_url: {relay.base_url}" in run.output


@pytest.mark.parametrize("verb", ["gate", "report"])
def test_a_directory_that_is_no_recording_is_exit_2(start: Start, tmp_path: Path, verb: str) -> None:
    process = start("relayload", verb, tmp_path)
    assert process.wait() == 2
    assert "is not a recording" in process.output


def test_a_directory_is_recorded_into_once(start: Start, profile: WriteProfile, tmp_path: Path) -> None:
    out, path = tmp_path / "run", profile()
    start("relayload", "run", path, "--out", out).wait()
    again = start("relayload", "run", path, "--out", out)
    assert again.wait() == 2
    assert "already holds a recording" in again.output


def write_trace(path: Path, rows: int) -> None:
    """Rows of growing size, half a second apart."""
    began = datetime.fromisoformat("2023-11-16 18:15:46")
    with path.open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["TIMESTAMP", "ContextTokens", "GeneratedTokens"])
        for row in range(rows):
            at = began + timedelta(seconds=row / 2)
            table.writerow([f"{at:%Y-%m-%d %H:%M:%S}.{at.microsecond:06d}0", 20 + row * 10, 5 + row])


def test_a_run_can_be_repeated_and_its_set_be_compared(start: Start, profile: WriteProfile, tmp_path: Path) -> None:
    out, path = tmp_path / "set", profile()
    run = start("relayload", "run", path, "--out", out, "--repeat", "2", "--set", "objectives=[ttft.p50 < 1us]")
    assert run.wait() == 3, run.output
    assert [saved(out / f"run-{number}", "verdict.json")["verdict"] for number in (1, 2)] == ["FAIL", "FAIL"]
    assert "2 runs in" in run.output
    compare = start("relayload", "compare", out / "run-1", out / "run-2")
    assert compare.wait() == 4
    assert "fewer than 6 runs a side can't tell noise from change" in compare.output


def test_every_row_of_a_trace_is_sent_with_its_tokens(start: Start, tmp_path: Path) -> None:
    write_trace(tmp_path / "trace.csv", rows=60)
    path, out = tmp_path / "replay.yaml", tmp_path / "run"
    path.write_text(REPLAY.format(trace="trace.csv", seconds=10))
    run = start("relayload", "run", path, "--out", out)
    assert run.wait() == 0, run.output
    lines = [json.loads(line) for line in (out / "records-0.jsonl").read_text().splitlines()]
    sent = sorted((line["index"], line["attempts"][0]) for line in lines if line["line"] == "request")
    assert [index for index, _ in sent] == list(range(60))
    assert [attempt["output_tokens"] for _, attempt in sent] == [5 + row for row in range(60)]
    for row, (_, attempt) in enumerate(sent):
        assert attempt["input_tokens"] == pytest.approx(20 + row * 10, rel=0.05, abs=5)


@pytest.mark.trace
@pytest.mark.skipif(not AZURE_TRACE.exists(), reason="the public trace does not lie beside the checkout")
def test_fifteen_seconds_of_the_azure_trace_at_ten_times_its_speed(start: Start, tmp_path: Path) -> None:
    path, out = tmp_path / "replay.yaml", tmp_path / "run"
    path.write_text(REPLAY.format(trace=AZURE_TRACE, seconds=15))
    run = start("relayload", "run", path, "--out", out)
    assert run.wait() == 0, run.output
    with AZURE_TRACE.open() as file:
        times = [datetime.fromisoformat(row["TIMESTAMP"][:26]) for row in csv.DictReader(file)]
    due = sum(at - times[0] < timedelta(seconds=150) for at in times)
    counts = saved(out, "summary.json")["counts"]
    assert counts["offered"] == counts["started"] == counts["ok"] == due


def test_a_bad_row_far_down_a_trace_is_found_by_a_check(start: Start, tmp_path: Path) -> None:
    write_trace(tmp_path / "trace.csv", rows=10_050)
    with (tmp_path / "trace.csv").open("a") as file:
        file.write("2023-11-17 18:15:46.0000000,many,1\n")
    path = tmp_path / "replay.yaml"
    path.write_text(REPLAY.format(trace="trace.csv", seconds=100_000))
    check = start("relayload", "check", path)
    assert check.wait() == 2
    assert "trace.csv:10052:29: ContextTokens: expected a number of tokens below ten million" in check.output


def test_a_trace_with_other_columns_is_told_with_its_row(start: Start, tmp_path: Path) -> None:
    (tmp_path / "trace.csv").write_text("time,in,out\n1,2,3\n")
    path = tmp_path / "replay.yaml"
    path.write_text(REPLAY.format(trace="trace.csv", seconds=10))
    check = start("relayload", "check", path)
    assert check.wait() == 2
    assert "trace.csv:1:1" in check.output
    assert "there is no column 'TIMESTAMP': found time, in, out" in check.output


def test_init_writes_a_profile_that_check_passes_and_never_over_another(start: Start, tmp_path: Path) -> None:
    init = start("relayload", "init", "mine.yaml")
    assert init.wait() == 0
    assert "next: relayload check mine.yaml" in init.output
    assert start("relayload", "check", "mine.yaml").wait() == 0
    again = start("relayload", "init", "mine.yaml")
    assert again.wait() == 2
    assert again.output == "mine.yaml: already exists: choose another name\n"


def test_the_starter_of_a_real_relay_wants_its_key_from_the_environment(start: Start, tmp_path: Path) -> None:
    assert start("relayload", "init", "--from", "holysheep", "h.yaml").wait() == 0
    without = start("relayload", "check", "h.yaml", HOLYSHEEP_API_KEY="")
    assert without.wait() == 2
    assert "target.api_key: " in without.output
    assert start("relayload", "check", "h.yaml", HOLYSHEEP_API_KEY="sk-1").wait() == 0


def test_schema_prints_the_schema_of_profiles(start: Start, tmp_path: Path) -> None:
    printed = start("relayload", "schema")
    assert printed.wait() == 0
    assert json.loads(printed.output)["title"] == "relayload profile"


def test_doctor_is_exit_0_for_a_sound_relay_and_6_with_the_line_for_another(
    start: Start, profile: WriteProfile, relay: FakeRelay
) -> None:
    path = profile(more=f"target: {{base_url: '{relay.base_url}', api_key: '${{env:THE_KEY}}'}}\n")
    sound = start("relayload", "doctor", path, "--json", THE_KEY="sk-fake")
    assert sound.wait() == 0, sound.output
    assert json.loads(sound.output)["findings"][0]["state"] == "ok"
    refused = start("relayload", "doctor", path, THE_KEY="sk-very-secret")
    assert refused.wait() == 6
    assert "target.api_key" in refused.output
    assert "not usable: 1 problem to fix" in refused.output
    assert "sk-very-secret" not in refused.output
