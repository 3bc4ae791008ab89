"""RelayUser in a locustfile of one's own, as a process."""

import csv
from pathlib import Path

import pytest
from support import Start, ran_patched, relay_stats

from relayload.fakerelay.process import FakeRelay
from relayload.locust_plugin.master_port import workers

LOCUSTFILE = """
from locust import constant, task

from relayload import RelayUser


class Visitor(RelayUser):
    wait_time = constant(0.05)
    client_options = {"retry": None}

    @task
    def ask(self):
        told = []
        answer = self.relay.chat(
            "o3", [{"role": "user", "content": "hi"}], stream=True, max_output_tokens=5, on_delta=told.append
        )
        assert (len(told), answer.output_tokens) == (5, 5)

    @task
    def misspell(self):
        try:
            self.relay.chat("o33", [{"role": "user", "content": "hi"}], name="misspelt")
        except Exception as error:
            assert error.fault == "yours", error
"""


def write(folder: Path) -> Path:
    path = folder / "own.py"
    path.write_text(LOCUSTFILE)
    return path


def test_calls_of_ones_own_tasks_are_rows_of_locusts_statistics(start: Start, relay: FakeRelay, tmp_path: Path) -> None:
    options = ["--headless", "-u", "3", "-r", "3", "-t", "1s", "--host", relay.base_url, "--exit-code-on-error", "0"]
    run = start("locust", "-f", write(tmp_path), *options, RELAY_API_KEY="sk-fake")
    assert run.wait() == 0, run.output
    rows = [line.split()[:2] for line in run.output.splitlines()]
    assert {("chat", "o3"), ("ttft", "o3"), ("chat", "misspelt")} <= {tuple(row) for row in rows}
    assert "o33: bad_request: http_404" in run.output
    assert relay_stats(relay)["requests"] > 20
    assert "sk-fake" not in run.output


NO_HOST = "no host: write host = 'https://relay.example/v1' in the class, or --host"
NO_KEY = "no key: set the environment variable RELAY_API_KEY, or api_key in the class"


@pytest.mark.parametrize(
    ("host", "key", "processes", "told"),
    [
        ("", "", 1, f"Visitor: {NO_HOST}; {NO_KEY}"),
        ("", "", 2, f"Visitor: {NO_HOST}; {NO_KEY}"),
        ("", "sk-fake", 1, f"Visitor: {NO_HOST}\n"),
        ("http://127.0.0.1:1/v1", "", 1, f"Visitor: {NO_KEY}\n"),
        ("http://me:pw@127.0.0.1/v1", "sk-fake", 1, "Visitor: host: expected a URL without credentials and fragment\n"),
    ],
)
def test_a_user_without_a_usable_host_or_key_is_told_what_is_missing(
    start: Start, port: int, tmp_path: Path, host: str, key: str, processes: int, told: str
) -> None:
    options = ["--headless", "-u", "1", *workers(processes, port)]
    options += ["--host", host] if host else []
    run = start("locust", "-f", write(tmp_path), *options, RELAY_API_KEY=key)
    assert run.wait() == 2
    assert told in run.output
    assert "Traceback" not in run.output


def test_a_host_that_is_not_there_is_named_in_the_failures(start: Start, tmp_path: Path) -> None:
    options = ["--headless", "-u", "1", "-t", "1s", "--host", "http://127.0.0.1:1/v1"]
    run = start("locust", "-f", write(tmp_path), *options, RELAY_API_KEY="sk-fake")
    assert run.wait() == 1
    assert "o3: unreachable: connect: http://127.0.0.1:1/v1" in run.output


FAILING = """
from locust import TaskSet, constant, task

from relayload import RelayUser


class Nested(TaskSet):
    @task
    def ask(self):
        self.user.relay.chat("o33", [{"role": "user", "content": "hi"}], name="nested")

    @task
    def leave(self):
        self.interrupt()


class Visitor(RelayUser):
    wait_time = constant(0.02)
    client_options = {"retry": None}
    tasks = [Nested]

    @task
    def ask(self):
        self.relay.chat("o33", [{"role": "user", "content": "hi"}], name="nope")

    @task
    def stumble(self):
        raise LookupError("of our own")
"""


UNKNOWN_MODEL = "The model … does not exist or you do not have access to it."


def test_failed_calls_are_one_row_for_each_thing_that_happened(start: Start, relay: FakeRelay, tmp_path: Path) -> None:
    (tmp_path / "failing.py").write_text(FAILING)
    options = ["--headless", "-u", "4", "-r", "4", "-t", "1s", "--host", relay.base_url, "--csv", "all"]
    run = start("locust", "-f", tmp_path / "failing.py", *options, RELAY_API_KEY="sk-fake")
    assert run.wait() == 1, run.output
    with (tmp_path / "all_failures.csv").open(newline="") as file:
        rows = {row["Name"]: row for row in csv.DictReader(file)}
    assert set(rows) == {"nested", "nope"}
    for row in rows.values():
        assert row["Error"] == f"RequestFailed('o33: bad_request: http_404: {UNKNOWN_MODEL}')"
        assert int(row["Occurrences"]) > 5
    with (tmp_path / "all_stats.csv").open(newline="") as file:
        (whole,) = (row for row in csv.DictReader(file) if row["Name"] == "Aggregated")
    last_table = [line.split() for line in run.output.splitlines() if line.split()[:1] == ["Aggregated"]][-1]
    assert whole["Request Count"] == last_table[-1]
    assert "LookupError: of our own" in run.output
    assert "relayload.client.errors.BadRequest" not in run.output


SHARING = """
from locust.env import Environment
from relayload import RelayUser


class Guest(RelayUser):
    api_key = "sk-fake"


environment = Environment(user_classes=[Guest], host="http://127.0.0.1:1/v1")
first, second = Guest(environment).relay, Guest(environment).relay
environment.events.test_start.fire(environment=environment)
third = Guest(environment).relay
environment.host = "http://127.0.0.1:2/v1"
fourth = Guest(environment).relay
print(first is second, second is third, third is fourth)
"""


def test_users_share_a_client_for_one_test_and_one_host() -> None:
    assert ran_patched(SHARING) == "True False False\n"
