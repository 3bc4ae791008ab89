"""Embeddings: texts to a request, and its answer to vectors. Source: OpenAI API reference, `embedding`."""

import base64
from array import array
from typing import Any, Literal

import msgspec
from msgspec import Struct

from relayload.core.wire.answers import AnswerFlaw, Event, MalformedAnswer, Tokens, WholeAnswer, token_count
from relayload.core.wire.faults import fault_of_body, fault_of_error, read_leniently
from relayload.core.wire.request import Endpoint, WireRequest

_NO_VECTORS = (b"", b"null", b"[]", b'""')


def embeddings_request(
    model: str,
    inputs: list[str],
    *,
    dimensions: int | None = None,
    encoding_format: Literal["float", "base64"] = "float",
    extra: dict[str, Any] | None = None,
    headers: dict[str, str] | None = None,
) -> WireRequest:
    """A request for one vector per text. `extra` goes into the body as it is.

    The encoding is always said: left out, a relay sends numbers, but OpenAI's SDK asks for base64.
    """
    body: dict[str, Any] = {"model": model, "input": inputs, "encoding_format": encoding_format}
    if dimensions is not None:
        body["dimensions"] = dimensions
    if extra:
        body.update(extra)
    return WireRequest(Endpoint.EMBEDDINGS, body, headers or {})


class _Usage(Struct, gc=False):
    prompt_tokens: Any = None


class _Embedding(Struct, gc=False):
    embedding: msgspec.Raw = msgspec.Raw()
    """Looked through, but not made into numbers, which nobody may want."""


class _Embeddings(Struct, gc=False):
    data: list[_Embedding] | None = None
    usage: _Usage | None = None
    error: Any = None


class _Vector(Struct, gc=False):
    embedding: list[float] | str
    index: Any = None


class _Vectors(Struct, gc=False):
    data: list[_Vector]


_decode = msgspec.json.Decoder(_Embeddings).decode
_decode_vectors = msgspec.json.Decoder(_Vectors).decode


def read_embeddings(body: bytes, request: WireRequest) -> WholeAnswer:
    """What an answer says: it is one if there is a vector for every text. Raises MalformedAnswer."""
    try:
        answer = _decode(body)
    except ValueError:  # msgspec's errors and UnicodeDecodeError are ValueErrors
        answer = read_leniently(body, _decode, lambda error: _Embeddings(error=error))
    if answer.error:
        return WholeAnswer(flaw=AnswerFlaw.ERROR_BODY, fault=fault_of_error(answer.error))
    vectors = sum(memoryview(each.embedding) not in _NO_VECTORS for each in answer.data or ())
    if vectors != _texts(request):
        return WholeAnswer(flaw=AnswerFlaw.MALFORMED_BODY, fault=None if answer.data else fault_of_body(body))
    return WholeAnswer(tokens=Tokens(input=token_count(answer.usage.prompt_tokens if answer.usage else None)))


def _texts(request: WireRequest) -> int:
    inputs = request.body["input"]
    return len(inputs) if isinstance(inputs, list) else 1


def read_embedding_event(_data: bytes, _name: bytes) -> Event:
    """Raises MalformedAnswer: embeddings are never streamed."""
    raise MalformedAnswer("embeddings are not streamed")


def vectors(body: bytes) -> list[list[float]]:
    """The vectors of an answer that has them, in the order of the texts, whichever encoding was asked for.

    Raises MalformedAnswer.
    """
    try:
        data = _decode_vectors(body).data
        if all(type(each.index) is int for each in data):
            data.sort(key=lambda each: each.index)
        return [_numbers(each.embedding) for each in data]
    except ValueError as malformed:
        raise MalformedAnswer(str(malformed)) from None


def _numbers(embedding: list[float] | str) -> list[float]:
    if isinstance(embedding, list):
        return embedding
    return array("f", base64.b64decode(embedding)).tolist()
