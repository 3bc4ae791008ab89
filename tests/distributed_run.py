"""A run of a master and workers on hosts of their own, and two accounts of it: the relay's own and the recording."""

import json
import math
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml
from hosts import Host, HostProcess, Network
from support import LOCUSTFILE, PATIENCE_S, ROOT, saved, wait_for

from relayload.locust_plugin.master_port import MasterPort
from relayload.profile import load
from relayload.profile.plan import arrivals

DAY_S = 86_400
KEY = "sk-chaos-0123456789"
TOKENS = (100, 100)
"""The tokens of each request and answer, as the relay says."""
USD = 100 * 2e-6 + 100 * 8e-6
"""What each request costs."""


class DistributedRun:
    """A master, its workers and a logging relay. The first worker meets its master through a link that can stand still.

    The clock of each worker's host is a day apart from the next one's. No worker sees the files of its master, not even
    the profile.
    """

    def __init__(
        self, network: Network, folder: Path, *, rate: str, seconds: int, delay_s: float = 0.005, **profile: Any
    ) -> None:
        """`delay_s` is what a message between the first worker and its master takes, each way."""
        self._network, self._folder, self._delay_s = network, folder, delay_s
        self._home = folder / "master"
        self.out = self._home / "run"
        self._home.mkdir()
        self.master_host = network.host("master")
        self.apart = network.apart
        self._port = MasterPort()
        self._log = folder / "relay.jsonl"
        self._log.touch()
        relay = network.host("relay")
        self._relay = relay.python(ROOT / "tests/logging_relay.py", relay.address, self._log, log=folder / "relay.log")
        self.base_url = f"http://{relay.address}:{self._relay.first_line()}/v1"
        self.profile_file = self._home / "chaos.yaml"
        self._write_profile(relay, rate, seconds, profile)
        self.master: HostProcess | None = None
        self.workers: list[HostProcess] = []
        self.link: HostProcess | None = None

    def close(self) -> None:
        self._port.close()

    def begin(self, workers: int, *, at_home: bool = False) -> None:
        """Start a master and so many workers, and wait until requests arrive at the relay.

        With `at_home` all are on one host.
        """
        options = ("--only-summary", "--expect-workers", workers, "--relay-profile", self.profile_file)
        where = ("--master-bind-host", "0.0.0.0", "--master-bind-port", self._port.number)
        self.master = self._locust(self.master_host, "master", "--master", *where, *options, "--relay-out", self.out)
        for number in range(workers):
            self.join(number, at_home=at_home)
        wait_for(lambda: self.seen() or not self.whole)
        assert self.whole, "the run did not begin"

    @property
    def whole(self) -> bool:
        """The master and all workers are running."""
        return all(process.running for process in filter(None, (self.master, *self.workers)))

    def join(self, number: int, *, at_home: bool = False) -> None:
        """Start a worker, on a host of its own unless `at_home`."""
        name, at = f"worker-{number}", self.master_host.address
        host = self.master_host
        if not at_home:
            host, at = self._away(number)
        where = ("--worker", "--master-host", at, "--master-port", self._port.number)
        self.workers.append(self._locust(host, name, *where))

    def _away(self, number: int) -> tuple[Host, str]:
        """Return a new host, and the address of the master there."""
        host = self._network.host(f"worker-{number}", ahead_s=(number + 1) * DAY_S, without=self._home)
        at = self.master_host.address
        if number == 0 and self._network.apart:
            script = ROOT / "tests/slow_link.py"
            self.link = host.python(
                script, at, str(self._port.number), str(self._delay_s), log=self._folder / "link.log"
            )
            self.link.first_line()
            at = "127.0.0.1"
        return host, at

    def wait_until_sent(self, requests: int) -> None:
        """Wait until so many requests have arrived at the relay, or the run has ended."""
        wait_for(lambda: len(self.seen()) >= requests or not (self.master and self.master.running))

    def seen(self) -> list[dict[str, Any]]:
        """What the relay has received so far."""
        return list(_lines(self._log))

    def account(self) -> "Account":
        """Wait for the end of the run, and return what is known of it."""
        assert self.master is not None
        self.master.wait()
        return Account(self)

    def _locust(self, host: Host, name: str, *arguments: object) -> HostProcess:
        command = ("-m", "locust", "-f", LOCUSTFILE, "--headless", *arguments)
        return host.python(*map(str, command), log=self._folder / f"{name}.log", CHAOS_KEY=KEY)

    def _write_profile(self, relay: Host, rate: str, seconds: int, profile: dict[str, Any]) -> None:
        (self._home / "prompts.txt").write_text("".join(f"arrival {number}\n" for number in range(20_000)))
        content = {
            "name": "chaos",
            "seed": 11,
            "target": {
                "base_url": self.base_url,
                "api_key": "${env:CHAOS_KEY}",
                "prices": {"o3": {"input": "$2", "output": "$8"}},
            },
            "load": {
                "kind": "open",
                "arrivals": "constant",
                "graceful_stop": "5s",
                "stages": [{"name": "steady", "for": f"{seconds}s", "rate": rate}],
            },
            "scenarios": {
                "numbered": {
                    "model": "o3",
                    "prompt": {"file": "prompts.txt", "order": "file"},
                    "stream": False,
                    "max_output_tokens": 100,
                }
            },
            "objectives": ["errors.rate < 50%"],
            "generator": {"late": "10s", "late_share": "100%", "drop_share": "100%", "loop_lag": "10s"},
            "guardrails": {
                "allow_hosts": [relay.address],
                "max_requests": 19_999,
                "max_duration": "2m",
                "max_usd": "$50",
            },
        }
        for section, changes in profile.items():
            content[section] = {**content[section], **changes}  # type: ignore[dict-item]
        self.profile_file.write_text(yaml.safe_dump(content))


