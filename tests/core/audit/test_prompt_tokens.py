"""Prompts are counted as OpenAI documents it; words stand for tokens here."""

from typing import Any

import pytest

from relayload.core.audit.prompt_tokens import prompt_bytes, prompt_tokens, tokens_before_user
from relayload.core.wire.chat import chat_content, chat_request
from relayload.core.wire.messages import messages_request
from relayload.core.wire.responses import responses_request

USER = {"role": "user", "content": "one two three"}
SYSTEM = {"role": "system", "content": "be brief"}


def _words(text: str) -> int:
    return len(text.split())


def test_a_message_takes_four_tokens_more_and_the_answer_three():
    assert prompt_tokens(chat_request("m", [USER]), _words) == 3 + 4 + 3
    assert prompt_tokens(chat_request("m", [SYSTEM, USER]), _words) == 3 + (4 + 2) + (4 + 3)


def test_a_name_takes_one_more():
    assert prompt_tokens(chat_request("m", [{**USER, "name": "anna"}]), _words) == 10 + 1 + 1


def test_other_endpoints_say_the_same_otherwise():
    assert prompt_tokens(responses_request("m", "one two three"), _words) == 10
    assert prompt_tokens(responses_request("m", [USER], extra={"instructions": "be brief"}), _words) == 16
    assert prompt_tokens(messages_request("m", [SYSTEM, USER], max_output_tokens=5), _words) == 16


def test_parts_of_text_are_counted():
    parts = {"role": "user", "content": [{"type": "text", "text": "one two"}, {"type": "text", "text": "three"}]}
    assert prompt_tokens(chat_request("m", [parts]), _words) == 10


@pytest.mark.parametrize(
    ("message", "extra"),
    [
        ({"role": "user", "content": chat_content("look", ["data:image/png;base64,AA"])}, {}),
        ({"role": "user", "content": [{"type": "input_audio", "input_audio": {}}]}, {}),
        ({"role": "assistant", "content": None, "tool_calls": [{"id": "c"}]}, {}),
        ({"role": "user", "content": 7}, {}),
        (USER, {"tools": [{"type": "function"}]}),
        (USER, {"response_format": {"type": "json_object"}}),
        (USER, {"prompt": {"id": "stored"}}),
    ],
)
def test_what_nobody_can_count_is_not_counted(message: dict[str, Any], extra: dict[str, Any]):
    assert prompt_tokens(chat_request("m", [message], extra=extra), _words) is None


def test_empty_fields_add_nothing():
    request = chat_request("m", [{**USER, "tool_calls": []}], extra={"tools": []})
    assert prompt_tokens(request, _words) == 10


def test_what_comes_before_the_user_is_told_apart():
    assert tokens_before_user(chat_request("m", [SYSTEM, USER, SYSTEM]), _words) == 4 + 2
    assert tokens_before_user(chat_request("m", [USER]), _words) == 0


def test_the_texts_to_count_have_a_size():
    assert prompt_bytes(chat_request("m", [SYSTEM, USER])) == len("be brief") + len("one two three")
