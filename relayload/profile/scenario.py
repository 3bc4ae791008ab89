"""The `scenarios:` of a profile: what each kind of request asks."""

import re
from keyword import iskeyword
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, Tag, model_validator

from relayload.core.metrics.catalog import METRICS, TAG_NAMES
from relayload.core.wire.request import Endpoint
from relayload.document.spelling import spelled
from relayload.profile.amounts import Amount
from relayload.profile.audit import Kind, OneOrSeveral
from relayload.profile.endpoints import fields
from relayload.profile.mixes import Name, at_least_one, weight_of
from relayload.profile.objectives import ObjectiveEntry
from relayload.profile.prompt import Images, Language, Prompt
from relayload.profile.target import Headers
from relayload.profile.types import Count, Duration, Flag, Items, Number, Part, PositiveDuration, Share, Text

_MOST_INPUTS = 2048
"""OpenAI refuses more texts in one request."""


_NOT_FREE = {*TAG_NAMES, *METRICS, "quantile", "le", "objective", "unit"}
"""The names of tags, of metrics in conditions, and of labels in OpenMetrics."""
_TAG_NAME = re.compile(r"[a-z][a-z0-9_]*")
_TAG_VALUE = re.compile(r"[^\s=!<>{},\"'\\]{1,60}")


def _tag_name(name: str) -> str:
    if not _TAG_NAME.fullmatch(name):
        raise ValueError(f"expected a name of a-z, 0-9 and '_' that begins with a letter, got '{name}'")
    if name in _NOT_FREE:
        raise ValueError(f"'{name}' has a meaning of its own in objectives or exports: choose another name")
    return name


def _tag_value(value: object) -> str:
    if not isinstance(value, str) or not value.isprintable() or not _TAG_VALUE.fullmatch(value):
        expected = "a text of up to 60 characters, without spaces, commas, quotes and the signs of an objective"
        raise ValueError(f"expected {expected}, got {spelled(value)}")
    return value


TagName = Annotated[str, AfterValidator(_tag_name)]
TagValue = Annotated[str, BeforeValidator(_tag_value)]

_ModelWeight = Annotated[Number, weight_of("model that is not to be asked")]
Models = Annotated[
    Annotated[Text, Tag("one")] | Annotated[dict[Text, _ModelWeight], Tag("mix")],
    Discriminator(lambda value: "mix" if isinstance(value, dict) else "one"),
    at_least_one("{o3: 3, o4-mini: 1}"),
]
"""A model, or several with their weights."""


class Cancel(Part):
    """A client that hangs up before the answer is whole, as people do who close the page."""

    share: Share = 1.0
    """The share of the scenario's requests that are cancelled."""
    after_s: PositiveDuration | None = None
    """From the send on."""
    after_tokens: Count | None = None
    """Content events of a stream."""

    @model_validator(mode="after")
    def _some(self) -> Self:
        if self.after_s is None and self.after_tokens is None:
            raise ValueError("expected after, after_tokens or both, such as {share: 10%, after: 2s}")
        return self


class Conversation(Part):
    """An arrival begins a conversation: each later turn says the whole history, with the relay's own answers."""

    turns: Amount
    """Requests of the conversation, the first one too."""
    think_time_s: Duration = 0.0
    """From an answer to the next turn."""
    input_tokens: Amount | None = None
    """Tokens of each later message alone; by default as many as the first message has."""


