import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relayload.core.printable import one_line
from relayload.recording.cleaning import check_numbers, cleaned


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("plain", "plain"),
        ("\x1b[2J", "\\x1b[2J"),
        ("a\r\n::error::pwn\t", "a  ::error::pwn "),
        ("\x9b2J\x7f\u202e", "\\x9b2J\\x7f\\u202e"),
        ("C:\\u001b, and \\n", "C:\\u001b, and \\n"),
        ('"quoted" \\', '"quoted" \\'),
        ("naïve 中文 😀 \u200d", "naïve 中文 😀 \u200d"),
    ],
)
@pytest.mark.parametrize("ascii_only", [True, False])
def test_texts_are_read_without_what_acts_in_them(text, read, ascii_only):
    written = json.dumps({text: [text]}, ensure_ascii=ascii_only, indent=1).encode()
    assert json.loads(cleaned(written)) == {read: [read]}


@given(st.text(st.characters(codec="utf-8")))
def test_a_text_is_cleaned_as_it_is_told(text):
    assert msgspec.json.decode(cleaned(msgspec.json.encode(text))) == one_line(text)


def test_what_is_no_json_stays_so():
    assert cleaned(b'{"a": "\\u00') == b'{"a": "\\u00'


def test_what_needs_it_not_is_left_as_it_is():
    line = b'{"line":"request","index":1}\n' * 3
    assert cleaned(line) is line


@pytest.mark.parametrize("number", ["1e300", "-1e300", "1" * 400, "9223372036854775808"])
def test_a_number_that_nothing_can_be_added_to_is_refused(number):
    check_numbers(b'{"a": [1, {"b": 4611686018427387904}], "c": true}')
    with pytest.raises(ValueError, match=r"too large|out of range"):
        check_numbers(f'{{"a": [1, {{"b": {number}}}]}}'.encode())
