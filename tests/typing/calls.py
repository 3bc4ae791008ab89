"""Calls of every kind, and what they return."""

from relayload import Completion, Embeddings, RelayClient, ResponseLimits

HELLO = [{"role": "user", "content": "hi"}]


def words(client: RelayClient, pieces: list[str]) -> int:
    answer = client.chat("o3", HELLO, stream=True, max_output_tokens=20, on_delta=pieces.append)
    return len(answer.text.split()) + (answer.output_tokens or 0)


def told(client: RelayClient) -> Completion:
    return client.responses("o3", "hi", temperature=0.5, extra={"tools": []})


def vectors(client: RelayClient) -> list[list[float]]:
    embedded: Embeddings = client.embed("small", ["a", "b"], dimensions=3)
    return [list(vector) for vector in embedded.vectors]


def success_rate(base_url: str, api_key: str) -> float | None:
    with RelayClient(base_url, api_key, dialect="litellm", response_limits=ResponseLimits(nesting=50)) as client:
        return client.metrics().success_rate if client.models() else None
