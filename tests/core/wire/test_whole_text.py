import pytest
from hypothesis import given
from hypothesis import strategies as st

from relayload.core.wire.whole_text import WholeText, whole


@pytest.mark.parametrize(
    ("text", "made"),
    [("a", "a"), ("\ud83d\ude00", "\U0001f600"), ("a\ud83d", "a\ufffd"), ("\udcf0\udc9f\udc98\udc80", "\U0001f600"),
     ("\udcff", "\ufffd"), ("\ude00\ud83d", "\ufffd\ufffd"), ("\ud83d\udcf0", "\U0001f4f0")],
)  # fmt: skip
def test_a_text_of_its_own_is_made_whole(text, made):
    assert whole(text) == made


def test_a_character_that_has_begun_waits_for_its_rest():
    text = WholeText()
    assert (text.add("a\ud83d"), text.unfinished) == ("a", "\ud83d")
    assert (text.add("\ude00b"), text.unfinished) == ("\U0001f600b", "")
    assert (text.end(), text.replaced) == ("", 0)


@given(st.lists(st.text(st.characters(), max_size=6), max_size=6))
def test_whatever_comes_the_text_can_be_encoded(pieces):
    text = WholeText()
    made = "".join(map(text.add, pieces)) + text.end()
    assert made.encode().decode() == made
