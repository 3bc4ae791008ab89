import pytest
from hypothesis import given
from hypothesis import strategies as st

from relayload.core.errors import AuthorError
from relayload.document import load_extended, parse
from relayload.document.shape import Shape
from relayload.profile.model import Profile

COLUMNS = "the indentation fits none above it: the keys of one mapping begin in the same column"
AMONG_ITEMS = "a key among the items of a list: write '- ' before it, or indent it like the key it belongs beside"


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ("a:\n\tb: 1", "2:1", "a tab: indent with spaces"),
        ("a: %x", "1:4", "text that begins with '%' needs quotes"),
        ("a: @x", "1:4", "text that begins with '@' needs quotes"),
        ("a: *", "1:4", "text that begins with '*' needs quotes"),
        ("a: >= 5", "1:4", "text that begins with '>' needs quotes"),
        ("a: b: c", "1:5", "a second ': ' in one line: put text with a colon in quotes"),
        ("load:\n  kind:open\n  stages: 1", "2:7", "a colon needs a space after it: 'kind: open'"),
        ("load:\n  kind: open\n  a:b\n\n  # c\n  d: 1", "3:4", "a colon needs a space after it: 'a: b'"),
        ("a: 1\nkind:open\nb: 2", "2:5", "a colon needs a space after it: 'kind: open'"),
        ("load:\n  kind open\n  stages: 1", "2:3", "a key needs a colon and a space after it"),
        ("a: 1\nkind\nb: 2", "2:1", "a key needs a colon and a space after it"),
        ("a:\n  -ttft\n  -x: 2", "3:3", "a dash needs a space after it"),
        ("a: 1\nb: 'x\nc: 2\n", "2:4", "the quote that begins here is not closed"),
        ("a: 'x\nb: 'y'\n", "1:4", "the quote that begins here is closed in line 2 alone: is one missing?"),
        (
            "a: 'it's'",
            "1:8",
            "text after a closing quote: put all of it in quotes; within single quotes, a quote is doubled",
        ),
        (
            'a: "b\\d"',
            "1:7",
            "a backslash in double quotes begins an escape: write it twice, or use single quotes",
        ),
        ("a: *b", "1:4", "no anchor '&b' comes before this"),
        ("a: &x 1\nb: &x 2", "2:4", "the anchor '&x' is there already, in line 1: choose another name"),
        ("a: [1, 2\nb: 3", "1:4", "the '[' that begins here is not closed: write ']'"),
        ("a: {b: 1, c: 2\nd: 3", "1:4", "the '{' that begins here is not closed: write '}'"),
        ("a: {b: [1, 2}", "1:8", "the '[' that begins here is not closed: write ']'"),
        ("a: {b: '{', # {\n", "1:4", "the '{' that begins here is not closed: write '}'"),
        (
            "a: [\n  {b: 1}\n  {c: 2}\n]",
            "3:3",
            "a comma is missing before this, or the ']' that closes the list or mapping",
        ),
        ("a: [1,,2]", "1:7", "there is nothing before this ','"),
        ("a: }", "1:4", "this '}' closes nothing: text that begins with it needs quotes"),
        ("- a\nb: 1", "2:1", AMONG_ITEMS),
        ("a:\n  - 1\n  b: 2", "3:3", AMONG_ITEMS),
        ("a:\n  b: 1\n c: 2", "3:2", COLUMNS),
        (
            "a:\n - x\n  - y: 2\n - z: 3",
            "3:3",
            "the indentation fits none above it: the dashes of one list stand in the same column",
        ),
        (
            " a: 1\nb: 2",
            "2:1",
            "begins further left than the first key: the keys of one mapping begin in the same column",
        ),
        ("{a: 1}\nb: 2", "2:1", "nothing may come after what is complete above it"),
        (
            "a:\n  - {x: 1}\n - {y: 2}",
            "3:2",
            "the indentation fits none above it: the dashes of one list stand in the same column",
        ),
        ("a:\n  b: 1\n  - c", "3:3", "a list item among keys: a list stands below its own key"),
        ("a: 1\n---\nb: 2", "2:1", "'---' begins another document: a file holds one"),
        ("a: - 1", "1:4", "a list begins on a line of its own, below its key"),
    ],
)
def test_what_is_no_yaml_is_told_in_plain_words_where_the_cause_is(text: str, place: str, message: str):
    with pytest.raises(AuthorError) as caught:
        parse(text, "f.yaml")
    assert str(caught.value) == f"f.yaml:{place}: not valid YAML: {message}"


@given(st.text(alphabet="ab:-[]{}'\"&*!|>%@, \n\t#", max_size=60))
def test_nothing_of_the_parsers_grammar_is_left(text: str):
    told = ""
    try:
        parse(text, "f.yaml")
    except AuthorError as error:
        told = str(error)
    assert "<block" not in told
    assert "<stream" not in told


def test_nothing_is_repeated_of_a_base_that_is_no_yaml(tmp_path):
    (tmp_path / "base.yaml").write_text("root:x:0\nsecret:word\na: 1\n")
    (tmp_path / "p.yaml").write_text("extends: base.yaml\n")
    with pytest.raises(AuthorError) as caught:
        load_extended(tmp_path / "p.yaml", Shape(Profile), str)
    assert "word" not in str(caught.value)
    assert "a colon needs a space after it: '…'" in str(caught.value)