class Scenario(Part):
    """One kind of request."""

    weight: Annotated[Number, weight_of("scenario that is not to be sent")] = 1.0
    """Its part of the traffic, beside the weights of the other scenarios."""
    model: Models
    """A model, or several with their weights: `{o3: 3, o4-mini: 1}`."""
    endpoint: Endpoint = Endpoint.CHAT
    """What is asked for: a chat completion, a response of the Responses API, embeddings of texts, or a message of
    Anthropic's Messages API."""
    prompt: Prompt | None = None
    """None where all is made up: of `input_tokens`, or as the rows of a trace say."""
    questions: OneOrSeveral | None = None
    """Questions of the audit in place of a prompt: each arrival asks the next one, of one kind or of several."""
    most_questions: Count | None = None
    """Ask the first so many of these questions alone."""
    language: Language = "en"
    """The language of a built-in prompt."""
    images: Images | None = None
    """Generated pictures that go with the prompt; `image_reasoning` has one anyway."""
    inputs: Annotated[Count, Field(le=_MOST_INPUTS)] = 1
    """Texts of one request for embeddings, each a prompt."""
    input_tokens: Amount | None = None
    """Tokens of the whole request, including the chat format: a prompt is filled up to that number, and the texts of a
    request for embeddings share it. The rows of a trace take precedence."""
    shared_prefix: Share = 0.0
    """The part of the input tokens, from the first on, that all requests of the scenario have in common."""
    nonce: Flag = True
    """Whether every prompt is made unlike all others, so that no cache can answer it."""
    stream: Flag = True
    """Whether the answer comes as a stream of tokens; that of embeddings never does."""
    max_output_tokens: Amount | None = None
    """The budget of the answer: a number, a range, a distribution, a list or a file."""
    min_tokens: Count | None = None
    """The shortest answer, where a server has that (vLLM)."""
    ignore_eos: Flag = False
    """Answer up to the budget, where a server has that (vLLM)."""
    temperature: Annotated[Number, Field(ge=0, le=2)] | None = None
    """Sent as it is."""
    reasoning_effort: Literal["none", "minimal", "low", "medium", "high", "xhigh"] | None = None
    """How long a reasoning model is to think."""
    tools: list[dict[str, Any]] | None = None
    """Functions that the model may call, as the API has them."""
    tool_choice: str | dict[str, Any] | None = None
    """Whether it must, as the API has it."""
    response_format: dict[str, Any] | None = None
    """As the API has it, such as `{type: json_object}`."""
    body: Annotated[dict[str, Any], AfterValidator(fields)] = Field(default_factory=dict)
    """More fields of the body, sent as they are; one that is null is not sent, whoever else would have it."""
    conversation: Conversation | None = None
    """Several turns, each with the whole history."""
    cancel: Cancel | None = None
    """Hang up early on some of the requests."""
    objectives: Items[ObjectiveEntry] = ()
    """Pass conditions on this scenario alone."""
    headers: Headers = Field(default_factory=dict)
    """Sent with every request of this scenario."""
    tags: dict[TagName, TagValue] = Field(default_factory=dict)
    """Free tags, such as `{team: a}`, by which objectives (`{team=a}`) and tables tell scenarios together."""

    @model_validator(mode="after")
    def _cancels_streams(self) -> Self:
        if self.cancel and self.cancel.after_tokens and not self.streams:
            raise ValueError("cancel.after_tokens needs stream: true; an answer in one piece can be cancelled 'after'")
        return self

    @model_validator(mode="after")
    def _shorter_than_its_budget(self) -> Self:
        if self.min_tokens and isinstance(self.max_output_tokens, int) and self.min_tokens > self.max_output_tokens:
            raise ValueError(f"min_tokens ({self.min_tokens}) is above max_output_tokens ({self.max_output_tokens})")
        return self

    @property
    def streams(self) -> bool:
        """Whether its answers are streams."""
        return self.stream and self.endpoint is not Endpoint.EMBEDDINGS

    @property
    def question_kinds(self) -> tuple[Kind, ...]:
        """The kinds of the audit's questions that it asks; empty if it has prompts of its own."""
        asked = self.questions
        return () if asked is None else (asked,) if isinstance(asked, str) else asked

    @property
    def pictures(self) -> Images | None:
        """The images of every request."""
        return Images() if self.images is None and self.prompt == "image_reasoning" else self.images

    @property
    def extra_fields(self) -> dict[str, Any]:
        """Further fields of the body; `body` overrides the others."""
        named = {
            "min_tokens": self.min_tokens,
            "ignore_eos": self.ignore_eos or None,
            "tools": self.tools,
            "tool_choice": self.tool_choice,
            "response_format": self.response_format,
        }
        return {name: value for name, value in named.items() if value is not None} | self.body

    @property
    def models(self) -> dict[str, float]:
        """Its models with their weights."""
        return {self.model: 1.0} if isinstance(self.model, str) else self.model


def _class_name(name: str) -> str:
    if iskeyword(class_name(name)):
        raise ValueError(f"'{name}' can't name a class: choose another name")
    return name


def class_name(scenario: str) -> str:
    """Return the name of the user class for a scenario."""
    return scenario.replace("-", "_")


Scenarios = Annotated[
    dict[Annotated[Name, AfterValidator(_class_name)], Scenario],
    at_least_one("simple: {model: o3, prompt: simple}"),
]
