"""Reads the form that a request wants of its answer: function calls, JSON, stop sequences, logprobs."""

from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

import msgspec

from relayload.core.wire.schema_keywords import Unfit
from relayload.fakerelay.bodies import (
    ChatBody,
    CompletionBody,
    FlatSchemaFormat,
    FlatTool,
    FlatToolChoice,
    Function,
    FunctionMessage,
    JsonFormat,
    NamedSchema,
    ResponseBody,
    SchemaFormat,
    Stop,
    TextFormat,
    ToolChoice,
    ToolMessage,
)
from relayload.fakerelay.refusals import Reason, Refusal
from relayload.fakerelay.shapes.sample import sample
from relayload.fakerelay.shapes.strict import check_strict

_ANY_OBJECT = {"type": "object", "properties": {"answer": {"type": "string"}}, "required": ["answer"]}
"""The schema of a JSON answer if the request has none."""
_NO_ARGUMENTS = {"type": "object", "properties": {}}
_form_fields = attrgetter(
    *("tools", "tool_choice", "parallel_tool_calls", "response_format", "stop"),
    *("logprobs", "top_logprobs", "min_tokens", "ignore_eos"),
)
"""The fields of a chat that change the form of the answer. Most chats have none, which is checked first."""
_NO_FORM_FIELDS = (None,) * 9
_PARALLEL_CALLS = 2
"""The number of calls with `parallel_tool_calls: true`, if there are enough functions."""


@dataclass(frozen=True, slots=True)
class CallWish:
    """One function call."""

    name: str
    arguments: Any
    """The arguments, with open strings."""


@dataclass(frozen=True, slots=True)
class JsonWish:
    """An answer in JSON."""

    value: Any
    """The value, with open strings."""


@dataclass(frozen=True, slots=True)
class Wish:
    """The form of an answer that is not just generated words."""

    calls: tuple[CallWish, ...] = ()
    names_call: bool = False
    """Whether the request names the function to call."""
    json: JsonWish | None = None
    stop: tuple[str, ...] = ()
    top_logprobs: int | None = None
    """The number of alternatives; None for no logprobs at all."""
    min_output_tokens: int = 0
    ignores_end: bool = False
    """Whether to continue to the end of the budget."""

    @property
    def is_of_length(self) -> bool:
        """Whether it only sets the number of generated words."""
        return not self.calls and self.json is None and not self.stop and self.top_logprobs is None

    def length(self, drawn: int, budget: int | None) -> int:
        """Return the length in tokens of an answer for which `drawn` tokens were drawn."""
        if self.ignores_end and budget is not None:
            return budget + 1  # it does not end by itself
        return max(drawn, self.min_output_tokens)


_NOTHING = Wish()


def chat_wish(body: ChatBody, texts: Sequence[str]) -> Wish | None:
    """Read the wish of a chat; None for generated words. Raises Refusal."""
    if _form_fields(body) == _NO_FORM_FIELDS:
        return None
    after_call = isinstance(body.messages[-1], ToolMessage | FunctionMessage)
    if body.top_logprobs is not None and not body.logprobs:
        raise _refused("The 'top_logprobs' parameter is only allowed when 'logprobs' is enabled.", "top_logprobs")
    for name in ("tool_choice", "parallel_tool_calls"):
        if body.tools is None and getattr(body, name) is not None:
            raise _refused(f"'{name}' is only allowed when 'tools' are specified.", name)
    functions = [(tool.function, f"tools[{index}].function") for index, tool in enumerate(body.tools or ())]
    choice = body.tool_choice.function.name if isinstance(body.tool_choice, ToolChoice) else None
    wish = Wish(
        calls=wished_calls(
            functions, choice or body.tool_choice, body.parallel_tool_calls, after_call, named=bool(choice)
        ),
        names_call=choice is not None,
        json=_json_of_chat(body, texts),
        stop=_stops(body.stop),
        top_logprobs=(body.top_logprobs or 0) if body.logprobs else None,
        min_output_tokens=body.min_tokens or 0,
        ignores_end=bool(body.ignore_eos),
    )
    return None if wish == _NOTHING else wish


def completion_wish(body: CompletionBody) -> Wish | None:
    """Read the wish of a completion; None for generated words. Raises Refusal."""
    wish = Wish(
        stop=_stops(body.stop),
        top_logprobs=body.logprobs,
        min_output_tokens=body.min_tokens or 0,
        ignores_end=bool(body.ignore_eos),
    )
    return None if wish == _NOTHING else wish


