"""Runs whose answers are audited, as processes: what is counted here is what an honest relay reports."""

from pathlib import Path

import pytest
from support import Start, present, saved

from relayload.core.model.audited import Audited
from relayload.core.model.record import End, Record
from relayload.recording import Recording

RELAY = """
models: {o3: &fast {ttft: {any: 20ms}, speed: 2000/s, output_tokens: {any: 18}}, gpt-4.1: *fast, claude-x: *fast}
limits: [{per: key, requests: 300/min}]
"""
PROFILE = """
name: audited
seed: 3
target: {base_url: fake://honest.yaml}
load:
  kind: open
  arrivals: constant
  stages:
    - {name: warm, for: 250ms, rate: 40/s, warmup: true}
    - {name: steady, for: 1s, rate: 60/s}
scenarios:
  stream: {weight: 3, model: o3, prompt: simple, input_tokens: 120, max_output_tokens: 20}
  plain: {model: gpt-4.1, prompt: code, stream: false, input_tokens: 90, max_output_tokens: 20}
  other: {model: claude-x, prompt: simple, max_output_tokens: 20}
generator: {late: 10s, late_share: 100%, loop_lag: 10s}
audit: {answers: 12, share: 20%, questions: [open, sums]}
"""


def _lines(out: Path) -> tuple[list[Record], list[Audited]]:
    lines = list(Recording.open(out).lines())
    return (
        [line for line in lines if isinstance(line, Record)],
        [line for line in lines if isinstance(line, Audited)],
    )


def _check(out: Path, processes: int) -> None:
    records, audited = _lines(out)
    by_place = {(record.scenario, record.index): record for record in records}
    for line in audited:
        record = by_place[line.scenario, line.index]
        attempt = record.attempts[-1]
        assert (line.stage, line.measured, line.model) == (record.stage, record.measured, record.model)
        assert (line.input_tokens, line.output_tokens) == (attempt.input_tokens, attempt.output_tokens)
        assert line.answered_model == line.model
        if line.model == "claude-x":
            assert line.encoding is line.counted_input is None
            continue
        assert line.counted_input == line.input_tokens
        assert line.counted_output == present(line.output_tokens) - (line.reasoning_tokens or 0)
        assert line.total_tokens == present(line.input_tokens) + present(line.output_tokens)
    asked = [record for record in records if record.scenario.startswith("audit_")]
    assert {line.index for line in audited if line.question} == {record.index for record in asked}
    assert len(asked) > 5
    left = [present(line.quota_left) for line in audited]
    assert 1 - len(records) / 300 <= min(left) < max(left) < 1
    own = [line for line in audited if line.question is None and line.model == "o3"]
    assert 12 <= len(own) <= 12 * processes
    assert Recording.open(out).fold().fold.audited == audited


def test_what_is_counted_is_what_an_honest_relay_reports(locust: Start, tmp_path: Path) -> None:
    (tmp_path / "honest.yaml").write_text(RELAY)
    (tmp_path / "p.yaml").write_text(PROFILE)
    run = locust("--relay-profile", "p.yaml", "--relay-out", tmp_path / "run")
    assert run.wait() == 0, run.output
    _check(tmp_path / "run", 1)
    *_, last = Recording.open(tmp_path / "run").lines()
    assert isinstance(last, End)
    summary = saved(tmp_path / "run", "summary.json")
    assert "audit_open" in str(summary)


@pytest.mark.slow
@pytest.mark.parametrize("records", ["all", "none"])
def test_every_process_counts_its_own(locust: Start, tmp_path: Path, records: str) -> None:
    (tmp_path / "honest.yaml").write_text(RELAY)
    (tmp_path / "p.yaml").write_text(PROFILE)
    options = ["--relay-set", f"recording.records={records}"]
    run = locust("--relay-profile", "p.yaml", "--relay-out", tmp_path / "run", *options, processes=2)
    assert run.wait() == 0, run.output
    if records == "all":
        _check(tmp_path / "run", 2)
        return
    found, audited = _lines(tmp_path / "run")
    assert not found
    assert len(audited) > 20
    assert {line.worker for line in audited} == {0, 1}
    assert len(Recording.open(tmp_path / "run").fold().fold.audited) == len(audited)


@pytest.mark.slow
def test_the_users_of_a_closed_load_ask_the_audits_questions(locust: Start, tmp_path: Path) -> None:
    begin, _, rest = PROFILE.partition("load:")
    closed = "load: {kind: closed, users: 4, stages: [{name: steady, for: 3s}]}\nscenarios:"
    (tmp_path / "honest.yaml").write_text(RELAY)
    (tmp_path / "p.yaml").write_text(begin + closed + rest.partition("scenarios:")[2])
    run = locust("--relay-profile", "p.yaml", "--relay-out", tmp_path / "run")
    assert run.wait() == 0, run.output
    _, audited = _lines(tmp_path / "run")
    assert {line.question.partition(":")[0] for line in audited if line.question} == {"open", "sums"}
