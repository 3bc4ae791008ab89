import json

import pytest

from relayload.fakerelay.shapes.pieces import pieces
from relayload.fakerelay.shapes.sample import OpenString
from relayload.fakerelay.tokens import made_up

TWO = {"a": OpenString(1), "b": [OpenString(2, least_length=30), 1], "c": {}}


def test_json_comes_in_pieces_of_keys_values_and_words():
    made = pieces({"a": OpenString(1), "b": [1, None]}, 11, iter([" one", ' "2"', " drei"]))
    assert made == ('{"a":', '"one', ' \\"2\\"', ' drei"', ',"b":', "[", "1", ",", "null", "]", "}")


@pytest.mark.parametrize("count", [14, 15, 40])
def test_open_strings_share_the_words(count):
    made = pieces({"a": OpenString(1), "b": OpenString(2)}, count, made_up(3))
    assert len(made) == count
    value = json.loads("".join(made))
    first, second = (len(value[name].split()) for name in "ab")
    assert first - second in (0, 1)


def test_a_string_is_at_least_as_long_as_it_must_be():
    value = json.loads("".join(pieces(TWO, 1, made_up(3))))
    assert len(value["a"].split()) == 1
    assert len(value["b"][0]) >= 30
    assert value["c"] == {}