def response_wish(body: ResponseBody, texts: Sequence[str]) -> Wish | None:
    """Read the wish of a response; None for generated words. Raises Refusal."""
    after_call = not isinstance(body.input, str) and body.input[-1].type == "function_call_output"
    if body.tool_choice not in (None, "none", "auto") and not body.tools:
        raise _refused("'tool_choice' must be 'none' or 'auto' where there are no 'tools'.", "tool_choice")
    if body.top_logprobs and not body.include:
        message = "'top_logprobs' has no effect unless 'include' holds 'message.output_text.logprobs'."
        raise _refused(message, "top_logprobs")
    functions = [(tool, f"tools[{index}]") for index, tool in enumerate(body.tools or ())]
    choice = body.tool_choice.name if isinstance(body.tool_choice, FlatToolChoice) else None
    wish = Wish(
        calls=wished_calls(
            functions, choice or body.tool_choice, body.parallel_tool_calls, after_call, named=bool(choice)
        ),
        names_call=choice is not None,
        json=_json_of_response(body, texts),
        top_logprobs=(body.top_logprobs or 0) if body.include else None,
        min_output_tokens=body.min_tokens or 0,
        ignores_end=bool(body.ignore_eos),
    )
    return None if wish == _NOTHING else wish


def wished_calls(
    functions: Sequence[tuple[Function | FlatTool, str]],
    choice: Any,
    parallel: bool | None,
    after_call: bool,
    *,
    named: bool,
) -> tuple[CallWish, ...]:
    """Return the calls to make: the named function, else the first ones, unless a function has just returned."""
    for function, place in functions:
        _check_function(function, place)
    if named:
        chosen = [each for each in functions if each[0].name == choice]
        if not chosen:
            raise _refused(f"Tool choice '{choice}' not found in 'tools' parameter.", "tool_choice")
    elif choice == "none" or (after_call and choice != "required"):
        chosen = []
    else:
        chosen = list(functions[: _PARALLEL_CALLS if parallel else 1])
    return tuple(CallWish(each.name, _arguments(each, place)) for each, place in chosen)


def _check_function(function: Function | FlatTool, place: str) -> None:
    parameters = function.parameters
    if parameters is None:
        return
    try:
        if parameters.get("type") != "object":
            found = msgspec.json.encode(parameters.get("type", "None")).decode()
            raise Unfit(f"""schema must be a JSON Schema of 'type: "object"', got 'type: {found}'""")
        if function.strict:
            check_strict(parameters)
    except Unfit as unfit:
        raise _unfit_function(function, place, unfit) from unfit


def _arguments(function: Function | FlatTool, place: str) -> Any:
    try:
        return sample(_NO_ARGUMENTS if function.parameters is None else function.parameters)
    except Unfit as unfit:
        raise _unfit_function(function, place, unfit) from unfit


def _unfit_function(function: Function | FlatTool, place: str, unfit: Unfit) -> Refusal:
    message = f"Invalid schema for function '{function.name}': {unfit}."
    return _refused(message, f"{place}.parameters", "invalid_function_parameters")


def _json_of_chat(body: ChatBody, texts: Sequence[str]) -> JsonWish | None:
    match body.response_format:
        case None | TextFormat():
            return None
        case JsonFormat():
            _check_word(texts, "messages", "'response_format' of type 'json_object'")
            return JsonWish(sample(_ANY_OBJECT))
        case SchemaFormat(json_schema=named):
            return _json(named, "response_format.json_schema.schema", "response_format")


def _json_of_response(body: ResponseBody, texts: Sequence[str]) -> JsonWish | None:
    match body.text.format if body.text else None:
        case JsonFormat():
            _check_word(texts, "input", "'text.format' of type 'json_object'")
            return JsonWish(sample(_ANY_OBJECT))
        case FlatSchemaFormat() as named:
            return _json(named, "text.format.schema", "text.format")
        case _:
            return None


def _check_word(texts: Sequence[str], where: str, what: str) -> None:
    if not any("json" in text.lower() for text in texts):
        raise _refused(f"'{where}' must contain the word 'json' in some form, to use {what}.", where)


def wished_json(schema: Any, param: str) -> JsonWish:
    """Return a wish for JSON of this schema, which must be strict. Raises Refusal."""
    try:
        check_strict(schema)
        return JsonWish(sample(schema))
    except Unfit as unfit:
        raise _refused(f"{param}: {unfit}.", param, "invalid_json_schema") from unfit


def _json(named: NamedSchema | FlatSchemaFormat, param: str, whose: str) -> JsonWish:
    schema = _ANY_OBJECT if named.schema is None else named.schema
    try:
        if named.strict:
            if schema.get("type") != "object":
                raise Unfit("""schema must be a JSON Schema of 'type: "object"'""")
            check_strict(schema)
        return JsonWish(sample(schema))
    except Unfit as unfit:
        message = f"Invalid schema for {whose} '{named.name}': {unfit}."
        raise _refused(message, param, "invalid_json_schema") from unfit


def _stops(stop: Stop | None) -> tuple[str, ...]:
    return () if stop is None else (stop,) if isinstance(stop, str) else tuple(stop)


def _refused(message: str, param: str, code: str = "invalid_value") -> Refusal:
    return Refusal(Reason.BAD_VALUE, message, param=param, code=code)
