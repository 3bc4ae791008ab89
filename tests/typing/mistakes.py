"""What a type checker has to find. Each comment is the code of the error that it finds in that line."""

from locust import task

from relayload import CallFailed, CallReport, ChatRequest, Limit, Outcome, RelayClient, RelayUser, RetryPolicy, Timeouts
from relayload import RelayCleint as Misspelt  # error: attr-defined

URL, KEY = "http://127.0.0.1:8600/v1", "sk-fake"
HELLO = [{"role": "user", "content": "hi"}]


def note(text: str) -> None:
    assert text


Misspelt(URL, KEY)
RelayClient(URL, KEY, timeout=30)  # error: call-arg
RelayClient(URL, KEY, attempt_timeouts=30)  # error: arg-type
RelayClient(URL, KEY, deadline_s=Timeouts(total_s=30))  # error: arg-type
RelayClient(URL, KEY, budget=None)  # error: call-arg
RelayClient(URL, KEY, quota=Limit(10, per_s=1))  # error: arg-type
RelayClient(URL, KEY, quota="10/s")  # error: arg-type
RelayClient(URL, KEY, dialect="oneapi")  # error: arg-type
RelayClient(URL, KEY, breaker_scope="relay")  # error: arg-type
RelayClient(URL, KEY, on_call=note)  # error: arg-type
RelayClient(URL)  # error: call-arg
RetryPolicy(jitter="some")  # error: arg-type
RetryPolicy(budget_share="10%")  # error: arg-type


def ask(client: RelayClient) -> str:
    client.chat(3, HELLO)  # error: arg-type
    client.chat("o3", "hi")  # error: arg-type
    client.chat("o3", HELLO, max_tokens=20)  # error: call-arg
    client.batch([ChatRequest("o3")])  # error: call-arg
    client.batch([ChatRequest("o3", HELLO, on_delta=3)])  # error: arg-type
    client.batch(["hi"])  # error: list-item
    (answer,) = client.batch([ChatRequest("o3", HELLO)]).wait()
    return answer.text  # error: union-attr


def tell(report: CallReport, error: CallFailed) -> bool:
    note(report.called)  # error: attr-defined
    note(report.error)  # error: arg-type
    note(error.fualt)  # error: attr-defined
    return report.outcome is Outcome.FINE  # error: attr-defined


class Visitor(RelayUser):
    client_options = [("retry", None)]  # error: assignment

    @task
    def ask(self) -> None:
        self.relay.chatt("o3", HELLO)  # error: attr-defined