@dataclass
class Account:
    """The relay's log and the recording of a run that has ended."""

    run: DistributedRun

    @cached_property
    def planned(self) -> dict[int, float]:
        """When each arrival of the schedule is due, by its index."""
        return {
            each.index: each.intended_at_s for each in arrivals(load(self.run.profile_file, environ={"CHAOS_KEY": KEY}))
        }

    @cached_property
    def seen(self) -> list[dict[str, Any]]:
        return self.run.seen()

    @cached_property
    def numbers_seen(self) -> list[int]:
        return [line["index"] for line in self.seen]

    @cached_property
    def lines(self) -> list[dict[str, Any]]:
        """The starts and drops on record."""
        found = [line for path in self.run.out.glob("records-*.jsonl") for line in _lines(path)]
        return [line for line in found if line["line"] in ("request", "drop")]

    @cached_property
    def started(self) -> list[dict[str, Any]]:
        return [line for line in self.lines if line["line"] == "request"]

    @cached_property
    def counts(self) -> dict[str, int]:
        return saved(self.run.out, "summary.json")["counts"]

    @cached_property
    def verdict(self) -> dict[str, Any]:
        return saved(self.run.out, "verdict.json")

    def twice(self) -> list[int]:
        """The arrivals that the relay received more than once."""
        return sorted(index for index, times in Counter(self.numbers_seen).items() if times > 1)

    def most_seen_in(self, window_s: float) -> int:
        """The most requests that the relay received in any window of that length."""
        return most_in([line["at_ns"] / 1e9 for line in self.seen], window_s)

    def missing(self, from_s: float, until_s: float = math.inf) -> list[int]:
        """The arrivals due in that part of the run that neither reached the relay nor were dropped."""
        known = set(self.numbers_seen) | {line["index"] for line in self.lines}
        return [
            index for index, due_at_s in self.planned.items() if from_s <= due_at_s < until_s and index not in known
        ]

    def last_due_s(self, numbers: Sequence[int]) -> float:
        """When the last of these arrivals was due."""
        return max(self.planned[index] for index in numbers)


def check_sums(account: Account) -> None:
    """Nothing is sent twice; every start is on record or lost; offered = started + dropped + lost."""
    assert account.twice() == []
    counts = account.counts
    recorded = [line["index"] for line in account.lines]
    assert len(recorded) == len(set(recorded))
    assert counts["offered"] == counts["started"] + counts["dropped"] + counts["lost"]
    assert counts["started"] == len(account.started)
    assert counts["dropped"] == len(account.lines) - len(account.started)
    unrecorded = set(account.numbers_seen) - {line["index"] for line in account.started}
    assert len(unrecorded) <= counts["lost"]
    answered = {line["index"] for line in account.started if line["outcome"] == "ok"}
    assert answered <= set(account.numbers_seen)


def most_in(instants_s: Sequence[float], window_s: float) -> int:
    """The most instants in any window of that length."""
    ordered = sorted(instants_s)
    most = first = 0
    for last, at_s in enumerate(ordered):
        while at_s - ordered[first] >= window_s:
            first += 1
        most = max(most, last - first + 1)
    return most


def reported(run_dir: Path) -> subprocess.CompletedProcess[str]:
    """Rebuild the summary of a run and print its report."""
    command = [sys.executable, "-m", "relayload", "report", "--rebuild", str(run_dir)]
    return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False)


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    for line in path.read_bytes().splitlines():
        if line.endswith(b"}"):
            yield json.loads(line)
