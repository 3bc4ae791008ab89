import base64
import math
import struct

import pytest

from relayload.fakerelay.behavior import Reply
from relayload.fakerelay.embeddings import embeddings, vector
from relayload.fakerelay.parsed_request import ParsedEmbeddingRequest


def test_vectors_have_length_one_and_depend_on_the_text_alone():
    values = vector("text", 1536)
    assert len(values) == 1536
    assert math.fsum(value * value for value in values) == pytest.approx(1.0)
    assert values == vector("text", 1536) != vector("other", 1536)


def test_base64_holds_the_same_numbers_as_floats():
    reply = Reply(1, 0.01, output_tokens=0, dimensions=8)
    floats = embeddings(ParsedEmbeddingRequest("e", ("a",), 1), reply, 0, [])
    packed = embeddings(ParsedEmbeddingRequest("e", ("a",), 1, as_base64=True), reply, 0, [])
    unpacked = struct.unpack("8f", base64.b64decode(packed["data"][0]["embedding"]))
    assert unpacked == pytest.approx(floats["data"][0]["embedding"])


def test_a_request_may_ask_for_fewer_dimensions():
    answer = embeddings(ParsedEmbeddingRequest("e", ("a", "b"), 2, dimensions=3), Reply(1, 0.01, dimensions=8), 0, [])
    assert [len(item["embedding"]) for item in answer["data"]] == [3, 3]
