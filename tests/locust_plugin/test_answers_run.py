"""A run whose answers have calls, JSON and streams that are valid or not: in one process and in several."""

import json
import re
from pathlib import Path

import pytest
from support import Start, saved

from relayload.fakerelay.process import FakeRelay

PRESET = """
models:
  sound: &model {ttft: {any: 10ms}, speed: 100/s, output_tokens: {any: 40}}
  spoilt: *model
  lumps: *model
  cut: *model
  slow: *model
faults:
  - {kind: invalid_output, models: [spoilt]}
  - {kind: coalesce, events: 10, models: [lumps]}
  - {kind: truncate, models: [cut]}
  - {kind: stall, for: 1s, models: [slow]}
"""
PROFILE = """
name: answers
load: {kind: open, arrivals: constant, stages: [{for: 2s, rate: 80/s}]}
scenarios:
  calls: {model: sound, prompt: simple, max_output_tokens: 40, tools: &tools [TOOL]}
  spoilt_calls: {model: spoilt, prompt: simple, max_output_tokens: 40, tools: *tools}
  message: {model: sound, endpoint: messages, prompt: simple, max_output_tokens: 40, tools: [INPUT_TOOL]}
  json: {model: sound, prompt: simple, response_format: &format FORMAT}
  spoilt_json: {model: spoilt, prompt: simple, stream: false, response_format: *format}
  lumps: {model: lumps, prompt: simple}
  cut: {model: cut, prompt: simple}
  slow: {model: slow, prompt: simple}
generator: {late: 10s, late_share: 100%, loop_lag: 10s} # not about a busy machine
objectives:
  - tool_calls.valid{scenario!=spoilt_calls}.rate >= 90%
  - tool_calls.valid{scenario=spoilt_calls}.rate >= 90%
  - structured_output.valid{scenario=json}.rate >= 80%
  - structured_output.valid{scenario=spoilt_json}.rate >= 80%
  - stream.broken{scenario!=cut}.rate < 10%
  - stream.broken{scenario=cut}.count == 0
  - stream.coalesced{scenario=lumps}.rate < 50%
  - stall{scenario=slow, chunk_gap>900ms}.count == 0
"""

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}
FORMAT = {"type": "json_schema", "json_schema": {"name": "weather", "schema": SCHEMA}}
INPUT_TOOL = {"name": "weather", "input_schema": SCHEMA}
TOOL = {"type": "function", "function": {"name": "weather", "parameters": SCHEMA}}
FIELDS = ("tool_calls", "valid_tool_calls", "fits_schema")
NOTHING = [None, None, None]


def written() -> str:
    parts = {"INPUT_TOOL": INPUT_TOOL, "TOOL": TOOL, "FORMAT": FORMAT}
    return re.sub("|".join(parts), lambda found: json.dumps(parts[found[0]]), PROFILE)


@pytest.mark.parametrize("processes", [1, 2])
def test_answers_are_judged_by_what_is_in_them(locust: Start, tmp_path: Path, processes: int) -> None:
    (tmp_path / "relay.yaml").write_text(PRESET)
    profile, out = tmp_path / "answers.yaml", tmp_path / "run"
    profile.write_text(written())
    with FakeRelay.start(str(tmp_path / "relay.yaml")) as relay:
        address = f"target.base_url={relay.base_url}"
        run = locust("--relay-profile", profile, "--relay-out", out, "--relay-set", address, processes=processes)
        assert run.wait() == 3, run.output
    judged = {each["expr"]: each for each in saved(out, "verdict.json")["objectives"]}
    assert [each["verdict"] for each in judged.values()] == ["PASS", "FAIL"] * 2 + ["PASS", "FAIL", "FAIL", "FAIL"]
    lines = [json.loads(line) for path in out.glob("records-*.jsonl") for line in path.read_text().splitlines()]
    asked = {line["scenario"]: line["attempts"][0] for line in lines if line["line"] == "request"}
    seen = {name: [each.get(field) for field in FIELDS] for name, each in asked.items()}
    assert seen == {
        "calls": [1, 1, None],
        "message": [1, 1, None],
        "spoilt_calls": [1, None, None],
        "json": [None, None, True],
        "spoilt_json": [None, None, False],
        "lumps": NOTHING,
        "cut": NOTHING,
        "slow": NOTHING,
    }
    assert judged["tool_calls.valid{scenario=spoilt_calls}.rate >= 90%"]["observed"] == 0
