"""What clients send, read strictly: JSON in, an `Ask` out, or a `Refusal` to be told in a dialect."""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import msgspec
from msgspec import Struct

from relayload.fakerelay.preset import Kind
from relayload.fakerelay.tokens import IMAGE_TOKENS, MESSAGE_TOKENS, REPLY_TOKENS, text_tokens

KIND_HEADER = b"x-relayload-kind"
"""Names the kind of request; without one of its own names the relay looks at the prompt."""
OUTPUT_TOKENS_HEADER = b"x-relayload-output-tokens"
"""Asks for an answer of exactly so many tokens, as the replay of a trace needs."""

_KINDS = frozenset(Kind)
MAX_OUTPUT_TOKENS = 1_000_000
_GUESSED_FROM_CHARACTERS = 4_000
_PROOF = re.compile(r"\b(prove|proof|theorem|lemma)\b|证明", re.IGNORECASE)
_CODE = re.compile(r"```|\bdef \w|\b(code|function|implement|refactor|unit tests?|python|javascript|sql)\b", re.I)


class Reason(StrEnum):
    """Why a request is refused."""

    BAD_JSON = "bad_json"
    BAD_VALUE = "bad_value"
    TOO_LARGE = "too_large"
    WRONG_KEY = "wrong_key"
    UNKNOWN_MODEL = "unknown_model"
    UNKNOWN_PATH = "unknown_path"
    WRONG_METHOD = "wrong_method"


class Refusal(Exception):
    """The relay will not serve this request."""

    def __init__(self, reason: Reason, message: str, param: str | None = None) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.param = param


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


class _StreamOptions(Struct):
    include_usage: bool = False


class _ImageUrl(Struct):
    url: str
    detail: str = "auto"


class _ContentPart(Struct):
    type: str
    text: str = ""
    image_url: _ImageUrl | None = None


class _Message(Struct):
    role: str
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


_CHAT_BODY = msgspec.json.Decoder(_ChatBody)


def chat_ask(body: bytes, headers: dict[bytes, bytes]) -> Ask:
    """Read the body of a chat completion. Raises Refusal."""
    chat = _decoded(_CHAT_BODY, body)
    if not chat.messages:
        raise Refusal(Reason.BAD_VALUE, "'messages' must hold at least one message.", "messages")
    if chat.n not in (None, 1):
        raise Refusal(Reason.BAD_VALUE, "'n' must be 1: the fake relay gives one choice.", "n")
    texts, images, input_tokens = _contents(chat.messages)
    return Ask(
        model=chat.model,
        kind=_kind(headers, texts[-1] if texts else "", images),
        input_tokens=input_tokens,
        stream=bool(chat.stream),
        include_usage=chat.stream_options is not None and chat.stream_options.include_usage,
        images=images,
        max_output_tokens=_budget(chat),
        exact_output_tokens=_exact_output_tokens(headers),
        effort=chat.reasoning_effort,
        show_reasoning=chat.include_reasoning,
    )


def _decoded(decoder: msgspec.json.Decoder[Any], body: bytes) -> Any:
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        message, _, path = str(error).partition(" - at `$")
        raise Refusal(Reason.BAD_VALUE, f"{message}.", path.strip("`.") or None) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Refusal(Reason.BAD_JSON, f"We could not parse the JSON body of your request: {error}.") from error


def _contents(messages: list[_Message]) -> tuple[list[str], int, int]:
    """Texts, number of images, and tokens of all messages."""
    texts: list[str] = []
    images, tokens = 0, REPLY_TOKENS
    for message in messages:
        tokens += MESSAGE_TOKENS
        parts = message.content if isinstance(message.content, list) else ()
        if isinstance(message.content, str):
            texts.append(message.content)
        texts += [part.text for part in parts if part.text]
        details = [part.image_url.detail for part in parts if part.image_url is not None]
        images += len(details)
        tokens += sum(IMAGE_TOKENS.get(detail, IMAGE_TOKENS["auto"]) for detail in details)
    return texts, images, tokens + sum(map(text_tokens, texts))


def _budget(chat: _ChatBody) -> int | None:
    for name in ("max_completion_tokens", "max_tokens"):
        budget: int | None = getattr(chat, name)
        if budget is not None:
            if budget < 1:
                raise Refusal(Reason.BAD_VALUE, f"'{name}' must be at least 1, got {budget}.", name)
            return budget
    return None


def _exact_output_tokens(headers: dict[bytes, bytes]) -> int | None:
    text = headers.get(OUTPUT_TOKENS_HEADER)
    if text is None:
        return None
    if not text.isdigit() or not 1 <= int(text[:18]) <= MAX_OUTPUT_TOKENS:
        name = OUTPUT_TOKENS_HEADER.decode()
        raise Refusal(Reason.BAD_VALUE, f"the header '{name}' must be a number from 1 to {MAX_OUTPUT_TOKENS}.", name)
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
