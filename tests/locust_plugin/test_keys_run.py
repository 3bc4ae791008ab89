"""Several keys of one relay, as a process: who is asked with which, and that nothing tells a key."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from support import HttpServer, Start, relay_stats, saved

from relayload.core.traffic.draws import Mix
from relayload.fakerelay.process import FakeRelay

KEYS = {"a": "sk-tenant-a-do-not-tell", "b": "tenant:b/do-not-tell"}
SHARES = {"a": 3.0, "b": 1.0}
PROFILE = """
name: tenants
seed: 3
driver: {driver}
target:
  base_url: {base_url}
  keys:
    - {{name: a, key: "${{env:KEY_A}}", share: 3}}
    - {{name: b, key: "${{env:KEY_B}}"}}
load: {{kind: open, arrivals: constant, stages: [{{for: 1s, rate: 60/s}}]}}
scenarios:
  simple: {{model: o3, prompt: simple, max_output_tokens: 5, tags: {{team: web}}}}
generator: {{late: 10s, late_share: 100%, loop_lag: 10s}} # these tests are not about a busy machine
objectives:
  - errors{{key=a}}.rate < 50%
  - errors{{key=b}}.rate < 50%
  - requests{{key=b}}.count > 5
  - requests{{team=web}}.count > 5
"""
ENVIRON = {"KEY_A": KEYS["a"], "KEY_B": KEYS["b"]}


@pytest.fixture
def relay() -> Iterator[FakeRelay]:
    """Takes both keys, and lets each have ten requests a minute."""
    with FakeRelay.start(api_key=" ".join(KEYS.values()), sets=["limits=[{per: key, requests: 10/min}]"]) as started:
        yield started


def _requests(out: Path) -> list[dict[str, Any]]:
    lines = [json.loads(line) for path in out.glob("records-*.jsonl") for line in path.read_text().splitlines()]
    return [line for line in lines if line["line"] == "request"]


def _started(locust: Start, tmp_path: Path, text: str, processes: int = 1, **environ: str) -> tuple[Any, Path]:
    path, out = tmp_path / "tenants.yaml", tmp_path / "run"
    path.write_text(text)
    return locust("--relay-profile", path, "--relay-out", out, processes=processes, **{**ENVIRON, **environ}), out


def _tells_a_key(out: Path, output: str) -> list[str]:
    """Where a key stands, among all that the run has left behind."""
    found = [path.name for path in out.rglob("*") if path.is_file() and _holds_a_key(path.read_bytes())]
    return found + (["the log"] if _holds_a_key(output.encode()) else [])


def _holds_a_key(content: bytes) -> bool:
    return any(key.encode() in content for key in KEYS.values())


@pytest.mark.parametrize(("driver", "processes"), [("native", 1), ("native", 2), ("openai", 1)])
def test_each_key_has_its_part_of_the_requests_and_limits_of_its_own(
    locust: Start, relay: FakeRelay, tmp_path: Path, driver: str, processes: int
) -> None:
    text = PROFILE.format(base_url=relay.base_url, driver=driver).replace("rate < 50%", "rate < 99%")
    run, out = _started(locust, tmp_path, text, processes)
    run.wait()
    lines = _requests(out)
    drawn = {index: Mix(SHARES).draw(3, index, "key") for index in range(60)}
    assert {line["index"]: line["key"] for line in lines} == drawn, "whoever sent them"
    ok = Counter(line["key"] for line in lines if line["outcome"] == "ok")
    assert ok == {"a": 10, "b": min(10, Counter(drawn.values())["b"])}, "the relay counts each key by itself"
    assert relay_stats(relay)["requests"] == 60

    summary, verdict = saved(out, "summary.json"), saved(out, "verdict.json")
    assert {name: group["started"] for name, group in summary["by_key"].items()} == Counter(drawn.values())
    assert {name: group["ok"] for name, group in summary["by_key"].items()} == ok
    observed = {judged["expr"]: judged["observed"] for judged in verdict["objectives"]}
    assert observed["errors{key=a}.rate < 99%"] == pytest.approx(1 - 10 / Counter(drawn.values())["a"])
    assert observed["requests{team=web}.count > 5"] == summary["by_tag"]["team"]["web"]["started"] == 60
    known = saved(out, "run.json")
    assert (known["keys"], known["tags"]) == (["a", "b"], {"simple": {"team": "web"}})
    assert "keys" in run.output, "the report has a row for each"
    assert {"simple as a", "simple as b"} <= set(re.findall(r"chat +(simple as [ab]) ", run.output)), "as has Locust"
    assert not _tells_a_key(out, run.output)
    assert (out / "profile.yaml").read_text().count("***") == 2


def test_each_key_is_tried_before_the_load_and_a_refused_one_is_named_by_its_place(
    locust: Start, relay: FakeRelay, tmp_path: Path
) -> None:
    text = PROFILE.format(base_url=relay.base_url, driver="native")
    run, out = _started(locust, tmp_path, text, KEY_B="wrong:key/do-not-tell")
    assert run.wait() == 6
    assert "rejected the key with 401" in run.output
    assert "Check target.keys.1.key" in run.output
    assert "do-not-tell" not in run.output
    assert relay_stats(relay)["requests"] == 0
    assert not out.exists() or not _tells_a_key(out, "")


class _Repeats(BaseHTTPRequestHandler):
    """Lists its models, and says to every request for an answer which keys there are."""

    def do_GET(self) -> None:
        self._answer(200, {"data": [{"id": "o3"}]})

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        words = f"no luck with {KEYS['a']} nor with {KEYS['b']}"
        self._answer(400, {"error": {"message": words, "code": KEYS["b"], "type": KEYS["a"]}})

    def _answer(self, status: int, content: Any) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Request-Id", f"for-{KEYS['b']}")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def repeating() -> Iterator[str]:
    server = HttpServer(("127.0.0.1", 0), _Repeats)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/v1"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("driver", ["native", "openai"])
def test_a_relay_that_repeats_keys_gets_none_into_the_recording(
    locust: Start, repeating: str, tmp_path: Path, driver: str
) -> None:
    """Not even one key in what it says to another."""
    text = PROFILE.format(base_url=repeating, driver=driver)
    run, out = _started(locust, tmp_path, text)
    assert run.wait() == 3, run.output
    said = {attempt.get("said") for line in _requests(out) for attempt in line["attempts"]}
    assert said == {"no luck with *** nor with ***"}
    assert not _tells_a_key(out, run.output)


def test_a_breaker_of_each_key_leaves_the_others_alone(locust: Start, relay: FakeRelay, tmp_path: Path) -> None:
    client = "client: {breaker: {scope: key, count: [429], consecutive: 5, open_for: 60s}}\n"
    text = PROFILE.format(base_url=relay.base_url, driver="native").replace("rate: 60/s", "rate: 36/s")
    run, out = _started(locust, tmp_path, text + client)
    run.wait()
    lines = [json.loads(line) for path in out.glob("records-*.jsonl") for line in path.read_text().splitlines()]
    assert [line["scope"] for line in lines if line["line"] == "breaker"] == ["a"]
    outcomes = Counter((line["key"], line["outcome"]) for line in lines if line["line"] == "request")
    assert outcomes["a", "short_circuited"] > 0
    assert {outcome for key, outcome in outcomes if key == "b"} == {"ok"}


@pytest.mark.parametrize("processes", [1, 2])
def test_a_quota_of_each_key_leaves_the_others_alone(locust: Start, tmp_path: Path, processes: int) -> None:
    client = "client: {quota: {requests: {limit: 20/s, burst: 20}, per: key}}\n"
    with FakeRelay.start(api_key=" ".join(KEYS.values())) as relay:
        text = PROFILE.format(base_url=relay.base_url, driver="native")
        run, out = _started(locust, tmp_path, text + client, processes)
        assert run.wait() == 0, run.output
    sent = {
        key: sorted(line["attempts"][0]["sent_at_s"] for line in _requests(out) if line["key"] == key) for key in KEYS
    }
    assert all(later_s - first_s > 0.8 for first_s, later_s in zip(sent["a"], sent["a"][20:], strict=False))
    assert len(sent["a"]) > 40
    throttled = {key: [line.get("throttled_s", 0.0) for line in _requests(out) if line["key"] == key] for key in KEYS}
    assert sum(throttled["a"]) > 10 * sum(throttled["b"])
    if processes == 1:
        assert sum(throttled["b"]) == 0
