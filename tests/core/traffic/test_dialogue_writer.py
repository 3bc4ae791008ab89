import re

import pytest

from relayload.core.traffic.dialogue_writer import DialogueWriter
from relayload.core.traffic.dialogues import format_tokens
from relayload.core.traffic.draws import Draws
from relayload.core.traffic.prompts import Wording
from relayload.core.traffic.prose import Prose

TALK = (
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "Hello there"},
    {"role": "assistant", "content": "Hi"},
    {"role": "user", "content": "Why?"},
)


def writer(wording: Wording) -> DialogueWriter:
    return DialogueWriter(wording, tokens_of, Prose("p"))


def tokens_of(text: str) -> int:
    """As made-up text has them: words and full stops."""
    return len(re.findall(r"\w+|[.]", text))


def test_a_conversation_is_said_as_it_is():
    assert writer(Wording(nonce=False)).write(TALK, None, Draws(1, 2)) == list(TALK)


def test_a_number_stands_before_what_the_user_says_first():
    said = writer(Wording()).write(TALK, None, Draws(1, 2))
    number, text = said[1]["content"].split("\n\n")
    assert (number[:8], len(number), text) == ("Request ", 18, "Hello there")
    assert [said[0], *said[2:]] == [TALK[0], *TALK[2:]]
    assert said == writer(Wording()).write(TALK, None, Draws(1, 2))
    assert said != writer(Wording()).write(TALK, None, Draws(1, 3))


def test_what_the_user_says_last_is_filled_up_to_the_tokens():
    said = writer(Wording(nonce=False)).write(TALK, 100, Draws(1, 2))
    assert said[:3] == list(TALK[:3])
    assert said[3]["content"].startswith("Why?\n\n")
    assert sum(tokens_of(message["content"]) for message in said) == 100 - format_tokens(4)


def test_what_is_in_common_stands_before_all():
    one, two = (writer(Wording(shared_prefix=0.3)).write(TALK, 100, Draws(1, index)) for index in (1, 2))
    common = one[1]["content"].partition("Request")[0]
    assert tokens_of(common) == 30
    assert two[1]["content"].startswith(common)
    assert one[3] != two[3]


@pytest.mark.parametrize("tokens", [1, 20, 26])
def test_a_conversation_longer_than_the_tokens_stays_whole(tokens):
    assert writer(Wording(nonce=False)).write(TALK, tokens, Draws(1, 2)) == list(TALK)
