"""Embeddings: builds requests and reads vectors. Source: OpenAI API reference, `embedding`."""

import base64
from array import array
from typing import Any, Literal

import msgspec
from msgspec import Struct

from relayload.core.wire.answers import AnswerFlaw, Event, MalformedAnswer, Tokens, WholeAnswer
from relayload.core.wire.faults import ErrorFields, fault_of_body, fault_of_error, is_error
from relayload.core.wire.lenient import UNREADABLE, parse_loosely, read_leniently
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
    """Return a request for one vector per text. `extra` overrides fields of the body.

    The encoding is always sent: without it a relay sends numbers, while OpenAI's SDK asks for base64.
    """
    body: dict[str, Any] = {"model": model, "input": inputs, "encoding_format": encoding_format}
    if dimensions is not None:
        body["dimensions"] = dimensions
    return WireRequest(Endpoint.EMBEDDINGS, with_fields(body, extra), headers or {})


class _Embedding(Struct, gc=False):
    embedding: msgspec.Raw = msgspec.Raw()
    """Validated, but not converted to numbers, which may not be needed."""


class _Embeddings(ErrorFields, gc=False):
    data: list[_Embedding] | None = None
    usage: Usage | None = None


class _LooseEmbedding(Struct, gc=False):
    embedding: list[Any] | str | None = None


class _LooseEmbeddings(ErrorFields, gc=False):
    """The same, for JSON that is read leniently."""

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
    """Read an answer, which must have one vector per text. Raises MalformedAnswer."""
    answer, found = _read(body)
    if is_error(answer.error):
        return WholeAnswer(flaw=AnswerFlaw.ERROR_BODY, fault=fault_of_error(answer.error, answer))
    if found != _texts(request):
        return WholeAnswer(flaw=AnswerFlaw.MALFORMED_BODY, fault=None if answer.data else fault_of_body(body))
    counted = tokens(answer.usage)
    return WholeAnswer(tokens=Tokens(input=counted.input, cached_input=counted.cached_input))


def _read(body: bytes) -> tuple[_Embeddings | _LooseEmbeddings, int]:
    """Return an answer and its number of vectors. Raises MalformedAnswer."""
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
    """Raise MalformedAnswer: embeddings are never streamed."""
    raise MalformedAnswer("embeddings are not streamed")


def vectors(body: bytes) -> list[list[float]]:
    """Return the vectors of an answer in the order of the texts, in either encoding.

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
        return msgspec.convert(parse_loosely(body), _Vectors)


def _numbers(embedding: list[float] | str) -> list[float]:
    if isinstance(embedding, list):
        return embedding
    return array("f", base64.b64decode(embedding)).tolist()
