"""The readers for the answers of each endpoint."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Protocol

from relayload.core.wire.answers import Event, WholeAnswer
from relayload.core.wire.chat import BUDGET_FIELDS, chat_request, completion_thoughts, read_chat_event, read_completion
from relayload.core.wire.embeddings import read_embedding_event, read_embeddings
from relayload.core.wire.form import Form
from relayload.core.wire.messages import message_thoughts, messages_request, read_message, read_message_event
from relayload.core.wire.request import Endpoint, WireRequest
from relayload.core.wire.responses import read_response, read_response_event, response_thoughts, responses_request
from relayload.core.wire.token_pattern import TokenPattern, pattern_of


class NewRequest(Protocol):
    """Builds a request for a text."""

    def __call__(
        self,
        model: str,
        messages: Any,
        /,
        *,
        stream: bool = True,
        max_output_tokens: int | None = None,
        temperature: float | None = None,
        reasoning_effort: str | None = None,
        extra: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
        form: Form = ...,
    ) -> WireRequest: ...


@dataclass(frozen=True, slots=True)
class Format:
    """The readers of one endpoint. Each raises MalformedAnswer for unreadable input."""

    read_event: Callable[[bytes, bytes], Event | None]
    """Reads the data and the name of a stream's event."""
    read_answer: Callable[[bytes, WireRequest], WholeAnswer]
    """Reads the body of an answer that is not streamed, given its request."""
    pattern_of: Callable[[bytes], TokenPattern | None]
    """Returns the pattern that other events may share with a whole event."""
    read_thoughts: Callable[[bytes], str]
    """Returns the reasoning in the body of an answer that is not streamed."""
    budget_fields: tuple[str, ...] = ()
    """The fields that limit the length of the answer."""


def _no_pattern(_event: bytes) -> None:
    return None


def _no_thoughts(_body: bytes) -> str:
    return ""


FORMATS: Mapping[Endpoint, Format] = MappingProxyType(
    {
        Endpoint.CHAT: Format(read_chat_event, read_completion, pattern_of, completion_thoughts, BUDGET_FIELDS),
        Endpoint.RESPONSES: Format(
            read_response_event, read_response, _no_pattern, response_thoughts, ("max_output_tokens",)
        ),
        Endpoint.EMBEDDINGS: Format(read_embedding_event, read_embeddings, _no_pattern, _no_thoughts),
        Endpoint.MESSAGES: Format(read_message_event, read_message, _no_pattern, message_thoughts, ("max_tokens",)),
    }
)

_NEW_REQUEST: Mapping[Endpoint, NewRequest] = MappingProxyType(
    {
        Endpoint.CHAT: chat_request,
        Endpoint.RESPONSES: responses_request,
        Endpoint.MESSAGES: messages_request,
    }
)


def new_request(endpoint: Endpoint) -> NewRequest:
    """Return what builds the requests of an endpoint, which must be one for texts."""
    return _NEW_REQUEST[endpoint]


def output_budget(request: WireRequest) -> int:
    """Return the most tokens that the answer may have, from the body or else from the request; 0 if unlimited."""
    for name in FORMATS[request.endpoint].budget_fields:
        budget = request.body.get(name)
        if budget is not None:
            return int(budget)
    return request.max_output_tokens or 0
