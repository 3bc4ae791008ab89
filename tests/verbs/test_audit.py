"""`relayload audit`: what it refuses, and whole audits of fake relays whose honesty is known."""

import json
import os
import signal
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from threading import Thread
from typing import Any

import jsonschema
import msgspec
import pytest
from click.testing import CliRunner, Result
from support import HttpServer, Process, records, until

from relayload.audit.options import Options, asked_of
from relayload.audit.reference_file import recording_of
from relayload.audit.steps import steps_of
from relayload.cli import main
from relayload.core.audit.result import AuditResult
from relayload.core.model.audited import Audited
from relayload.profile.loading import load
from relayload.report.schemas import schema

PROFILE = """\
name: mine
seed: 3
targets:
  vendor: {base_url: VENDOR, prices: {any: {input: $1, output: $4}}}
  relay: {base_url: RELAY, prices: {any: {input: $0.2, output: $0.8}}}
load: {kind: open, stages: [{name: steady, for: 10s, rate: 2/s}]}
scenarios:
  code: {weight: 1, model: gpt-4.1, prompt: code, max_output_tokens: 50}
  chat: {weight: 3, model: o3, prompt: simple, max_output_tokens: 50}
objectives: [ttft.p95 < 1s]
"""


def profile(folder: Path, vendor: str = "fake://direct", relay: str = "fake://direct", more: str = "") -> Path:
    path = folder / "mine.yaml"
    path.write_text(PROFILE.replace("VENDOR", vendor).replace("RELAY", relay) + more)
    return path


def invoked(*arguments: str | Path) -> Result:
    return CliRunner(env={"GITHUB_ACTIONS": None}).invoke(main, ["audit", *map(str, arguments)])


def recording(folder: Path, name: str = "reference.json", **changes: Any) -> Path:
    made = Audited(
        index=0,
        worker=0,
        scenario="chat",
        stage="batch",
        model="o3",
        measured=True,
        intended_at_s=0.0,
        request="r",
        question="open:0",
        text="Hello",
    )
    recorded = recording_of([made], "https://vendor.example/v1", "o3", datetime.now(UTC))
    (folder / name).write_text(json.dumps(msgspec.to_builtins(recorded) | changes))
    return folder / name


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--reference", "elsewhere"), "--reference: there is no target and no file 'elsewhere'"),
        (("--set", "targets.relay=null", "--reference", "vendor"), "'vendor' is the only target"),
        (
            ("--record", "OUT/r.json", "--reference", "x"),
            "there is no target 'x' to record: expected one of vendor, rel",
        ),
        (("--record", "OUT/r.json", "--against", "OUT/a.json"), "--against: goes without --record"),
        (
            ("--record", "OUT/r.json"),
            "--record: a recording holds the answers of one model: add one of --model gpt-4.1",
        ),
        (("--max-age", "old"), "--max-age: expected an age such as 30d or 12h, got 'old'"),
        (("--model", "o9"), "--model: no scenario asks for 'o9': expected one of gpt-4.1, o3"),
        (("--against", "OUT/none.json"), "OUT/none.json: --against: can't be read: No such file or directory"),
        (
            ("--set", "guardrails.max_requests=100"),
            "guardrails.max_requests: allows 100 requests, and this audit sends",
        ),
        (("--set", "targets.relay.base_url=https://a.example/v1"), "guardrails"),
        (
            ("--set", "scenarios.chat.model=mistral-large", "--set", "targets.relay=null"),
            "tokens of 'mistral-large' can't",
        ),
    ],
)
def test_bad_input_is_told_in_one_line_and_nothing_is_sent(arguments: tuple[str, ...], told: str, tmp_path: Path):
    folder = tmp_path / "given"
    folder.mkdir()
    words = [word.replace("OUT", str(folder)) for word in arguments]
    result = invoked(profile(tmp_path), *words, "--out", tmp_path / "out")
    assert result.exit_code == 2, result.output
    (line,) = result.stderr.splitlines()
    assert told.replace("OUT", str(folder)) in line
    assert not result.stdout
    assert not (tmp_path / "out").exists()
    assert not [*folder.iterdir()]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"questions_sha256": "0"}, "holds answers to other questions"),
        ({"temperature": 0.0}, "was recorded at temperature 0.0, not 1"),
        ({"made_at": "2024-01-01T00:00:00+00:00"}, "and --max-age is 30d"),
        ({"model": "o1"}, "reference.json: --reference: is a recording of o1, and not of gpt-4.1, o3"),
    ],
)
def test_a_recording_that_may_not_be_compared_is_refused(changes: dict[str, Any], told: str, tmp_path: Path):
    result = invoked(profile(tmp_path), "--reference", recording(tmp_path, **changes), "--out", tmp_path / "out")
    assert result.exit_code == 2, result.output
    (line,) = result.stderr.splitlines()
    assert told in line


