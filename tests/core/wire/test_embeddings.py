import base64
import json
import struct
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relayload.core.stats.histogram import bucket
from relayload.core.wire.answers import AnswerFlaw, MalformedAnswer, Tokens, WholeAnswer
from relayload.core.wire.embeddings import embeddings_request, read_embeddings, vectors
from relayload.core.wire.request import Endpoint, RelayFault
from relayload.core.wire.stream import StreamFlaw, TokenStream

TWO = embeddings_request("e", ["a", "b"])
PACKED = base64.b64encode(struct.pack("<2f", 0.5, -1.0)).decode()


def body(*embeddings, **fields):
    data = [{"object": "embedding", "index": number, "embedding": each} for number, each in enumerate(embeddings)]
    return json.dumps({"object": "list", "data": data} | fields).encode()


def test_a_request_says_how_the_vectors_are_to_be_sent():
    assert (TWO.path, TWO.stream) == ("/embeddings", False)
    assert TWO.body == {"model": "e", "input": ["a", "b"], "encoding_format": "float"}
    request = embeddings_request(
        "e", ["a"], dimensions=3, encoding_format="base64", extra={"user": "u"}, headers={"x-tenant": "a"}
    )
    assert request.body == {"model": "e", "input": ["a"], "encoding_format": "base64", "dimensions": 3, "user": "u"}
    assert request.headers == {"x-tenant": "a"}


def test_an_answer_has_a_vector_for_every_text():
    usage = {"prompt_tokens": 7, "total_tokens": 7}
    assert read_embeddings(body([0.5, -1], PACKED, usage=usage), TWO) == WholeAnswer(tokens=Tokens(input=7))


@pytest.mark.parametrize(
    "answer", [body([1.0]), body([1.0], [1.0], [1.0]), body([1.0], []), body([1.0], ""), body([1.0], None)]
)
def test_more_or_fewer_vectors_than_texts_are_malformed(answer):
    assert read_embeddings(answer, TWO) == WholeAnswer(flaw=AnswerFlaw.MALFORMED_BODY)


def test_a_vector_of_one_number_is_one():
    assert read_embeddings(b'{"data":[{"embedding":[1]},{"embedding":[2]}]}', TWO).flaw is None


@pytest.mark.parametrize(
    ("answer", "flaw", "fault"),
    [
        (b'{"error":{"message":"m"}}', AnswerFlaw.ERROR_BODY, RelayFault("m")),
        (b'{"error":"m","data":7}', AnswerFlaw.ERROR_BODY, RelayFault("m")),
        (b'{"detail":"m"}', AnswerFlaw.MALFORMED_BODY, RelayFault("m")),
    ],
)
def test_an_error_is_told_in_the_words_of_the_relay(answer, flaw, fault):
    assert read_embeddings(answer, TWO) == WholeAnswer(flaw=flaw, fault=fault)


@pytest.mark.parametrize("answer", [b"", b"{", b"[]", b'{"data":[7]}', b'{"data":[{"embedding":[1,]}]}', b"<html>"])
def test_what_is_no_answer_is_malformed(answer):
    with pytest.raises(MalformedAnswer):
        read_embeddings(answer, TWO)


@given(st.binary(max_size=100))
def test_any_bytes_are_read_or_malformed(data):
    with suppress(MalformedAnswer):
        read_embeddings(data, TWO)


def test_usage_that_makes_no_sense_is_not_measured():
    assert read_embeddings(body([1.0], [1.0], usage={"prompt_tokens": "7"}), TWO).tokens == Tokens()


def test_vectors_are_read_in_both_encodings():
    assert vectors(body([0.5, -1], PACKED)) == [[0.5, -1.0], [0.5, -1.0]]


def test_vectors_come_in_the_order_of_the_texts():
    answer = b'{"data":[{"index":1,"embedding":[1]},{"index":0,"embedding":[0]}]}'
    assert vectors(answer) == [[0.0], [1.0]]


@pytest.mark.parametrize("answer", [b"{}", b'{"data":[{}]}', body("x"), body("AAA="), body(["1"])])
def test_what_holds_no_vectors_is_malformed(answer):
    with pytest.raises(MalformedAnswer):
        vectors(answer)


def test_a_stream_of_embeddings_is_malformed():
    stream = TokenStream(Endpoint.EMBEDDINGS, bucket)
    stream.feed(b"data: {}\n\n", 1.0)
    assert stream.flaw is StreamFlaw.MALFORMED_EVENT
