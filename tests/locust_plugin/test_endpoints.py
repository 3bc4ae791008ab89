"""Chat completions, responses and embeddings in one run, by either driver."""

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
KINDS = {"chat": "chat", "talk": "responses", "plain": "responses", "vectors": "embeddings"}


@pytest.mark.parametrize("driver", ["native", "openai"])
def test_every_endpoint_is_asked_and_told_by_its_name(
    locust: Start, relay: FakeRelay, tmp_path: Path, driver: str
) -> None:
    path = tmp_path / "endpoints.yaml"
    path.write_text(PROFILE)
    out = tmp_path / "run"
    sets = ["--relay-set", f"target.base_url={relay.base_url}", "--relay-set", f"driver={driver}"]
    run = locust("--relay-profile", path, "--relay-out", out, "--csv", tmp_path / "locust", *sets)
    assert run.wait() in (0, 4), run.output  # few requests: whether they are enough is not the question

    counts = saved(out, "summary.json")["counts"]
    assert counts["ok"] == counts["started"] > 30
    with (tmp_path / "locust_stats.csv").open(newline="") as file:
        kinds = {row["Name"]: row["Type"] for row in csv.DictReader(file) if row["Type"] not in ("", *SIDE_ENTRIES)}
    assert kinds == KINDS

    lines = [json.loads(line) for path in out.glob("records-*.jsonl") for line in path.read_text().splitlines()]
    first = {line["scenario"]: line["attempts"][0] for line in lines if line["line"] == "request"}
    assert [first[name].get("output_tokens") for name in KINDS] == [5, 5, 5, None]
    assert [first[name].get("finish_reason") for name in KINDS] == ["length", *["max_output_tokens"] * 2, None]
    assert ["ttft_s" in first[name] for name in KINDS] == [True, True, False, False]
    assert all(attempt["input_tokens"] > 0 for attempt in first.values())
    seen = asked(relay.base_url.removesuffix("/v1") + "/__relay/requests?last=100")
    assert {each["path"] for each in seen} == {"/v1/chat/completions", "/v1/responses", "/v1/embeddings"}
