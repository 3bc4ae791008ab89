from typing import Any

import pytest

from relayload.core.wire.message_input import message_input


def turns(*messages: dict[str, Any]) -> Any:
    return message_input(messages)[1]


def test_instructions_become_the_system_prompt() -> None:
    user: dict[str, Any] = {"role": "user", "content": "hi"}
    assert message_input([{"role": "developer", "content": "be brief"}, user]) == ("be brief", [user])
    both: list[dict[str, Any]] = [
        {"role": "system", "content": "a"},
        {"role": "system", "content": [{"type": "text", "text": "b"}]},
        user,
    ]
    assert message_input(both)[0] == [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]


@pytest.mark.parametrize(
    ("url", "source"),
    [
        ("data:image/png;base64,AAAA", {"type": "base64", "media_type": "image/png", "data": "AAAA"}),
        ("https://x.example/a.png", {"type": "url", "url": "https://x.example/a.png"}),
    ],
)
def test_an_image_keeps_its_data_or_its_url(url: str, source: dict[str, str]) -> None:
    parts = [{"type": "text", "text": "see"}, {"type": "image_url", "image_url": {"url": url, "detail": "low"}}]
    assert turns({"role": "user", "content": parts})[0]["content"] == [
        {"type": "text", "text": "see"},
        {"type": "image", "source": source},
    ]


def test_calls_and_their_results_become_blocks() -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}
    other = {"id": "c2", "type": "function", "function": {"name": "g", "arguments": "no JSON"}}
    found = turns(
        {"role": "assistant", "content": "wait", "tool_calls": [call, other]},
        {"role": "tool", "tool_call_id": "c1", "content": "one"},
        {"role": "tool", "tool_call_id": "c2", "content": "two"},
    )
    assert found == [
        {
            "role": "assistant",
            "content": [
                {"type": "text", "text": "wait"},
                {"type": "tool_use", "id": "c1", "name": "f", "input": {"a": 1}},
                {"type": "tool_use", "id": "c2", "name": "g", "input": {}},
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "c1", "content": "one"},
                {"type": "tool_result", "tool_use_id": "c2", "content": "two"},
            ],
        },
    ]


def test_what_is_in_the_format_already_stays() -> None:
    blocks = [{"type": "tool_result", "tool_use_id": "c1", "content": "one"}]
    messages: list[dict[str, Any]] = [{"role": "user", "content": "hi"}, {"role": "user", "content": blocks}]
    assert message_input(messages) == (None, messages)