def test_a_recording_of_less_than_is_asked_for_is_told_and_asked_no_further(tmp_path: Path):
    now = datetime.now(UTC)
    own = load(profile(tmp_path), ())
    few = {f"open:{place}": ["Hello"] * 4 for place in range(5)}
    asked = asked_of(own, Options(reference=str(recording(tmp_path, answers=few))), now)
    assert asked.prompts == 5
    assert asked.short_recording() == (
        "--reference: holds 4 answers to each of 5 open questions, and 10 to each of 50 are asked for: 5 of them are "
        "asked and compared"
    )
    (step,) = [step for step in steps_of(own, asked) if step.name == "open"]
    assert step.requests == 5 * 10
    enough = asked_of(own, Options(reference=str(tmp_path / "reference.json"), prompts=5, samples=4), now)
    assert enough.short_recording() == ""


def test_faults_are_a_document_for_programs(tmp_path: Path):
    result = invoked(profile(tmp_path), "--reference", "elsewhere", "--json")
    (fault,) = json.loads(result.stdout)["faults"]
    assert fault["path"] == "--reference"


def test_a_profile_is_needed():
    result = invoked()
    assert result.exit_code == 2
    assert "missing PROFILE" in result.stderr


def found_in(out: Path) -> AuditResult:
    return msgspec.json.decode((out / "audit.json").read_bytes(), type=AuditResult)


PRESET = """\
seed: SEED
models:
  o3: {ttft: {any: 1ms}, speed: 50000/s, output_tokens: {any: 40}, text: {style: vendor}}
  gpt-4.1: {ttft: {any: 1ms}, speed: 50000/s, output_tokens: {any: 40}, text: {style: vendor, distance: 40%}}
"""


def preset(folder: Path, name: str, seed: int, faults: str = "") -> str:
    """Return the base URL of a fake relay whose answers come at once."""
    file = folder / f"{name}.yaml"
    file.write_text(PRESET.replace("SEED", str(seed)) + (f"faults: [{faults}]\n" if faults else ""))
    return f"fake://{file}"


def pair(folder: Path, faults: str = "", more: str = "") -> Path:
    return profile(folder, preset(folder, "vendor", 1), preset(folder, "relay", 2, faults), more)


SMALL = ("--model", "o3", "--prompts", "5", "--samples", "4", "--concurrency", "8")


def test_a_small_audit_asks_each_question_as_often_of_each_target(tmp_path: Path):
    out = tmp_path / "out"
    result = invoked(pair(tmp_path), *SMALL, "--out", out, "--json", "--markdown", tmp_path / "page" / "audit.md")
    assert result.exit_code == 4, result.output  # so few answers are in doubt
    found = found_in(out)
    assert json.loads(result.stdout) == json.loads((out / "audit.json").read_text())
    jsonschema.validate(json.loads(result.stdout), schema(AuditResult))

    each = 1 + 5 * 4 + 2 * 34 + 2 * 6
    assert f"(reference): {each} requests" in result.stderr
    assert f"  8 at once: about {round(2 * each * 2 / 8)}s if an answer takes 2s\n" in result.stderr
    assert found.requests == 2 * each
    assert found.verdict == "INCONCLUSIVE"
    assert (found.reference, found.models, found.ended_by) == ("vendor", ("o3",), None)
    assert found.recordings == ("open", "checked", "plain", "features")
    (difference,) = found.audit.differences
    assert (difference.target, difference.model, difference.prompts) == ("relay", "o3", 5)
    assert difference.answers == (20, 20)
    assert not difference.differs
    assert {usage.target for usage in found.audit.usage} == {"vendor", "relay"}
    judged = {result.expr: result.verdict for result in found.objectives}
    assert judged["usage.input_factor < 1.01"] == judged["usage.output_factor < 1.02"] == "PASS"
    assert all(feature.honoured for feature in found.audit.features)
    page = (out / "audit.md").read_text()
    assert page == (tmp_path / "page" / "audit.md").read_text()
    assert "no difference seen" in page


