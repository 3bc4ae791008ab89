"""How a question of the audit is asked at an endpoint: its fields, which are in the words of chat completions."""

from collections.abc import Mapping
from typing import Any

from relayload.core.audit.questions import FEATURES, Question, kind_of, questions
from relayload.core.wire.request import Endpoint

Fields = dict[str, Any]


def asked(kinds: tuple[str, ...], seed: int, endpoint: Endpoint) -> tuple[tuple[Question, Fields], ...]:
    """Return the questions of these kinds that can be asked at an endpoint, each with its fields of the body there.

    One about a field that the endpoint does not have is left out; others go without it.
    """
    found = []
    for question in {each.id: each for kind in kinds for each in questions(kind, seed)}.values():
        fields = _fields(question.fields, endpoint)
        if fields is not None or kind_of(question.id) not in FEATURES:
            found.append((question, fields or _sayable(question.fields, endpoint)))
    return tuple(found)


def _fields(fields: Mapping[str, Any], endpoint: Endpoint) -> Fields | None:
    """Return the fields as an endpoint has them; None if it lacks one."""
    said = _sayable(fields, endpoint)
    return said if len(said) == len(fields) else None


def _sayable(fields: Mapping[str, Any], endpoint: Endpoint) -> Fields:
    if endpoint is Endpoint.CHAT:
        return dict(fields)
    write = _of_responses if endpoint is Endpoint.RESPONSES else _of_messages
    written = (write(name, value) for name, value in fields.items())
    return dict(each for each in written if each is not None)


def _of_responses(name: str, value: Any) -> tuple[str, Any] | None:
    match name:
        case "response_format":
            return "text", {"format": {"type": "json_schema", **value["json_schema"]}}
        case "tools":
            return "tools", [{"type": "function", **tool["function"]} for tool in value]
        case "tool_choice":
            return "tool_choice", {"type": "function", "name": value["function"]["name"]}
        case _:
            return None


def _of_messages(name: str, value: Any) -> tuple[str, Any] | None:
    match name:
        case "stop":
            return "stop_sequences", value
        case "tools":
            return "tools", [_anthropic_tool(tool["function"]) for tool in value]
        case "tool_choice":
            return "tool_choice", {"type": "tool", "name": value["function"]["name"]}
        case _:
            return None


def _anthropic_tool(function: Mapping[str, Any]) -> Fields:
    return {
        "name": function["name"],
        "description": function["description"],
        "input_schema": function["parameters"],
    }
