import json

import pytest

from relayload.core.wire.response_limits import ResponseLimits, TooLarge, check_json

LIMITS = ResponseLimits(nesting=10, values=1000)


def nested(depth: int) -> bytes:
    return b'{"a":[' * (depth // 2) + b"[]" * (depth % 2) + b"]}" * (depth // 2)


@pytest.mark.parametrize(
    "text",
    [
        nested(10),
        b"[" + b"[1]," * 500 + b"[1]]",
        json.dumps({"content": "[{" * 200}).encode(),
        json.dumps({"content": '\\"[{\\' * 200}).encode(),
        json.dumps({"content": "\n[\\n" * 200}).encode(),
        b"[[[[",
    ],
)
def test_json_that_is_flat_passes_whatever_its_texts_say(text):
    check_json(text, LIMITS)


@pytest.mark.parametrize("text", [nested(30), b"[" * 100, b'{"a":"\\\\","b":' + nested(30) + b"}"])
def test_json_that_nests_too_deep_is_too_large(text):
    with pytest.raises(TooLarge):
        check_json(text, LIMITS)


def test_json_of_too_many_values_is_too_large():
    with pytest.raises(TooLarge):
        check_json(b"[" + b"{}," * 40_000 + b"{}]", LIMITS)


def test_the_numbers_of_embeddings_may_be_many():
    numbers = b"[" + b"0.125," * 40_000 + b"0.125]"
    check_json(numbers, LIMITS, numbers=True)
    with pytest.raises(TooLarge):
        check_json(numbers, LIMITS)
