"""Parses client requests strictly: from JSON to a `ParsedRequest`, or a `Refusal` to be sent in a dialect."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import msgspec

from relayload.fakerelay.bodies import (
    AnyMessage,
    ChatBody,
    CompletionBody,
    EmbeddingBody,
    ImagePart,
    InputImage,
    InputItem,
    InputRefusal,
    ResponseBody,
    StreamOptions,
    TextPart,
    UserMessage,
)
from relayload.fakerelay.body_faults import refusal_of
from relayload.fakerelay.counting import text_tokens
from relayload.fakerelay.dialogues import check_calls, check_items
from relayload.fakerelay.refusals import Reason, Refusal
from relayload.fakerelay.schema import RequestKind
from relayload.fakerelay.tokens import IMAGE_TOKENS, MESSAGE_TOKENS, NAME_TOKENS, REPLY_TOKENS
from relayload.fakerelay.wishes import Wish, chat_wish, completion_wish, response_wish

KIND_HEADER = b"x-relayload-kind"
"""Names the kind of request; without a known name the relay guesses from the prompt."""
OUTPUT_TOKENS_HEADER = b"x-relayload-output-tokens"
"""Requests an answer of exactly this many tokens, as needed to replay a trace."""

_KINDS = frozenset(RequestKind)
MAX_OUTPUT_TOKENS = 1_000_000
MAX_EMBEDDING_TOKENS = 8192
"""The limit of one text (OpenAI API reference, `input` of embeddings)."""
MAX_EMBEDDING_TOKENS_AT_ONCE = 300_000
"""The limit of all texts of a request."""
USUAL_COMPLETION_TOKENS = 16
"""The default length limit of a completion (OpenAI API reference, `max_tokens`)."""
_ECHOED = (
    "temperature",
    "top_p",
    "metadata",
    "parallel_tool_calls",
    "tool_choice",
    "tools",
    "text",
    "truncation",
    "store",
    "user",
)
_GUESSED_FROM_CHARACTERS = 4_000
_PROOF = re.compile(r"\b(prove|proof|theorem|lemma)\b|证明", re.IGNORECASE)
_CODE = re.compile(r"```|\bdef \w|\b(code|function|implement|refactor|unit tests?|python|javascript|sql)\b", re.I)


@dataclass(frozen=True, slots=True)
class ParsedRequest:
    """One request, as far as the relay's behaviour depends on it."""

    model: str
    kind: RequestKind
    input_tokens: int
    stream: bool = False
    include_usage: bool = False
    images: int = 0
    max_output_tokens: int | None = None
    exact_output_tokens: int | None = None
    effort: str | None = None
    show_reasoning: bool | None = None
    """Whether to send thoughts; None leaves it to the preset."""
    texts: tuple[str, ...] = ()
    """The texts of the whole prompt, for the prompt cache and for answers to what it asks."""
    wish: Wish | None = None
    """The requested form of the answer; None for generated words."""
    echo: Mapping[str, Any] | None = None
    """Fields of the request that a response repeats."""
    choices: int = 1
    """How many answers are given at once, each with the same text."""
    kept: bool = False
    """Whether the response is stored for later retrieval."""
    seed: int | None = None
    """Requests with the same seed are answered in the same words."""
    temperature: float | None = None


@dataclass(frozen=True, slots=True)
class ParsedEmbeddingRequest:
    """One request for embeddings."""

    model: str
    inputs: tuple[str, ...]
    """The texts; token numbers are written out as text."""
    input_tokens: int
    dimensions: int | None = None
    as_base64: bool = False
    kind: None = None
    stream: bool = False


_CHAT_BODY = msgspec.json.Decoder(ChatBody)
_RESPONSE_BODY = msgspec.json.Decoder(ResponseBody)
_COMPLETION_BODY = msgspec.json.Decoder(CompletionBody)
_EMBEDDING_BODY = msgspec.json.Decoder(EmbeddingBody)


def parse_chat(body: bytes, headers: dict[bytes, bytes]) -> ParsedRequest:
    """Read the body of a chat completion. Raises Refusal."""
    chat: ChatBody = decoded(_CHAT_BODY, body)
    _check_stream_options(chat.stream_options, chat.stream)
    if chat.max_tokens is not None and chat.max_completion_tokens is not None:
        message = "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported."
        raise Refusal(Reason.BAD_VALUE, message, param="max_tokens", code="invalid_parameter_combination")
    texts, images, input_tokens = _read_messages(chat.messages)
    if chat.tools is not None:
        input_tokens += definition_tokens(chat.tools)
    if chat.response_format is not None:
        input_tokens += definition_tokens(chat.response_format)
    return ParsedRequest(
        model=chat.model,
        kind=kind_of(headers, texts[-1] if texts else "", images),
        input_tokens=input_tokens,
        stream=bool(chat.stream),
        include_usage=chat.stream_options is not None and bool(chat.stream_options.include_usage),
        images=images,
        max_output_tokens=chat.max_tokens if chat.max_completion_tokens is None else chat.max_completion_tokens,
        exact_output_tokens=exact_output_tokens(headers),
        effort=chat.reasoning_effort,
        show_reasoning=chat.include_reasoning,
        texts=tuple(texts),
        wish=chat_wish(chat, texts),
        choices=chat.n or 1,
        seed=chat.seed,
        temperature=chat.temperature,
    )


