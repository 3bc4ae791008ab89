"""Keys of a scenario that do not fit its endpoint."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from relayload.core.wire.request import Endpoint

_NO_ANSWER = "an embedding has no text of its own: leave this out"
_NO_TALK = "embeddings are of texts alone: leave this out"
_UNFIT: Mapping[Endpoint, Mapping[str, str]] = MappingProxyType(
    {
        Endpoint.CHAT: {"inputs": "is for endpoint: embeddings; a chat has one prompt"},
        Endpoint.RESPONSES: {
            "inputs": "is for endpoint: embeddings; a response has one prompt",
            "response_format": "is of chat completions: write body: {text: {format: ...}}",
        },
        Endpoint.MESSAGES: {
            "inputs": "is for endpoint: embeddings; a message has one prompt",
            "response_format": "is of chat completions: write body: {output_config: {format: ...}}",
        },
        Endpoint.EMBEDDINGS: {
            "stream": "embeddings are not streamed: leave this out",
            "max_output_tokens": _NO_ANSWER,
            "min_tokens": _NO_ANSWER,
            "ignore_eos": _NO_ANSWER,
            "temperature": _NO_ANSWER,
            "reasoning_effort": _NO_ANSWER,
            "response_format": _NO_ANSWER,
            "tools": _NO_TALK,
            "tool_choice": _NO_TALK,
            "images": _NO_TALK,
            "conversation": _NO_TALK,
        },
    }
)
_OWN_FIELDS: Mapping[str, str] = MappingProxyType(
    {
        "model": "model",
        "messages": "prompt",
        "input": "prompt",
        "stream": "stream",
    }
)
"""Fields of the body that a scenario sets by keys of its own."""


def fields(body: dict[str, Any]) -> dict[str, Any]:
    """Validate further fields of a body. Raises ValueError for a field that the scenario sets itself."""
    for name in body:
        if name in _OWN_FIELDS:
            raise ValueError(f"'{name}' is said by the scenario: use its '{_OWN_FIELDS[name]}'")
    return body


def unfit(scenario: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the keys of a scenario, as written, that do not fit its endpoint, each with the reason."""
    try:
        endpoint = Endpoint(scenario.get("endpoint", Endpoint.CHAT))
    except ValueError:
        return  # a fault of its own
    for key, why in _UNFIT[endpoint].items():
        if scenario.get(key) is not None and scenario[key] is not False:
            yield key, why
    if endpoint is Endpoint.EMBEDDINGS and scenario.get("prompt") == "image_reasoning":
        yield "prompt", "'image_reasoning' has a picture, and embeddings are of texts alone"
    if endpoint in _EFFORT_IN and scenario.get("reasoning_effort") is not None:
        yield from _effort_said_twice(scenario.get("body"), _EFFORT_IN[endpoint])


_EFFORT_IN: Mapping[Endpoint, str] = MappingProxyType(
    {Endpoint.RESPONSES: "reasoning", Endpoint.MESSAGES: "output_config"}
)
"""The field of the body that holds the effort beside other things."""


def _effort_said_twice(body: object, field: str) -> Iterator[tuple[str, str]]:
    if isinstance(body, dict) and field in body:
        yield "reasoning_effort", f"body.{field} goes first: write {{effort: ...}} there, and leave this out"
