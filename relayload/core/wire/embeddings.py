"""Embeddings: texts to a request, and its answer to vectors. Source: OpenAI API reference, `embedding`."""

import base64
from array import array
from typing import Any, Literal

import msgspec
from msgspec import Struct

from relayload.core.wire.answers import AnswerFlaw, Event, MalformedAnswer, Tokens, WholeAnswer
from relayload.core.wire.faults import Told, fault_of_body, fault_of_error, is_error
from relayload.core.wire.lenient import UNREADABLE, loosely, read_leniently
from relayload.core.wire.request import Endpoint, WireRequest, with_fields
from relayload.core.wire.usage import Usage, tokens

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
    """A request for one vector per text. `extra` goes before all else in the body.

    The encoding is always said: left out, a relay sends numbers, but OpenAI's SDK asks for base64.
    """
    body: dict[str, Any] = {"model": model, "input": inputs, "encoding_format": encoding_format}
    if dimensions is not None:
        body["dimensions"] = dimensions
    return WireRequest(Endpoint.EMBEDDINGS, with_fields(body, extra), headers or {})


class _Embedding(Struct, gc=False):
    embedding: msgspec.Raw = msgspec.Raw()
    """Looked through, but not made into numbers, which nobody may want."""


class _Embeddings(Told, gc=False):
    data: list[_Embedding] | None = None
    usage: Usage | None = None


class _LooseEmbedding(Struct, gc=False):
    embedding: list[Any] | str | None = None


class _LooseEmbeddings(Told, gc=False):
    """The same, of JSON that is read leniently."""

    data: list[_LooseEmbedding] | None = None
    usage: Usage | None = None


class _Vector(Struct, gc=False):
    embedding: list[float] | str
    index: Any = None


class _Vectors(Struct, gc=False):
    data: list[_Vector]


_decode = msgspec.json.Decoder(_Embeddings).decode
_decode_vectors = msgspec.json.Decoder(_Vectors).decode


def read_embeddings(body: bytes, request: WireRequest) -> WholeAnswer:
    """What an answer says: it is one if there is a vector for every text. Raises MalformedAnswer."""
    answer, found = _read(body)
    if is_error(answer.error):
        return WholeAnswer(flaw=AnswerFlaw.ERROR_BODY, fault=fault_of_error(answer.error, answer))
    if found != _texts(request):
        return WholeAnswer(flaw=AnswerFlaw.MALFORMED_BODY, fault=None if answer.data else fault_of_body(body))
    counted = tokens(answer.usage)
    return WholeAnswer(tokens=Tokens(input=counted.input, cached_input=counted.cached_input))


def _read(body: bytes) -> tuple[_Embeddings | _LooseEmbeddings, int]:
    """An answer, and how many vectors are in it. Raises MalformedAnswer."""
    try:
        strict = _decode(body)
    except UNREADABLE:
        loose = read_leniently(body, _LooseEmbeddings, lambda error: _LooseEmbeddings(error=error))
        return loose, sum(bool(each.embedding) for each in loose.data or ())
    return strict, sum(memoryview(each.embedding) not in _NO_VECTORS for each in strict.data or ())


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
        data = _read_vectors(body).data
        if all(type(each.index) is int for each in data):
            data.sort(key=lambda each: each.index)
        return [_numbers(each.embedding) for each in data]
    except UNREADABLE as malformed:
        raise MalformedAnswer(str(malformed)) from None


def _read_vectors(body: bytes) -> _Vectors:
    try:
        return _decode_vectors(body)
    except UNREADABLE:
        return msgspec.convert(loosely(body), _Vectors)


def _numbers(embedding: list[float] | str) -> list[float]:
    if isinstance(embedding, list):
        return embedding
    return array("f", base64.b64decode(embedding)).tolist()
