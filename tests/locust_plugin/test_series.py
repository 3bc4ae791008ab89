"""Runs that one Locust carries out one after the other, each with overrides of its own."""

from pathlib import Path

import pytest

from relayload.core.model.record import Record
from relayload.fakerelay.process import FakeRelay
from relayload.locust_plugin.early import LOG_NAME
from relayload.locust_plugin.launch import Launch, last_words
from relayload.locust_plugin.series import OtherHosts, Series
from relayload.recording import Recording

CLOSED = """
name: series
target: {{base_url: "{base_url}", api_key: sk-fake}}
load: {{kind: closed, users: 3, stages: [{{name: only, for: 2s}}]}}
scenarios:
  chat: {{model: o3, prompt: simple, max_output_tokens: 20}}
generator: {{late: 10s, late_share: 100%, loop_lag: 10s}} # these tests are not about a busy machine
"""


@pytest.fixture
def launch(relay: FakeRelay, tmp_path: Path) -> Launch:
    path = tmp_path / "profile.yaml"
    path.write_text(CLOSED.format(base_url=relay.base_url))
    return Launch(path, ("seed=7",), tmp_path / "out")


def most_at_once(run_dir: Path) -> int:
    """The most requests in flight at the same time."""
    records = [line for line in Recording.open(run_dir).lines() if isinstance(line, Record)]
    begun = [(line.intended_at_s + line.late_s, 1) for line in records]
    ended = [(line.intended_at_s + line.latency_s, -1) for line in records]
    most = now = 0
    for _, change in sorted(begun + ended):
        now += change
        most = max(most, now)
    return most


@pytest.mark.parametrize("processes", [1, 2])
def test_each_run_has_the_users_and_the_seed_that_it_asks_for(launch: Launch, processes: int) -> None:
    several = Launch(launch.profile, launch.sets, launch.run_dir, processes)
    with Series(several) as series:
        assert series.ready(lambda _: None) is None
        for users in (6, 2, 4):
            run_dir = launch.run_dir / f"users-{users}"
            sets = [f"load.users={users}", f"seed={users}"]
            assert series.run(run_dir, sets, lambda _: None) == 0, last_words(launch.run_dir)
            assert most_at_once(run_dir) == users
            assert f"seed: {users}\n" in (run_dir / "profile.yaml").read_text()
            assert not (run_dir / LOG_NAME).exists()
        assert series.exit_code is None
    assert series.exit_code == 0


def test_an_override_that_is_wrong_ends_it_with_the_reason(launch: Launch) -> None:
    with Series(launch) as series:
        assert series.ready(lambda _: None) is None
        assert series.run(launch.run_dir / "run", ["load.users=none"], lambda _: None) == 2
    assert "load.users" in last_words(launch.run_dir)
    assert not (launch.run_dir / "run").exists()


def test_a_target_that_does_not_answer_ends_it_before_it_is_ready(launch: Launch) -> None:
    sets = ("target.base_url=http://127.0.0.1:9/v1",)
    with Series(Launch(launch.profile, sets, launch.run_dir)) as series:
        assert series.ready(lambda _: None) == 6
    assert "nothing listens on" in last_words(launch.run_dir)


@pytest.mark.parametrize(
    ("hosts", "processes", "options"),
    [
        (OtherHosts(2, "10.0.0.5"), 0, "--master --master-bind-host 10.0.0.5 --master-bind-port 5557"),
        (
            OtherHosts(1, "*", 6000),
            2,
            "--processes 2 --master-bind-host * --master-bind-port 6000 --master-host 127.0.0.1 --master-port 6000",
        ),
    ],
)
def test_the_master_listens_to_other_hosts_and_own_workers_find_it(
    hosts: OtherHosts, processes: int, options: str
) -> None:
    assert " ".join(hosts.options(processes)) == options
