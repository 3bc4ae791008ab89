import pytest

from relayload.core.traffic.dialogues import Dialogue, appended, format_tokens, prepended, text_of, users, with_parts
from relayload.core.traffic.prompts import CHAT_TOKENS

SYSTEM = {"role": "system", "content": "Be brief."}
PICTURE = {"type": "image_url", "image_url": {"url": "https://a/b.png"}}


def user(content: object) -> dict[str, object]:
    return {"role": "user", "content": content}


def assistant(content: object) -> dict[str, object]:
    return {"role": "assistant", "content": content}


@pytest.mark.parametrize(
    ("messages", "turns"),
    [
        ((user("a"),), [(user("a"),)]),
        ((SYSTEM, user("a"), assistant("b"), user("c")), [(SYSTEM, user("a")), (user("c"),)]),
        ((user("a"), user("b"), assistant("c"), SYSTEM, user("d")), [(user("a"), user("b")), (SYSTEM, user("d"))]),
        ((assistant("Hello!"), user("a")), [(user("a"),)]),
        ((SYSTEM, assistant("Hello!"), user("a")), [(SYSTEM, user("a"))]),
        ((user("a"), assistant(None), {"role": "tool", "content": "42"}), [(user("a"),)]),
        ((user("a"), assistant("b"), assistant("c"), user("d"), SYSTEM), [(user("a"),), (user("d"), SYSTEM)]),
    ],
)
def test_a_turn_is_what_is_said_before_an_answer(messages, turns):
    assert Dialogue(messages).turns == turns


def test_all_that_a_user_asks_is_one_text():
    parts = [{"type": "text", "text": "c"}, PICTURE, {"type": "text", "text": "d"}]
    assert Dialogue((SYSTEM, user("a"), assistant("b"), user(parts))).asked == "a\n\nc\n\nd"


def test_one_message_has_the_chat_format_of_a_prompt():
    assert format_tokens(1) == CHAT_TOKENS
    assert format_tokens(3) == 15


def test_the_messages_of_the_user_have_places():
    assert users([SYSTEM, user("a"), assistant("b"), user("c"), SYSTEM]) == (1, 3)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("a", "1. a"),
        ([PICTURE, {"type": "text", "text": "a"}], [PICTURE, {"type": "text", "text": "1. a"}]),
        ([PICTURE], [{"type": "text", "text": "1."}, PICTURE]),
    ],
)
def test_a_message_begins_with_a_text(content, expected):
    before = user(content)
    assert prepended(before, "1. ") == user(expected)
    assert before == user(content)


def test_a_message_ends_with_a_text_or_with_parts():
    assert appended(user("a"), "b") == user("a\n\nb")
    assert appended(user([PICTURE]), "b") == user([PICTURE, {"type": "text", "text": "b"}])
    assert with_parts(user("a"), PICTURE) == user([{"type": "text", "text": "a"}, PICTURE])
    assert with_parts(user([PICTURE]), PICTURE) == user([PICTURE, PICTURE])


def test_a_message_without_a_word_has_an_empty_text():
    assert text_of(assistant(None)) == ""
