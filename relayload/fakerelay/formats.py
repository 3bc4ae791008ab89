"""The formats of the endpoints: how requests are parsed and answers are rendered."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from msgspec.json import encode

from relayload.fakerelay.behavior import Behavior, Reply, Turn
from relayload.fakerelay.chat import chat_events, completion
from relayload.fakerelay.completions import TextEvents, text_completion
from relayload.fakerelay.embeddings import embeddings
from relayload.fakerelay.events import Events
from relayload.fakerelay.message_request import parse_message
from relayload.fakerelay.messages import MessageEvents, message
from relayload.fakerelay.parsed_request import (
    ParsedEmbeddingRequest,
    ParsedRequest,
    parse_chat,
    parse_completion,
    parse_embedding,
    parse_response,
)
from relayload.fakerelay.response_content import response_events
from relayload.fakerelay.responses import response

AnyParsedRequest = ParsedRequest | ParsedEmbeddingRequest


@dataclass(frozen=True, slots=True)
class Format:
    """The functions of one endpoint."""

    read: Callable[[bytes, dict[bytes, bytes]], Any]
    """Parses body and headers. Raises Refusal."""
    turn: Callable[[Behavior, Any, str, float], Turn]
    body: Callable[[Any, Reply, int, list[str]], dict[str, Any]]
    """Renders an answer that is not streamed from parsed request, reply, seconds since the epoch, and words."""
    events: Callable[[Any, Reply, int], Events]
    error_event: Callable[[Mapping[str, Any]], bytes]


def _chat_error_event(error: Mapping[str, Any]) -> bytes:
    return b"data: %b\n\n" % encode(error)


def _response_error_event(error: Mapping[str, Any]) -> bytes:
    return b"event: error\ndata: %b\n\n" % encode({"type": "error", **error})


def _message_error_event(error: Mapping[str, Any]) -> bytes:
    return b"event: error\ndata: %b\n\n" % encode(error)


def _no_events(_parsed: ParsedEmbeddingRequest, _reply: Reply, _created: int) -> Events:
    raise AssertionError("embeddings are not streamed")


CHAT = Format(parse_chat, Behavior.turn, completion, chat_events, _chat_error_event)
COMPLETIONS = Format(parse_completion, Behavior.turn, text_completion, TextEvents, _chat_error_event)
RESPONSES = Format(parse_response, Behavior.turn, response, response_events, _response_error_event)
MESSAGES = Format(parse_message, Behavior.turn, message, MessageEvents, _message_error_event)
EMBEDDINGS = Format(parse_embedding, Behavior.embedding_turn, embeddings, _no_events, _chat_error_event)