def parse_response(body: bytes, headers: dict[bytes, bytes]) -> ParsedRequest:
    """Read the body of a request to the responses endpoint. Raises Refusal."""
    request: ResponseBody = decoded(_RESPONSE_BODY, body)
    _check_stream_options(request.stream_options, request.stream)
    items = [InputItem(role="user", content=request.input)] if isinstance(request.input, str) else request.input
    texts, images, input_tokens = _read_items(items, request.instructions)
    if request.tools:
        input_tokens += definition_tokens(request.tools)
    if request.text is not None and request.text.format is not None:
        input_tokens += definition_tokens(request.text.format)
    return ParsedRequest(
        model=request.model,
        kind=kind_of(headers, texts[-1] if texts else "", images),
        input_tokens=input_tokens,
        stream=bool(request.stream),
        include_usage=True,
        images=images,
        max_output_tokens=request.max_output_tokens,
        exact_output_tokens=exact_output_tokens(headers),
        effort=request.reasoning.effort if request.reasoning else None,
        texts=tuple(texts),
        wish=response_wish(request, texts),
        echo=_echo(request),
        kept=request.store is not False,
        temperature=request.temperature,
    )


def parse_completion(body: bytes, headers: dict[bytes, bytes]) -> ParsedRequest:
    """Read the body of a legacy completion. Raises Refusal."""
    request: CompletionBody = decoded(_COMPLETION_BODY, body)
    _check_stream_options(request.stream_options, request.stream)
    prompts = _inputs(request.prompt, "prompt", empty=True)
    if len(prompts) > 1:
        raise Refusal(Reason.BAD_VALUE, "'prompt' must be one text: the fake relay gives one choice.", param="prompt")
    text = str(prompts[0])
    return ParsedRequest(
        model=request.model,
        kind=kind_of(headers, text, 0),
        input_tokens=_tokens_of(prompts[0]),
        stream=bool(request.stream),
        include_usage=request.stream_options is not None and bool(request.stream_options.include_usage),
        max_output_tokens=USUAL_COMPLETION_TOKENS if request.max_tokens is None else request.max_tokens,
        exact_output_tokens=exact_output_tokens(headers),
        effort="none",
        texts=(text,),
        wish=completion_wish(request),
        seed=request.seed,
        temperature=request.temperature,
    )


def parse_embedding(body: bytes, _headers: dict[bytes, bytes]) -> ParsedEmbeddingRequest:
    """Read the body of a request for embeddings. Raises Refusal."""
    request: EmbeddingBody = decoded(_EMBEDDING_BODY, body)
    inputs = _inputs(request.input, "input", empty=False)
    tokens = [_tokens_of(each) for each in inputs]
    if max(tokens) > MAX_EMBEDDING_TOKENS:
        message = (
            f"This model's maximum context length is {MAX_EMBEDDING_TOKENS} tokens, however you requested "
            f"{max(tokens)} tokens ({max(tokens)} in your prompt; 0 for the completion). Please reduce your prompt."
        )
        raise Refusal(Reason.BAD_VALUE, message, param="input", code="context_length_exceeded")
    if sum(tokens) > MAX_EMBEDDING_TOKENS_AT_ONCE:
        message = f"Requested {sum(tokens)} tokens, max {MAX_EMBEDDING_TOKENS_AT_ONCE} tokens per request."
        raise Refusal(Reason.BAD_VALUE, message, param="input", code="max_tokens_per_request")
    return ParsedEmbeddingRequest(
        model=request.model,
        inputs=tuple(map(str, inputs)),
        input_tokens=sum(tokens),
        dimensions=request.dimensions,
        as_base64=request.encoding_format == "base64",
    )


def decoded(decoder: msgspec.json.Decoder[Any], body: bytes) -> Any:
    """Return the body as the decoder's type. Raises Refusal."""
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        raise refusal_of(error, body, decoder.type) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Refusal(Reason.BAD_JSON, f"We could not parse the JSON body of your request: {error}.") from error


