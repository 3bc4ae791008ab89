"""What clients send, read strictly: JSON in, an `Ask` out, or a `Refusal` to be told in a dialect."""

import re
from dataclasses import dataclass
from typing import Any, Literal

import msgspec
from msgspec import Struct

from relayload.fakerelay.refusals import Reason, Refusal
from relayload.fakerelay.schema import Kind
from relayload.fakerelay.tokens import IMAGE_TOKENS, MESSAGE_TOKENS, REPLY_TOKENS, text_tokens

KIND_HEADER = b"x-relayload-kind"
"""Names the kind of request; without one of its own names the relay looks at the prompt."""
OUTPUT_TOKENS_HEADER = b"x-relayload-output-tokens"
"""Asks for an answer of exactly so many tokens, as the replay of a trace needs."""

_KINDS = frozenset(Kind)
MAX_OUTPUT_TOKENS = 1_000_000
MAX_EMBEDDING_INPUTS = 2048
_GUESSED_FROM_CHARACTERS = 4_000
_PROOF = re.compile(r"\b(prove|proof|theorem|lemma)\b|证明", re.IGNORECASE)
_CODE = re.compile(r"```|\bdef \w|\b(code|function|implement|refactor|unit tests?|python|javascript|sql)\b", re.I)


@dataclass(frozen=True, slots=True)
class Ask:
    """One request, as far as the relay's behaviour depends on it."""

    model: str
    kind: Kind
    input_tokens: int
    stream: bool = False
    include_usage: bool = False
    images: int = 0
    max_output_tokens: int | None = None
    exact_output_tokens: int | None = None
    effort: str | None = None
    show_reasoning: bool | None = None
    """Whether thoughts are to be streamed; None leaves it to the preset."""
    texts: tuple[str, ...] = ()
    """Of the whole prompt, for the prompt cache."""


@dataclass(frozen=True, slots=True)
class EmbeddingAsk:
    """One request for embeddings."""

    model: str
    inputs: tuple[str, ...]
    """The texts; numbers of tokens written out."""
    input_tokens: int
    dimensions: int | None = None
    as_base64: bool = False
    kind: None = None
    stream: bool = False


class _StreamOptions(Struct):
    include_usage: bool = False


class _ImageUrl(Struct):
    url: str
    detail: str = "auto"


class _ContentPart(Struct):
    """Of a chat message, or of an input item of the responses format, whose images are bare URLs."""

    type: str
    text: str = ""
    image_url: _ImageUrl | str | None = None
    detail: str = "auto"


class _Message(Struct):
    role: str = "user"
    content: str | list[_ContentPart] | None = None


class _ChatBody(Struct):
    model: str
    messages: list[_Message]
    stream: bool | None = False
    stream_options: _StreamOptions | None = None
    max_completion_tokens: int | None = None
    max_tokens: int | None = None
    n: int | None = 1
    reasoning_effort: str | None = None
    include_reasoning: bool | None = None


class _Effort(Struct):
    effort: str | None = None


class _ResponseBody(Struct):
    model: str
    input: str | list[_Message]
    instructions: str | None = None
    stream: bool | None = False
    max_output_tokens: int | None = None
    reasoning: _Effort | None = None


class _EmbeddingBody(Struct):
    model: str
    input: str | list[str | int | list[int]]
    dimensions: int | None = None
    encoding_format: Literal["float", "base64"] | None = "float"


_CHAT_BODY = msgspec.json.Decoder(_ChatBody)
_RESPONSE_BODY = msgspec.json.Decoder(_ResponseBody)
_EMBEDDING_BODY = msgspec.json.Decoder(_EmbeddingBody)


def chat_ask(body: bytes, headers: dict[bytes, bytes]) -> Ask:
    """Read the body of a chat completion. Raises Refusal."""
    chat = _decoded(_CHAT_BODY, body)
    if not chat.messages:
        raise Refusal(Reason.BAD_VALUE, "'messages' must hold at least one message.", param="messages")
    if chat.n not in (None, 1):
        raise Refusal(Reason.BAD_VALUE, "'n' must be 1: the fake relay gives one choice.", param="n")
    texts, images, input_tokens = _contents(chat.messages)
    return Ask(
        model=chat.model,
        kind=_kind(headers, texts[-1] if texts else "", images),
        input_tokens=input_tokens,
        stream=bool(chat.stream),
        include_usage=chat.stream_options is not None and chat.stream_options.include_usage,
        images=images,
        max_output_tokens=_budget(max_completion_tokens=chat.max_completion_tokens, max_tokens=chat.max_tokens),
        exact_output_tokens=_exact_output_tokens(headers),
        effort=chat.reasoning_effort,
        show_reasoning=chat.include_reasoning,
        texts=tuple(texts),
    )


