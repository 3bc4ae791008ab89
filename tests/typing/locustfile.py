"""A locustfile of one's own."""

from locust import constant, task

from pathlib import Path

from relayload import CallFailed, RelayUser, RetryPolicy, Timeouts, load_users

globals().update(load_users(__name__, Path("nightly.yaml")))


class Visitor(RelayUser):
    wait_time = constant(1)
    host = "http://127.0.0.1:8600/v1"
    api_key = "sk-fake"
    client_options = {"retry": RetryPolicy(attempts=2), "attempt_timeouts": Timeouts(total_s=30)}

    @task(3)
    def ask(self) -> None:
        self.relay.chat("o3", [{"role": "user", "content": "hi"}], stream=True)

    @task
    def ask_for_much(self) -> None:
        try:
            self.relay.chat("o3", [{"role": "user", "content": "hi" * 10_000}], name="long")
        except CallFailed as error:
            assert error.fault == "yours", error