def _check_stream_options(options: StreamOptions | None, stream: bool | None) -> None:
    if options is not None and not stream:
        message = "The 'stream_options' parameter is only allowed when 'stream' is enabled."
        raise Refusal(Reason.BAD_VALUE, message, param="stream_options")


def _read_messages(messages: list[AnyMessage]) -> tuple[list[str], int, int]:
    """Return texts, number of images, and tokens of all messages. Raises Refusal if calls and answers don't match."""
    texts: list[str] = []
    images, tokens = 0, REPLY_TOKENS + MESSAGE_TOKENS * len(messages)
    for message in messages:
        content = message.content
        if name := getattr(message, "name", None):
            tokens += NAME_TOKENS + text_tokens(name)
        if isinstance(content, str):
            texts.append(content)
        elif content is not None:
            for part in content:
                if isinstance(part, ImagePart):
                    images += 1
                    tokens += IMAGE_TOKENS[part.image_url.detail]
                elif text := part.text if isinstance(part, TextPart) else part.refusal:
                    texts.append(text)
    if len(messages) > 1 or not isinstance(messages[0], UserMessage):
        tokens += check_calls(messages)
    return texts, images, tokens + sum(map(text_tokens, texts))


def _read_items(items: list[InputItem], instructions: str | None) -> tuple[list[str], int, int]:
    """Return texts, number of images, and tokens of all items of an input. Raises Refusal."""
    texts = [instructions] if instructions else []
    images, tokens = 0, REPLY_TOKENS + MESSAGE_TOKENS * (len(items) + bool(instructions))
    for item in items:
        if isinstance(item.content, str):
            texts.append(item.content)
        for part in item.content if isinstance(item.content, list) else ():
            if isinstance(part, InputImage):
                images += 1
                tokens += IMAGE_TOKENS[part.detail or "auto"]
            elif text := part.refusal if isinstance(part, InputRefusal) else part.text:
                texts.append(text)
    return texts, images, tokens + check_items(items) + sum(map(text_tokens, texts))


def definition_tokens(definition: Any) -> int:
    """Return the tokens of function definitions and schemas, which are part of the prompt."""
    return _written_tokens(msgspec.json.encode(definition).decode())


@lru_cache(maxsize=1_000)
def _written_tokens(definition: str) -> int:
    """Count what many requests repeat."""
    return text_tokens(definition)


def _echo(body: ResponseBody) -> dict[str, Any] | None:
    echoed = {name: value for name in _ECHOED if (value := getattr(body, name)) is not None}
    return {name: msgspec.to_builtins(value) for name, value in echoed.items()} or None


def _inputs(given: str | list[str | int | list[int]], name: str, *, empty: bool) -> list[str | list[int]]:
    """Return texts, or texts as token numbers. Raises Refusal if they are mixed, or empty without `empty`."""
    inputs: list[Any] = [given] if isinstance(given, str) or isinstance(given[0], int) else given
    kind = type(inputs[0])
    for each in inputs:
        numbers = each if isinstance(each, list) else ()
        sound = type(each) is kind and all(isinstance(number, int) and number >= 0 for number in numbers)
        if not sound or not (each or (empty and each == "")):
            raise Refusal(Reason.BAD_VALUE, f"'$.{name}' is invalid. Please check the API reference.", param=name)
    return inputs


def _tokens_of(text: str | list[int]) -> int:
    return text_tokens(text) if isinstance(text, str) else len(text)


def exact_output_tokens(headers: dict[bytes, bytes]) -> int | None:
    """Return how many tokens a header asks for. Raises Refusal."""
    text = headers.get(OUTPUT_TOKENS_HEADER)
    if text is None:
        return None
    if not text.isdigit() or not 1 <= int(text[:18]) <= MAX_OUTPUT_TOKENS:
        name = OUTPUT_TOKENS_HEADER.decode()
        raise Refusal(
            Reason.BAD_VALUE, f"the header '{name}' must be a number from 1 to {MAX_OUTPUT_TOKENS}.", param=name
        )
    return int(text)


def kind_of(headers: dict[bytes, bytes], prompt: str, images: int) -> RequestKind:
    """Return the kind that a header names, or else a guess."""
    named = headers.get(KIND_HEADER, b"").decode("latin-1")
    if named in _KINDS:
        return RequestKind(named)
    return RequestKind.IMAGE_REASONING if images else guessed_kind(prompt)


def guessed_kind(prompt: str) -> RequestKind:
    """Guess the kind of a request from words at the beginning of its prompt."""
    beginning = prompt[:_GUESSED_FROM_CHARACTERS]
    if _PROOF.search(beginning):
        return RequestKind.MATH_PROOF
    return RequestKind.CODE if _CODE.search(beginning) else RequestKind.SIMPLE
