"""A run of a master and workers on hosts of their own, after which everything is searched for its secrets."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from hosts import Host, HostProcess, Network, need
from support import ROOT, saved, wait_for

KEY = "sk-0f9d61e2-key-of-the-relay"
SECRET = "7c1b5a90-secret-of-the-join"
LOCUSTFILE = """
from locust import events

import json
from pathlib import Path

from relayload import load_users

globals().update(load_users(__name__))


@events.init.add_listener
def tell_routes(environment, web_ui, **_):
    if web_ui is not None:
        routes = [rule.rule for rule in web_ui.app.url_map.iter_rules() if "GET" in rule.methods]
        Path("routes.json").write_text(json.dumps(sorted(routes)))
"""
READER = """
import json, sys, urllib.error, urllib.request

def read(url, data=None):
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data), timeout=60) as response:
            return response.read().decode("utf-8", "replace")
    except urllib.error.HTTPError as error:
        return error.read().decode("utf-8", "replace")

for url in sys.argv[1:]:
    method, _, url = url.rpartition(" ")
    print(url, read(url, b"user_count=1&spawn_rate=1" if method else None), flush=True)
"""


@pytest.fixture
def network() -> Iterator[Network]:
    with Network() as made:
        need(made)
        yield made


class Wire:
    """What the hosts of a run sent each other."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._sniffers: list[tuple[subprocess.Popen[bytes], Path]] = []

    def listen(self, host: Host) -> None:
        """Listen on a host until the end."""
        flows = self._folder / host.name
        flows.mkdir(parents=True)
        command = [*host.prefix, sys.executable, str(ROOT / "tests/sniffer.py"), str(flows)]
        sniffer = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert sniffer.stdout is not None
        assert sniffer.stdout.readline() == b"listening\n"
        self._sniffers.append((sniffer, flows))

    def flows(self) -> dict[tuple[str, int, int], bytes]:
        """Stop; return what was sent, by host and the ports of source and target."""
        for sniffer, _ in self._sniffers:
            sniffer.communicate()
        paths = [path for _, flows in self._sniffers for path in flows.iterdir()]
        return {(path.parent.name, *map(int, path.name.split("-"))): path.read_bytes() for path in paths}  # type: ignore[misc]


class Secured:
    """A master with its page, two workers and a fake relay, each on its own host."""

    def __init__(self, network: Network, folder: Path, *, secret: bool) -> None:
        self._folder, self._network = folder, network
        self.wire = Wire(folder / "wire")
        self._secret = {"RELAYLOAD_JOIN_SECRET": SECRET} if secret else {}
        relay = network.host("relay")
        self._start(relay, "relayload", "fake-relay", "--preset", "direct", "--host", relay.address, "--set", LIMITED)
        self.master = network.host("master")
        profile = folder / "master" / "secret.yaml"
        profile.parent.mkdir()
        profile.write_text(yaml.safe_dump(_profile(relay.address)))
        (profile.parent / "page.py").write_text(LOCUSTFILE)
        for host in (relay, self.master):
            self.wire.listen(host)
        listens = ("--master", "--master-bind-host", self.master.address, "--expect-workers", "2")
        options = (
            "--relay-profile",
            profile,
            "--relay-out",
            "run",
            "--loglevel",
            "DEBUG",
            "--csv",
            "csv",
            "--html",
            "h",
        )
        self.run = self._start(self.master, "locust", "-f", "page.py", *listens, *options)
        self.workers = [self._join(number) for number in range(2)]

    def pages(self) -> str:
        """Start the run in the page; return every page in its midst, and every command line of this machine."""
        wait_for(lambda: self.run.output.count("reported as ready") == 2 or not self.run.running)
        assert self.run.running, self.run.output
        self._read("start", "POST http://127.0.0.1:8089/swarm")
        run = self._folder / "master" / "run"
        wait_for(lambda: sum(path.read_bytes().count(b"\n") for path in run.glob("records-*.jsonl")) > 20)
        lines = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if path.exists()]
        routes = [route for route in self._routes if "<" not in route]
        assert {"/", "/stats/requests", "/stats/report", "/logs", "/metrics"} <= set(routes)
        return self._read("midst", *(f"http://127.0.0.1:8089{route}" for route in routes)) + repr(lines)

    def end(self) -> str:
        """Wait for the end of the run; return every page after it."""
        wait_for(lambda: (self._folder / "master/run/verdict.json").exists())
        routes = [route.replace("<path:filename>", "x") for route in self._routes]
        return self._read("end", *(f"http://127.0.0.1:8089{route}" for route in routes))

    def everywhere(self) -> dict[str, bytes]:
        """Return every file that was written, but for the captured wire."""
        found = [path for path in self._folder.rglob("*") if path.is_file() and "wire" not in path.parts]
        return {str(path.relative_to(self._folder)): path.read_bytes() for path in found}

    @property
    def _routes(self) -> list[str]:
        return json.loads((self._folder / "master/routes.json").read_text())

    def _join(self, number: int) -> HostProcess:
        host = self._network.host(f"worker-{number}", without=self._folder / "master")
        self.wire.listen(host)
        locustfile = ROOT / "locustfiles/relay.py"
        return self._start(host, "locust", "-f", locustfile, "--worker", "--master-host", self.master.address)

    def _start(self, host: Host, *command: object) -> HostProcess:
        folder = self._folder / host.name
        (folder / "tmp").mkdir(parents=True, exist_ok=True)
        environ = {"RELAY_KEY": KEY, "RELAYLOAD_FAKE_RELAY_KEY": KEY, "TMPDIR": str(folder / "tmp"), **self._secret}
        return host.python("-m", *map(str, command), log=folder / f"{host.name}.log", **environ)

    def _read(self, name: str, *urls: str) -> str:
        reader = self.master.python("-c", READER, *urls, log=self._folder / "master" / f"{name}.txt")
        assert reader.wait() == 0, reader.output
        return reader.output