class _FixedTemperature(BaseHTTPRequestHandler):
    """Refuses what a reasoning model may refuse."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        said = "Unsupported value: 'temperature' does not support 1 with this model."
        body = json.dumps(
            {"error": {"message": said, "type": "invalid_request_error", "param": "temperature"}}
        ).encode()
        self.send_response(400)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Print nothing."""


def test_a_target_that_refuses_the_temperature_ends_the_audit_in_one_line(tmp_path: Path):
    with HttpServer(("127.0.0.1", 0), _FixedTemperature) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/v1"
        own = profile(tmp_path, preset(tmp_path, "vendor", 1), f"{url}, api_key: sk-fake")
        result = invoked(own, *SMALL, "--out", tmp_path / "out")
        server.shutdown()
    assert result.exit_code == 2, result.output
    said = "'temperature' does not support 1 with this model; audit another model by --model"
    (line,) = [line for line in result.stderr.splitlines() if line.startswith("relay: ")]
    assert line == f"relay: refuses temperature 1, at which models are compared, for o3: Unsupported value: {said}"
    assert not result.stdout


@pytest.mark.slow
def test_an_honest_relay_is_not_accused(tmp_path: Path):
    result = invoked(pair(tmp_path), "--model", "o3", "--concurrency", "8", "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    assert "no difference seen to vendor" in " ".join(result.stdout.split())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("faults", "broken"),
    [
        ("{kind: inflated_usage, input: 1.05}", "usage.input_factor < 1.01"),
        ("{kind: inflated_usage, output: 1.05}", "usage.output_factor < 1.02"),
        ("{kind: hidden_prompt, tokens: 2000}", "usage.hidden_tokens < 10"),
        ("{kind: swapped_model, text: {style: vendor, distance: 30%}}", "model.differs == 0"),
        ("{kind: wrong_answer, probability: 20%}", "answers.checked.rate >= 98%"),
    ],
)
def test_a_dishonest_relay_is_found(faults: str, broken: str, tmp_path: Path):
    out = tmp_path / "out"
    result = invoked(pair(tmp_path, faults), "--model", "o3", "--concurrency", "8", "--out", out, "--json")
    assert result.exit_code == 3, result.output
    assert [found.expr for found in found_in(out).objectives if found.verdict == "FAIL"] == [broken]


@pytest.mark.slow
def test_a_relay_is_compared_with_a_recording_of_its_reference(tmp_path: Path):
    swap = "{kind: swapped_model, text: {style: vendor, distance: 40%}}"
    path = pair(tmp_path, swap)
    recorded = {}
    for model in ("o3", "gpt-4.1"):
        recorded[model] = tmp_path / f"{model}.json"
        result = invoked(path, "--model", model, "--record", recorded[model], "--out", tmp_path / model)
        assert result.exit_code == 0, result.output
        assert "vendor fake://" in result.stderr
        assert "relay fake://" not in result.stderr
        assert found_in(tmp_path / model).requests == 501
    options = ("--reference", recorded["o3"], "--against", recorded["gpt-4.1"], "--set", "targets.vendor=null")
    found = {}
    for name, more in (("swapped", ()), ("honest", ("--set", f"targets.relay.base_url={preset(tmp_path, 'same', 3)}"))):
        result = invoked(path, *options, *more, "--out", tmp_path / name)
        found[name] = found_in(tmp_path / name)
        assert result.exit_code == (3 if name == "swapped" else 0), result.output
    assert [found[name].audit.differences[0].differs for name in ("swapped", "honest")] == [True, False]
    (against,) = [each for each in found["honest"].audit.differences[0].sensitivity if each.against == "gpt-4.1"]
    assert against.seen_in_100 is not None
    assert against.seen_in_100 >= 90


