"""Every endpoint in one run, by either driver; the official SDK has no Messages API."""

import csv
import json
from pathlib import Path

import pytest
from support import SIDE_ENTRIES, Start, asked, saved

from relayload.fakerelay.process import FakeRelay

PROFILE = """
name: endpoints
seed: 3
load:
  kind: open
  stages: [{for: 1s, rate: 40/s}]
scenarios:
  chat: {model: o3, prompt: simple, max_output_tokens: 5}
  talk: {model: o3, endpoint: responses, prompt: simple, max_output_tokens: 5, conversation: {turns: 2}}
  plain: {model: o3, endpoint: responses, prompt: simple, max_output_tokens: 5, stream: false}
  vectors: {model: text-embedding-3-small, endpoint: embeddings, prompt: simple, inputs: 3}
generator: {late: 10s, late_share: 100%} # the test of a busy machine is not about it
objectives: [errors.rate < 1%]
"""
MESSAGES = """
  message: {model: o3, endpoint: messages, prompt: simple, max_output_tokens: 5, conversation: {turns: 2}}
  whole: {model: o3, endpoint: messages, prompt: simple, max_output_tokens: 5, stream: false}
"""
KINDS = {"chat": "chat", "talk": "responses", "plain": "responses", "vectors": "embeddings"}


@pytest.mark.parametrize("driver", ["native", "openai"])
def test_every_endpoint_is_asked_and_told_by_its_name(
    locust: Start, relay: FakeRelay, tmp_path: Path, driver: str
) -> None:
    path = tmp_path / "endpoints.yaml"
    native = driver == "native"
    path.write_text(PROFILE.replace("\ngenerator:", f"{MESSAGES}generator:") if native else PROFILE)
    wanted = KINDS | dict.fromkeys(("message", "whole"), "messages") if native else KINDS
    out = tmp_path / "run"
    sets = ["--relay-set", f"target.base_url={relay.base_url}", "--relay-set", f"driver={driver}"]
    run = locust("--relay-profile", path, "--relay-out", out, "--csv", tmp_path / "locust", *sets)
    assert run.wait() in (0, 4), run.output  # few requests: whether they are enough is not the question

    counts = saved(out, "summary.json")["counts"]
    assert counts["ok"] == counts["started"] > 30
    with (tmp_path / "locust_stats.csv").open(newline="") as file:
        kinds = {row["Name"]: row["Type"] for row in csv.DictReader(file) if row["Type"] not in ("", *SIDE_ENTRIES)}
    assert kinds == wanted

    lines = [json.loads(line) for path in out.glob("records-*.jsonl") for line in path.read_text().splitlines()]
    first = {line["scenario"]: line["attempts"][0] for line in lines if line["line"] == "request"}
    assert [first[name].get("output_tokens") for name in wanted] == [5, 5, 5, None, 5, 5][: len(wanted)]
    reasons = ["length", *["max_output_tokens"] * 2, None, *["max_tokens"] * 2]
    assert [first[name].get("finish_reason") for name in wanted] == reasons[: len(wanted)]
    assert ["ttft_s" in first[name] for name in wanted] == [True, True, False, False, True, False][: len(wanted)]
    assert all(attempt["input_tokens"] > 0 for attempt in first.values())
    seen = asked(relay.base_url.removesuffix("/v1") + "/__relay/requests?last=100")
    paths = {"/v1/chat/completions", "/v1/responses", "/v1/embeddings"} | ({"/v1/messages"} if native else set())
    assert {each["path"] for each in seen} == paths