LIMITED = "limits=[{requests: 10/s}]"
"""So that the relay refuses some, and says why."""
PRICES = {"o3": {"input": "$2", "output": "$8"}}
"""Of each model, so that dollars can be capped."""


def _profile(relay: str) -> dict[str, object]:
    return {
        "name": "secret",
        "target": {"base_url": f"http://{relay}:8600/v1", "api_key": "${env:RELAY_KEY}", "prices": PRICES},
        "load": {"kind": "open", "stages": [{"name": "steady", "for": "5s", "rate": "20/s"}]},
        "scenarios": {
            "plain": {"model": "o3", "prompt": "simple", "max_output_tokens": 5},
        },
        "generator": {"late": "10s", "late_share": "100%", "loop_lag": "10s"},
        "objectives": ["errors.rate < 90%"],
        "guardrails": {"allow_hosts": [relay], "max_requests": 1000, "max_duration": "1m", "max_usd": "$5"},
    }


def test_secrets_are_nowhere_but_in_requests_to_the_relay(network: Network, tmp_path: Path) -> None:
    run = Secured(network, tmp_path, secret=True)
    pages = run.pages() + run.end()
    secrets = (KEY, SECRET)
    assert [secret for secret in secrets if secret in pages] == []
    files = run.everywhere()
    assert {"master/run/report.html", "master/run/run.json", "master/master.log", "master/csv_stats.csv"} <= set(files)
    assert [(name, secret) for name, data in files.items() for secret in secrets if secret.encode() in data] == []
    flows = run.wire.flows()
    tell = {(host, ports[1]) for (host, *ports), data in flows.items() if KEY.encode() in data}
    assert tell == {("master", 8600), ("worker-0", 8600), ("worker-1", 8600), ("relay", 8600)}
    assert [at for at, data in flows.items() if SECRET.encode() in data] == []
    channel = b"".join(data for (_, *ports), data in flows.items() if 5557 in ports)
    assert len(channel) > 10_000
    assert [word for word in (b"client_ready", b"relayload_", b"secret.yaml", b"steady") if word in channel] == []
    assert saved(tmp_path / "master/run", "summary.json")["counts"]["lost"] == 0


def test_without_a_join_secret_the_channel_can_be_read_and_has_no_key(network: Network, tmp_path: Path) -> None:
    run = Secured(network, tmp_path, secret=False)
    assert KEY not in run.pages() + run.end()
    assert [name for name, data in run.everywhere().items() if KEY.encode() in data] == []
    flows = run.wire.flows()
    channel = b"".join(data for (_, *ports), data in flows.items() if 5557 in ports)
    assert b"client_ready" in channel, "so the other test would have seen it"
    assert KEY.encode() not in channel
