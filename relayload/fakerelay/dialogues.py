"""Checks that calls and answers in a conversation match, and counts the tokens of calls."""

from collections.abc import Sequence

from relayload.fakerelay.bodies import AnyMessage, AssistantMessage, InputItem, ToolMessage
from relayload.fakerelay.counting import text_tokens
from relayload.fakerelay.refusals import Reason, Refusal

_NEEDED = {
    "message": ("role", "content"),
    "function_call": ("call_id", "name", "arguments"),
    "function_call_output": ("call_id", "output"),
    "reasoning": (),
}


def check_calls(messages: Sequence[AnyMessage]) -> int:
    """Return the tokens of all calls of a chat. Raises Refusal for a call without answer, or an answer without call."""
    tokens = 0
    waiting: list[str] = []
    for index, message in enumerate(messages):
        if isinstance(message, ToolMessage):
            if message.tool_call_id not in waiting:
                wanted = "must be a response to a preceding message with 'tool_calls'"
                raise _refused(f"Invalid parameter: messages with role 'tool' {wanted}.", f"messages[{index}].role")
            waiting.remove(message.tool_call_id)
            continue
        _check_answered(waiting, index)
        if isinstance(message, AssistantMessage):
            calls = message.tool_calls or ()
            if message.content is None and not (calls or message.function_call or message.refusal):
                raise _refused(
                    "Invalid value for 'content': expected a string, got null.", f"messages[{index}].content"
                )
            waiting = [call.id for call in calls]
            tokens += sum(text_tokens(call.function.name + call.function.arguments) for call in calls)
    _check_answered(waiting, len(messages))
    return tokens


def _check_answered(waiting: list[str], index: int) -> None:
    if waiting:
        message = (
            "An assistant message with 'tool_calls' must be followed by tool messages responding to each "
            f"'tool_call_id'. The following tool_call_ids did not have response messages: {', '.join(waiting)}."
        )
        raise _refused(message, f"messages[{index}].role")


def check_items(items: Sequence[InputItem]) -> int:
    """Return the tokens of all calls and their outputs in an input. Raises Refusal."""
    tokens = 0
    calls: set[str | None] = set()
    for index, item in enumerate(items):
        for name in _NEEDED[item.type]:
            if getattr(item, name) is None:
                place = f"input[{index}].{name}"
                message = f"Missing required parameter: '{place}'."
                raise Refusal(Reason.BAD_VALUE, message, param=place, code="missing_required_parameter")
        if item.type == "function_call":
            calls.add(item.call_id)
            tokens += text_tokens(f"{item.name}{item.arguments}")
        elif item.type == "function_call_output":
            if item.call_id not in calls:
                message = f"No tool call found for function call output with call_id {item.call_id}."
                raise _refused(message, "input")
            output = item.output if isinstance(item.output, str) else "".join(p.text for p in item.output or ())
            tokens += text_tokens(output)
    return tokens


def _refused(message: str, param: str) -> Refusal:
    return Refusal(Reason.BAD_VALUE, message, param=param)
