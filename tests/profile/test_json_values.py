import json
from io import StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relayload.profile.json_values import NoJson, value_of, values

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


class Slowly(StringIO):
    """Gives a few characters at a time, however many are asked for."""

    def read(self, size: int | None = -1) -> str:
        return super().read(3)


@given(st.lists(st.dictionaries(st.text(), JSON, max_size=3)), st.sampled_from([None, 1]))
def test_an_array_and_lines_give_the_same_values_however_they_are_read(rows, indent):
    array = json.dumps(rows, indent=indent)
    lines = "\n".join(json.dumps(row, indent=indent) for row in rows)
    for text in (array, lines):
        assert list(values(StringIO(text))) == list(values(Slowly(text))) == rows


def test_no_more_is_read_than_taken():
    file = StringIO("[" + '{"a": 1}, ' * 1_000_000)
    found = values(file)
    assert [next(found), next(found)] == [{"a": 1}] * 2
    assert file.tell() < 2_000_000


@pytest.mark.parametrize("text", ["", " \n", "[]", " [ ] "])
def test_there_may_be_none(text):
    assert list(values(StringIO(text))) == []


BROKEN = {
    '[{"a": 1}': "expected it, or ']' as the end of the array",
    '[{"a": 1},': "expected it before the end of the file",
    '[{"a": 1} {"a": 2}]': "expected a comma before it",
    '[{"a": 1}, {"a": ': "expected a JSON object: the file ends in the midst of it",
    '[{"a": 1}, {"a" 2}                        ]': "expected a JSON object: Expecting ':' delimiter",
    "not json": "expected a JSON object: Expecting value",
    '["a", ]': "expected a JSON object: Expecting value",
    '[["a"]] [["b"]]': "expected nothing behind the ']' of the array: write one array, or rows without one",
    '{"a": NaN}': "holds NaN, which is no JSON",
    '{"a": -Infinity}': "holds -Infinity, which is no JSON",
    "[" * 100_000: "is nested too deeply",
    f'[{{"a": {"9" * 5000}}}]': "holds a number that is too long",
}


@pytest.mark.parametrize(("text", "told"), BROKEN.items(), ids=range(len(BROKEN)))
def test_what_is_wrong_with_a_value_is_told(text, told):
    with pytest.raises(NoJson) as caught:
        list(values(StringIO(text)))
    assert str(caught.value) == told


def test_a_value_without_end_is_not_read_to_the_end_of_the_file():
    file = StringIO('["' + "x" * 20_000_000)
    with pytest.raises(NoJson, match="is longer than 1,000,000 characters"):
        list(values(file, longest=1_000_000))
    assert file.tell() < 5_000_000


def test_a_line_holds_one_value():
    assert value_of(' {"a": [1]}\r\n') == {"a": [1]}
    with pytest.raises(NoJson, match="expected one JSON object, and there is more"):
        value_of('{"a": 1} {"a": 2}')
