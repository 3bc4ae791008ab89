import pytest

from relayload.core.traffic.dialogues import Dialogue
from relayload.profile.dialogue_rows import row

SYSTEM = {"role": "system", "content": "Be brief."}
PICTURE = {"type": "image_url", "image_url": {"url": "https://a/b.png"}}
CALL = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}


def user(content: object, role: str = "user") -> dict[str, object]:
    return {"role": role, "content": content}


def shared(*said: tuple[str, object]) -> list[dict[str, object]]:
    return [{"from": who, "value": what} for who, what in said]


ABC = [user("a"), user("b", "assistant"), user("c")]


@pytest.mark.parametrize(
    ("value", "messages"),
    [
        ({"id": "a", "conversations": shared(("human", "Hi"), ("gpt", "Hello"))}, [user("Hi")]),
        (
            {"conversations": shared(("system", "Be brief."), ("user", "a"), ("chatgpt", "b"), ("human", "c"))},
            [SYSTEM, user("a"), user("b", "assistant"), user("c")],
        ),
        ({"conversations": shared(("human", "a"), ("gpt", ""), ("gpt", "b"), ("gpt", "c"))}, [user("a")]),
        ({"conversations": [user("a", "USER"), user("b", "ASSISTANT"), user("c", "User")]}, ABC),
        ({"conversations": shared(("Human", "a"), ("Claude", "b"), ("human ", "c"))}, ABC),
        ({"messages": [SYSTEM, user("Hi"), user("Hello", "assistant")]}, [SYSTEM, user("Hi")]),
        ({"messages": [user("Hello!", "assistant"), user("Hi")]}, [user("Hello!", "assistant"), user("Hi")]),
        ({"conversation": [user("Hi")], "prompt": "Not this"}, [user("Hi")]),
        ({"conversations": [user("Hi")]}, [user("Hi")]),
        ({"prompt": [user("Hi")]}, [user("Hi")]),
        ([user("Hi")], [user("Hi")]),
        ({"custom_id": "1", "url": "/v1/chat/completions", "body": {"messages": [user("Hi")]}}, [user("Hi")]),
        ({"messages": [user("Hi") | {"language": "en", "name": "ann"}]}, [user("Hi") | {"name": "ann"}]),
        (
            {"messages": [user([{"type": "text", "text": "a"}, PICTURE])]},
            [user([{"type": "text", "text": "a"}, PICTURE])],
        ),
        (
            {"messages": [user("a"), user(None, "assistant") | {"tool_calls": [CALL]}, user("", "tool")]},
            [user("a"), user(None, "assistant") | {"tool_calls": [CALL]}, user("", "tool")],
        ),
        ({"messages": [user("\ud83d\ude00 \ud83d!")]}, [user("😀 �!")]),
    ],
)
def test_a_row_is_a_conversation_up_to_what_is_to_be_answered(value, messages):
    assert row(value, None, None) == Dialogue(tuple(messages))


@pytest.mark.parametrize(
    "value",
    [
        {"conversations": []},
        {"messages": []},
        {"conversations": shared(("gpt", "and so on"), ("human", "Thanks"))},
        {"conversations": shared(("human", " "), ("gpt", "Yes?"))},
        {"messages": [SYSTEM]},
    ],
)
def test_a_row_in_which_nobody_asks_is_left_out(value):
    assert row(value, None, None) is None


@pytest.mark.parametrize(
    ("value", "field", "form", "text"),
    [
        ({"prompt": " Hi "}, None, None, "Hi"),
        ("Hi", None, None, "Hi"),
        ({"prompt": "Hi", "question": "Why?"}, "question", None, "Why?"),
        ({"prompt": "Hi", "messages": [user("Why?")]}, None, "lines", "Hi"),
        ({"prompt": "Hi", "messages": [user("Why?")]}, "prompt", None, "Hi"),
    ],
)
def test_a_row_may_be_a_text(value, field, form, text):
    assert row(value, field, form) == text


def test_a_text_among_messages_is_what_a_user_says():
    assert row({"prompt": "Hi"}, None, "messages") == Dialogue((user("Hi"),))


ANY = "'prompt', 'messages' or 'conversations'"


@pytest.mark.parametrize(
    ("value", "field", "form", "told"),
    [
        ({"text": "Hi", "id": 1}, None, None, f"expected a text or a conversation under {ANY}: found 'text, id'"),
        ({"prompt": " "}, None, None, f"expected a text or a conversation under {ANY}: found 'prompt'"),
        ({}, None, None, f"expected a text or a conversation under {ANY}: found 'nothing'"),
        (5, None, None, f"expected a JSON object with a text or a conversation under {ANY}, got '5'"),
        ({"prompt": "Hi"}, "ask", None, "expected a text or a conversation under 'ask'"),
        ({"messages": [user("Hi")]}, None, "lines", "expected a text under 'prompt': found 'messages'"),
        ({"prompt": "Hi"}, None, "sharegpt", "expected a conversation under 'conversations': found 'prompt'"),
        (
            {"messages": [user("Hi")]},
            None,
            "sharegpt",
            "expected a conversation under 'conversations': found 'messages'",
        ),
        ({"messages": ["Hi"]}, None, None, "expected messages such as {role, content} or {from, value}, got 'Hi'"),
        (
            {"messages": [user("Hi", "ann")]},
            None,
            None,
            "expected a role such as user or assistant (human or gpt), got 'ann'",
        ),
        (
            {"messages": [{"role": "user", "text": "Hi"}]},
            None,
            None,
            "expected content or value as what a message says: found 'role, text'",
        ),
        ({"messages": [user(5)]}, None, None, "expected a text or a list of parts as what a message says, got '5'"),
        (
            {"messages": [user(["a"])]},
            None,
            None,
            "expected a text or a list of parts as what a message says, got a list",
        ),
        (
            {"messages": [user([{"type": "text", "text": 5}])]},
            None,
            None,
            "expected a text or a list of parts as what a message says, got a list",
        ),
        (
            {"messages": [user("a") | {"tool_calls": ["f"]}]},
            None,
            None,
            "expected tool_calls as chat completions have them",
        ),
        (
            {"messages": [user("a") | {"function_call": "f"}]},
            None,
            None,
            "expected a function_call as chat completions have it",
        ),
    ],
)
def test_what_is_wrong_with_a_row_is_told(value, field, form, told):
    with pytest.raises(ValueError, match="expected") as caught:
        row(value, field, form)
    assert str(caught.value) == told


def test_parts_that_are_nested_too_deeply_to_be_sent_are_refused():
    deep: object = 1
    for _ in range(200):
        deep = [deep]
    with pytest.raises(ValueError, match="is nested too deeply"):
        row({"messages": [user([{"type": "file", "file": deep}])]}, None, None)
