"""Parses requests to the Messages API, as `parsed_request` does those of OpenAI's."""

import msgspec

from relayload.fakerelay.bodies import FlatTool
from relayload.fakerelay.counting import text_tokens
from relayload.fakerelay.message_bodies import (
    ImageBlock,
    MessageBody,
    TextBlock,
    ToolResultBlock,
    ToolUseBlock,
    Turn,
)
from relayload.fakerelay.parsed_request import ParsedRequest, decoded, definition_tokens, exact_output_tokens, kind_of
from relayload.fakerelay.refusals import Reason, Refusal
from relayload.fakerelay.tokens import IMAGE_TOKENS, MESSAGE_TOKENS, REPLY_TOKENS
from relayload.fakerelay.wishes import Wish, wished_calls, wished_json

VERSION_HEADER = b"anthropic-version"
_BODY = msgspec.json.Decoder(MessageBody)


def parse_message(body: bytes, headers: dict[bytes, bytes]) -> ParsedRequest:
    """Read the body of a request for a message. Raises Refusal."""
    if VERSION_HEADER not in headers:
        raise Refusal(Reason.BAD_VALUE, "anthropic-version: header is required")
    request: MessageBody = decoded(_BODY, body)
    thinks = request.thinking is not None and request.thinking.type != "disabled"
    texts, images, input_tokens = _read(request)
    return ParsedRequest(
        model=request.model,
        kind=kind_of(headers, texts[-1] if texts else "", images),
        input_tokens=input_tokens,
        stream=bool(request.stream),
        include_usage=True,
        images=images,
        max_output_tokens=request.max_tokens,
        exact_output_tokens=exact_output_tokens(headers),
        effort=(request.output_config.effort if request.output_config else None) if thinks else "none",
        show_reasoning=thinks and (request.thinking is None or request.thinking.display != "omitted"),
        texts=tuple(texts),
        wish=_wish(request),
        temperature=request.temperature,
    )


def _read(request: MessageBody) -> tuple[list[str], int, int]:
    """Return texts, number of images, and tokens of the whole prompt. Raises Refusal if results match no calls."""
    system = request.system or ()
    texts = [system] if isinstance(system, str) else [block.text for block in system]
    images, tokens = 0, REPLY_TOKENS + MESSAGE_TOKENS * (len(request.messages) + bool(texts))
    calls: set[str] = set()
    for number, turn in enumerate(request.messages):
        for block in _blocks(turn):
            match block:
                case TextBlock():
                    texts.append(block.text)
                case ImageBlock():
                    images += 1
                    tokens += IMAGE_TOKENS["auto"]
                case ToolUseBlock():
                    calls.add(block.id)
                    tokens += text_tokens(block.name) + definition_tokens(block.input)
                case ToolResultBlock():
                    _check_result(block, calls, number)
                    tokens += definition_tokens(block.content or "")
                case _:
                    pass  # earlier thoughts are no input
    tokens += definition_tokens(request.tools) if request.tools else 0
    return texts, images, tokens + sum(map(text_tokens, texts))


def _blocks(turn: Turn) -> list[object]:
    return [TextBlock(text=turn.content)] if isinstance(turn.content, str) else list(turn.content)


def _check_result(block: ToolResultBlock, calls: set[str], number: int) -> None:
    if block.tool_use_id not in calls:
        message = (
            f"messages.{number}.content: unexpected `tool_use_id` found in `tool_result` blocks: {block.tool_use_id}. "
            "Each `tool_result` block must have a corresponding `tool_use` block in the previous message."
        )
        raise Refusal(Reason.BAD_VALUE, message)


def _wish(request: MessageBody) -> Wish | None:
    """Read the form that is wanted of the answer; None for generated words. Raises Refusal."""
    choice, tools = request.tool_choice, request.tools or []
    if choice is not None and not tools:
        raise Refusal(Reason.BAD_VALUE, "tool_choice may only be specified while providing tools.")
    functions = [
        (FlatTool("function", tool.name, tool.description, tool.input_schema, tool.strict), f"tools.{number}")
        for number, tool in enumerate(tools)
    ]
    named = choice is not None and choice.type == "tool"
    wanted = None if choice is None else choice.name if named else {"any": "required"}.get(choice.type, choice.type)
    parallel = choice is not None and choice.disable_parallel_tool_use is False
    calls = wished_calls(functions, wanted, parallel, _after_result(request.messages[-1]), named=named)
    form = request.output_config.format if request.output_config else None
    json = None if form is None else wished_json(form.schema, "output_config.format.schema")
    wish = Wish(calls=calls, json=json, stop=tuple(request.stop_sequences or ()))
    return wish if calls or json or wish.stop else None


def _after_result(turn: Turn) -> bool:
    return any(isinstance(block, ToolResultBlock) for block in _blocks(turn))
