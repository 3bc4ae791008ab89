"""Batches of requests that are checked, and of mappings that are not."""

from typing import Any

from relayload import BatchRun, ChatRequest, Completion, RelayClient

HELLO = [{"role": "user", "content": "hi"}]


def texts(client: RelayClient) -> list[str]:
    chats = [ChatRequest("o3", HELLO, max_output_tokens=number, name="short") for number in (5, 10)]
    batch: BatchRun = client.batch(chats, batch_size=50, max_concurrent=10)
    answers: list[Completion | None] = batch.wait(timeout_s=60)
    return [answer.text for answer in answers if answer is not None]


def failures(client: RelayClient, rows: list[dict[str, Any]]) -> list[str]:
    batch = client.batch([*rows, {"model": "o3", "messages": HELLO}, ChatRequest("o3", HELLO)])
    batch.wait()
    assert batch.status().running == 0
    return [f"{number}: {error.fault} {error.message}" for number, error in batch.errors.items()]
