import pytest

from relayload.core.audit.asking import asked
from relayload.core.audit.questions import kind_of
from relayload.core.wire.request import Endpoint


def _kinds(kinds: tuple[str, ...], endpoint: Endpoint) -> list[str]:
    return list(dict.fromkeys(kind_of(question.id) for question, _ in asked(kinds, 1, endpoint)))


def test_a_chat_is_asked_everything():
    assert _kinds(("open", "checked"), Endpoint.CHAT) == ["open", "sums", "json", "needle"]
    assert len(_kinds(("features",), Endpoint.CHAT)) == 6


def test_what_an_endpoint_can_not_be_asked_is_left_out():
    assert _kinds(("features",), Endpoint.RESPONSES) == ["context", "max_tokens", "tools"]
    assert _kinds(("features",), Endpoint.MESSAGES) == ["context", "max_tokens", "stop", "tools"]
    assert asked(("seed",), 0, Endpoint.MESSAGES) == ()


def test_a_kind_that_is_named_twice_is_asked_once():
    assert len(asked(("sums", "checked"), 0, Endpoint.CHAT)) == len(asked(("checked",), 0, Endpoint.CHAT))


@pytest.mark.parametrize(
    ("kind", "endpoint", "names"),
    [
        ("json", Endpoint.CHAT, {"response_format"}),
        ("json", Endpoint.RESPONSES, {"text"}),
        ("json", Endpoint.MESSAGES, set()),
        ("tools", Endpoint.RESPONSES, {"tools", "tool_choice"}),
        ("stop", Endpoint.MESSAGES, {"stop_sequences"}),
    ],
)
def test_fields_are_in_the_words_of_the_endpoint(kind, endpoint, names):
    assert all(set(fields) == names for _, fields in asked((kind,), 0, endpoint))


def test_tools_are_described_as_each_endpoint_has_them():
    ((_, ours),) = asked(("tools",), 0, Endpoint.RESPONSES)
    assert ours["tools"][0]["name"] == "weather"
    assert ours["tool_choice"] == {"type": "function", "name": "weather"}
    ((_, theirs),) = asked(("tools",), 0, Endpoint.MESSAGES)
    assert theirs["tools"][0]["input_schema"]["type"] == "object"
    assert theirs["tool_choice"] == {"type": "tool", "name": "weather"}