def response_ask(body: bytes, headers: dict[bytes, bytes]) -> Ask:
    """Read the body of a request to the responses endpoint. Raises Refusal."""
    asked = _decoded(_RESPONSE_BODY, body)
    messages = [_Message(content=asked.input)] if isinstance(asked.input, str) else list(asked.input)
    if not messages:
        raise Refusal(Reason.BAD_VALUE, "'input' must not be empty.", param="input")
    if asked.instructions:
        messages.insert(0, _Message(role="system", content=asked.instructions))
    texts, images, input_tokens = _contents(messages)
    return Ask(
        model=asked.model,
        kind=_kind(headers, texts[-1] if texts else "", images),
        input_tokens=input_tokens,
        stream=bool(asked.stream),
        include_usage=True,
        images=images,
        max_output_tokens=_budget(max_output_tokens=asked.max_output_tokens),
        exact_output_tokens=_exact_output_tokens(headers),
        effort=asked.reasoning.effort if asked.reasoning else None,
        texts=tuple(texts),
    )


def embedding_ask(body: bytes, _headers: dict[bytes, bytes]) -> EmbeddingAsk:
    """Read the body of a request for embeddings. Raises Refusal."""
    asked = _decoded(_EMBEDDING_BODY, body)
    inputs = [asked.input] if isinstance(asked.input, str) else asked.input
    if inputs and isinstance(inputs[0], int):
        inputs = [inputs]  # one text, as numbers of tokens
    if not 1 <= len(inputs) <= MAX_EMBEDDING_INPUTS:
        message = f"'input' must hold 1 to {MAX_EMBEDDING_INPUTS} texts."
        raise Refusal(Reason.BAD_VALUE, message, param="input")
    return EmbeddingAsk(
        model=asked.model,
        inputs=tuple(map(str, inputs)),
        input_tokens=sum(len(text) if isinstance(text, list) else text_tokens(str(text)) for text in inputs),
        dimensions=_budget(dimensions=asked.dimensions),
        as_base64=asked.encoding_format == "base64",
    )


def _decoded(decoder: msgspec.json.Decoder[Any], body: bytes) -> Any:
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        message, _, path = str(error).partition(" - at `$")
        raise Refusal(Reason.BAD_VALUE, f"{message}.", param=path.strip("`.") or None) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Refusal(Reason.BAD_JSON, f"We could not parse the JSON body of your request: {error}.") from error


def _contents(messages: list[_Message]) -> tuple[list[str], int, int]:
    """Texts, number of images, and tokens of all messages."""
    texts: list[str] = []
    images, tokens = 0, REPLY_TOKENS
    for message in messages:
        tokens += MESSAGE_TOKENS
        if isinstance(message.content, str):
            texts.append(message.content)
        for part in message.content if isinstance(message.content, list) else ():
            if part.text:
                texts.append(part.text)
            if part.image_url is not None:
                images += 1
                tokens += _image_tokens(part)
    return texts, images, tokens + sum(map(text_tokens, texts))


def _image_tokens(part: _ContentPart) -> int:
    detail = part.image_url.detail if isinstance(part.image_url, _ImageUrl) else part.detail
    return IMAGE_TOKENS.get(detail, IMAGE_TOKENS["auto"])


def _budget(**budgets: int | None) -> int | None:
    """The first that is given. Raises Refusal."""
    for name, budget in budgets.items():
        if budget is not None:
            if budget < 1:
                raise Refusal(Reason.BAD_VALUE, f"'{name}' must be at least 1, got {budget}.", param=name)
            return budget
    return None


def _exact_output_tokens(headers: dict[bytes, bytes]) -> int | None:
    text = headers.get(OUTPUT_TOKENS_HEADER)
    if text is None:
        return None
    if not text.isdigit() or not 1 <= int(text[:18]) <= MAX_OUTPUT_TOKENS:
        name = OUTPUT_TOKENS_HEADER.decode()
        raise Refusal(
            Reason.BAD_VALUE, f"the header '{name}' must be a number from 1 to {MAX_OUTPUT_TOKENS}.", param=name
        )
    return int(text)


def _kind(headers: dict[bytes, bytes], prompt: str, images: int) -> Kind:
    named = headers.get(KIND_HEADER, b"").decode("latin-1")
    if named in _KINDS:
        return Kind(named)
    return Kind.IMAGE_REASONING if images else guessed_kind(prompt)


def guessed_kind(prompt: str) -> Kind:
    """What a prompt seems to ask for, by the words of its beginning."""
    beginning = prompt[:_GUESSED_FROM_CHARACTERS]
    if _PROOF.search(beginning):
        return Kind.MATH_PROOF
    return Kind.CODE if _CODE.search(beginning) else Kind.SIMPLE