@pytest.mark.slow
def test_without_a_reference_no_model_is_compared(tmp_path: Path):
    result = invoked(pair(tmp_path), "--set", "targets.relay=null", "--out", tmp_path / "out", "--model", "o3")
    assert result.exit_code == 0, result.output
    found = found_in(tmp_path / "out")
    assert (found.requests, found.audit.differences, found.reference) == (1 + 50 + 2 * 34 + 12, (), None)
    assert "no model was compared, as there is no reference" in " ".join(result.stdout.split())


@pytest.mark.slow
def test_models_of_another_tokenizer_and_endpoint_are_held_against_the_reference(tmp_path: Path):
    claude = "{model: claude, endpoint: messages, stream: false, prompt: simple, max_output_tokens: 50}"
    responses = "{model: o3, endpoint: responses, prompt: simple, max_output_tokens: 50}"
    model = "{ttft: {any: 1ms}, speed: 50000/s, output_tokens: {any: 40}, text: {style: vendor}}"
    path = pair(tmp_path, more="")
    for name in ("vendor", "relay"):
        with (tmp_path / f"{name}.yaml").open("a") as file:
            file.write(f"  claude: {model}\n")
    sets = ("--set", f"scenarios.chat={claude}", "--set", f"scenarios.code={responses}")
    out = tmp_path / "out"
    result = invoked(path, *sets, "--prompts", "10", "--samples", "6", "--concurrency", "8", "--out", out)
    assert result.exit_code == 0, result.output
    found = found_in(out)
    by = {(usage.target, usage.model): usage.encoding or usage.reference for usage in found.audit.usage}
    assert by["relay", "claude"] == "vendor"
    assert by["relay", "o3"] == "o200k_base"
    assert {result.verdict for result in found.objectives[:4]} == {"PASS"}


@pytest.mark.slow
def test_the_objectives_of_the_profile_come_before_the_usual_ones(tmp_path: Path):
    path = pair(tmp_path, "{kind: hidden_prompt, tokens: 2000}")
    own = "objectives=[usage.hidden_tokens < 3000]"
    result = invoked(path, "--model", "o3", "--out", tmp_path / "out", "--set", own, "--concurrency", "8")
    assert result.exit_code == 0, result.output


@pytest.mark.slow
def test_dollars_that_run_out_end_it_with_what_there_is(tmp_path: Path):
    result = invoked(
        pair(tmp_path), "--model", "o3", "--out", tmp_path / "out", "--set", "guardrails.max_usd=$0.01", "--json"
    )
    assert result.exit_code == 5, result.output
    found = found_in(tmp_path / "out")
    assert found.ended_by is not None
    assert 0 < found.requests < 1162


@pytest.mark.slow
def test_ctrl_c_tells_what_was_asked_so_far(tmp_path: Path):
    out = tmp_path / "out"
    words = ["relayload", "audit", str(pair(tmp_path)), "--model", "o3", "--samples", "500", "--out", str(out)]
    process = Process(words, tmp_path, {**os.environ}, "log")
    try:
        until(lambda: (out / "open").exists() and records(out / "open") > 100)
        process.signal(signal.SIGINT)
        assert process.wait() == 130
    finally:
        process.end()
    found = found_in(out)
    assert (found.ended_by, found.exit_code, found.verdict) == ("Ctrl-C", 130, "STOPPED")
    assert found.audit.answers > 50


@pytest.mark.slow
def test_an_unreachable_relay_ends_it(tmp_path: Path):
    result = invoked(profile(tmp_path, relay="http://127.0.0.1:9/v1"), "--out", tmp_path / "out", "--json")
    assert result.exit_code == 6, result.output
    assert "127.0.0.1:9" in result.stderr
    assert json.loads(result.stdout)["exit_code"] == 6
