"""Several targets in one run, as a process: who gets what, and with which key."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from support import HttpServer, Start, relay_stats, saved

from relayload.fakerelay.process import FakeRelay

KEYS = {"direct": "sk-direct-do-not-tell", "relay": "sk-relay-do-not-tell"}
PROFILE = """
name: several
seed: 3
targets:
  direct: {{base_url: {direct}, api_key: "${{env:DIRECT_KEY}}", prices: {{any: {{input: $1000, output: $1000}}}}}}
  relay: {{base_url: {relay}, api_key: "${{env:RELAY_KEY}}", prices: {{any: {{input: $100, output: $100}}}}}}
{compare}
load:
  kind: open
  stages:
    - {{name: warm, for: 250ms, rate: 80/s, warmup: true}}
    - {{name: steady, for: 1s, rate: 60/s}}
scenarios:
  simple: {{weight: 3, model: o3, prompt: simple, stream: {stream}, max_output_tokens: 20}}
  code: {{model: o4, prompt: code, stream: {stream}, max_output_tokens: 20}}
generator: {{late: 10s, late_share: 100%, loop_lag: 10s}} # these tests are not about a busy machine
objectives: ['errors{{target=direct}}.rate < 50%', 'errors{{target=relay}}.rate < 50%', requests.count > 50]
"""
ANSWER = {
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Yes."}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 10, "completion_tokens": 2, "total_tokens": 12},
}


class Tap:
    """Answers everything alike, and keeps with which key it was asked and what."""

    def __init__(self) -> None:
        self.keys: Counter[str] = Counter()
        self.bodies: list[bytes] = []
        tap = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                tap.keys[str(self.headers["Authorization"]).removeprefix("Bearer ")] += 1
                if self.command == "POST":
                    tap.bodies.append(body)
                told = json.dumps(ANSWER if self.command == "POST" else {"data": []}).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(told)))
                self.end_headers()
                self.wfile.write(told)

            do_GET = do_POST = answer  # noqa: N815 -- the names http.server looks for

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self.server = HttpServer(("127.0.0.1", 0), Handler)
        self.base_url = f"http://127.0.0.1:{self.server.server_port}/v1"


@pytest.fixture
def taps() -> Iterator[dict[str, Tap]]:
    taps = {name: Tap() for name in KEYS}
    threads = [Thread(target=tap.server.serve_forever, kwargs={"poll_interval": 0.01}) for tap in taps.values()]
    for thread in threads:
        thread.start()
    yield taps
    for tap, thread in zip(taps.values(), threads, strict=True):
        tap.server.shutdown()
        thread.join()
        tap.server.server_close()


@pytest.fixture
def relays() -> Iterator[dict[str, FakeRelay]]:
    """Each takes no other key than its own."""
    with FakeRelay.start(api_key=KEYS["direct"]) as direct, FakeRelay.start(api_key=KEYS["relay"]) as relay:
        yield {"direct": direct, "relay": relay}


def _run(locust: Start, tmp_path: Path, base_urls: dict[str, str], compare: bool, processes: int, stream: str) -> Path:
    path, out = tmp_path / "several.yaml", tmp_path / "run"
    path.write_text(PROFILE.format(**base_urls, compare="compare: interleaved" if compare else "", stream=stream))
    environ = {"DIRECT_KEY": KEYS["direct"], "RELAY_KEY": KEYS["relay"]}
    run = locust("--relay-profile", path, "--relay-out", out, processes=processes, **environ)
    assert run.wait() == 0, run.output
    assert not any(key in run.output for key in KEYS.values())
    assert all(f"simple at {name}" in run.output for name in KEYS), "rows of Locust's own table"
    return out


def _requests(out: Path) -> list[dict[str, Any]]:
    lines = [json.loads(line) for path in out.glob("records-*.jsonl") for line in path.read_text().splitlines()]
    return [line for line in lines if line["line"] == "request"]


@pytest.mark.parametrize("processes", [1, 2])
def test_every_arrival_goes_to_each_target_and_what_is_added_is_told(
    locust: Start, relays: dict[str, FakeRelay], tmp_path: Path, processes: int
) -> None:
    base_urls = {name: relay.base_url for name, relay in relays.items()}
    out = _run(locust, tmp_path, base_urls, True, processes, "true")
    summary, run = saved(out, "summary.json"), saved(out, "run.json")
    asked = {name: relay_stats(relay) for name, relay in relays.items()}
    assert [list(stats["by_status"]) for stats in asked.values()] == [["200"], ["200"]], "no key went astray"
    counts = summary["counts"]
    assert counts["offered"] == counts["ok"] == 2 * asked["direct"]["requests"] == 2 * asked["relay"]["requests"]
    assert asked["direct"]["by_model"] == asked["relay"]["by_model"]
    assert asked["direct"]["tokens"]["input"] == asked["relay"]["tokens"]["input"]

    pairs: defaultdict[int, dict[str, dict[str, Any]]] = defaultdict(dict)
    for line in _requests(out):
        pairs[line["index"]][line["target"]] = line
    assert all(pair.keys() == KEYS.keys() for pair in pairs.values())
    for pair in pairs.values():
        assert len({(line["intended_at_s"], line["worker"], line["scenario"]) for line in pair.values()}) == 1
    firsts = Counter(min(pair, key=lambda name: pair[name]["attempts"][0]["sent_at_s"]) for pair in pairs.values())
    assert min(firsts.values()) > 0.4 * len(pairs)

    assert {name: target["base_url"] for name, target in run["targets"].items()} == base_urls
    measured = sum(pair["relay"]["measured"] for pair in pairs.values())
    (relay,) = summary["comparison"]["targets"]
    assert (summary["comparison"]["base"], relay["target"], relay["pairs"]) == ("direct", "relay", measured)
    assert float(relay["saved_share"]) == pytest.approx(0.9, abs=0.02)
    assert {name: group["started"] for name, group in summary["by_target"].items()} == {
        name: stats["requests"] for name, stats in asked.items()
    }
    written = "".join(path.read_text() for path in out.iterdir() if path.is_file())
    assert not any(key in written for key in KEYS.values())


@pytest.mark.parametrize("processes", [1, 2])
def test_each_target_is_asked_the_same_with_its_own_key(
    locust: Start, taps: dict[str, Tap], tmp_path: Path, processes: int
) -> None:
    _run(locust, tmp_path, {name: tap.base_url for name, tap in taps.items()}, True, processes, "false")
    assert len(taps["direct"].bodies) > 50
    assert sorted(taps["direct"].bodies) == sorted(taps["relay"].bodies)
    for name, tap in taps.items():
        assert set(tap.keys) == {KEYS[name]}


def test_arrivals_are_shared_out_over_targets(locust: Start, relays: dict[str, FakeRelay], tmp_path: Path) -> None:
    base_urls = {name: relay.base_url for name, relay in relays.items()}
    out = _run(locust, tmp_path, base_urls, False, 2, "true")
    summary, requests = saved(out, "summary.json"), _requests(out)
    asked = {name: relay_stats(relay)["requests"] for name, relay in relays.items()}
    assert sum(asked.values()) == summary["counts"]["offered"] == len({line["index"] for line in requests})
    assert Counter(line["target"] for line in requests) == asked
    assert min(asked.values()) > 10
    assert summary["comparison"] is None
    assert summary["counts"]["lost"] == 0
