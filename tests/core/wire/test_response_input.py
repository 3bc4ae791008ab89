import pytest

from relayload.core.wire.response_input import response_input

CALL = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"x": 1}'}}


@pytest.mark.parametrize(
    ("message", "items"),
    [
        ({"role": "system", "content": "Be brief."}, [{"role": "system", "content": "Be brief."}]),
        ({"role": "user", "content": "Hi", "name": "ann"}, [{"role": "user", "content": "Hi"}]),
        (
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "What?"},
                    {"type": "image_url", "image_url": {"url": "https://a/b.png", "detail": "low"}},
                    {"type": "image_url", "image_url": "https://a/c.png"},
                    {"type": "file", "file": {"file_id": "f1"}},
                    {"type": "input_audio", "input_audio": {"format": "wav"}},
                ],
            },
            [
                {
                    "role": "user",
                    "content": [
                        {"type": "input_text", "text": "What?"},
                        {"type": "input_image", "image_url": "https://a/b.png", "detail": "low"},
                        {"type": "input_image", "image_url": "https://a/c.png"},
                        {"type": "input_file", "file_id": "f1"},
                        {"type": "input_audio", "input_audio": {"format": "wav"}},
                    ],
                }
            ],
        ),
        (
            {"role": "assistant", "content": [{"type": "text", "text": "That."}]},
            [{"role": "assistant", "content": [{"type": "output_text", "text": "That."}]}],
        ),
        (
            {"role": "assistant", "content": "Wait.", "tool_calls": [CALL]},
            [
                {"role": "assistant", "content": "Wait."},
                {"type": "function_call", "call_id": "c1", "name": "f", "arguments": '{"x": 1}'},
            ],
        ),
        (
            {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": "{}"}},
            [{"type": "function_call", "call_id": "f", "name": "f", "arguments": "{}"}],
        ),
        (
            {"role": "tool", "tool_call_id": "c1", "content": [{"type": "text", "text": "42"}]},
            [{"type": "function_call_output", "call_id": "c1", "output": "42"}],
        ),
        (
            {"role": "function", "name": "f", "content": None},
            [{"type": "function_call_output", "call_id": "f", "output": ""}],
        ),
    ],
)
def test_a_message_becomes_items_of_the_input(message, items):
    assert response_input([message]) == items
