"""The formats of the endpoints: how a request is read, and how its answer looks."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from msgspec.json import encode

from relayload.fakerelay.asks import Ask, EmbeddingAsk, chat_ask, embedding_ask, response_ask
from relayload.fakerelay.behavior import Behavior, Reply, Turn
from relayload.fakerelay.chat import ChatEvents, completion
from relayload.fakerelay.embeddings import embeddings
from relayload.fakerelay.events import Events
from relayload.fakerelay.responses import ResponseEvents, response

AnyAsk = Ask | EmbeddingAsk


@dataclass(frozen=True, slots=True)
class Format:
    """One endpoint."""

    read: Callable[[bytes, dict[bytes, bytes]], Any]
    """Body and headers to an `Ask`. Raises Refusal."""
    turn: Callable[[Behavior, Any, str, float], Turn]
    body: Callable[[Any, Reply, int, list[str]], dict[str, Any]]
    """Ask, reply, seconds since the epoch and words to an answer that is not streamed."""
    events: Callable[[Any, Reply, int], Events]
    error_event: Callable[[Mapping[str, Any]], bytes]


def _chat_error_event(error: Mapping[str, Any]) -> bytes:
    return b"data: %b\n\n" % encode(error)


def _response_error_event(error: Mapping[str, Any]) -> bytes:
    return b"event: error\ndata: %b\n\n" % encode({"type": "error", **error})


def _no_events(_ask: EmbeddingAsk, _reply: Reply, _created: int) -> Events:
    raise AssertionError("embeddings are not streamed")


CHAT = Format(chat_ask, Behavior.turn, completion, ChatEvents, _chat_error_event)
RESPONSES = Format(response_ask, Behavior.turn, response, ResponseEvents, _response_error_event)
EMBEDDINGS = Format(embedding_ask, Behavior.embedding_turn, embeddings, _no_events, _chat_error_event)
