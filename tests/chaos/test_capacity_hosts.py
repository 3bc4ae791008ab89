"""A capacity search whose workers are on other hosts: all of them send in every trial, and nobody starts them anew."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from hosts import Network, need
from support import LOCUSTFILE, ROOT, saved

pytestmark = pytest.mark.slow
DAY_S = 86_400


@pytest.fixture
def network() -> Iterator[Network]:
    with Network() as made:
        need(made)
        yield made


def test_workers_of_other_hosts_send_in_every_trial(network: Network, tmp_path: Path) -> None:
    master, relay_host = network.host("master"), network.host("relay")
    relay = relay_host.python(
        ROOT / "tests/logging_relay.py", relay_host.address, tmp_path / "relay.jsonl", log=tmp_path / "relay.log"
    )
    profile = {
        "name": "hosts",
        "target": {
            "base_url": f"http://{relay_host.address}:{relay.first_line()}/v1",
            "api_key": "${env:KEY}",
            "prices": {"any": {"input": "$1", "output": "$1"}},
        },
        "load": {"kind": "open", "stages": [{"name": "steady", "for": "5s", "rate": "20/s"}]},
        "scenarios": {"plain": {"model": "o3", "prompt": "simple", "stream": False, "max_output_tokens": 5}},
        "generator": {"late": "10s", "late_share": "100%", "loop_lag": "10s"},
        "objectives": ["errors.rate < 50%", "latency.p50 < 10s"],
        "guardrails": {
            "allow_hosts": [relay_host.address],
            "max_requests": 20000,
            "max_duration": "30m",
            "max_usd": "$5",
        },
    }
    home = tmp_path / "master"
    home.mkdir()
    (home / "profile.yaml").write_text(yaml.safe_dump(profile))
    short = ("--warmup", "1s", "--trial", "3s", "--confirm", "3s", "--max-trials", "3", "--max", "60/s")
    others = ("--expect-workers", "2", "--master-bind-host", master.address)
    search = master.python(
        "-m", "relayload", "capacity", home / "profile.yaml", "--out", home / "out", *short, *others,
        log=home / "search.log", KEY="sk-far",
    )  # fmt: skip
    workers = []
    for number in range(2):
        host = network.host(f"worker{number}", ahead_s=(number + 1) * DAY_S, without=home)
        folder = tmp_path / str(number)
        folder.mkdir()
        command = ("-m", "locust", "-f", LOCUSTFILE, "--worker", "--master-host", master.address)
        workers.append(host.python(*command, log=folder / "worker.log", KEY="sk-far"))
    assert search.wait() in (0, 4), search.output
    assert [worker.wait() for worker in workers] == [0, 0]
    trials = saved(home / "out", "capacity.json")["trials"]
    assert len(trials) == 3
    for trial in trials:
        assert trial["ok"] == trial["offered"] > 0
        recording = home / "out" / trial["recording"]
        sent = [path.read_text().count('"index"') for path in recording.glob("records-*.jsonl")]
        assert len(sent) == 2
        assert sum(sent) == trial["offered"]
        assert all(sent)
