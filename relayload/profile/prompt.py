"""The `prompt:` of a scenario."""

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Discriminator, Field, Tag, WithJsonSchema, model_validator

from relayload.core.traffic.templates import variables
from relayload.document.validation import nearest
from relayload.profile.dialogue_rows import Format
from relayload.profile.prompt_file import Prompts, read_prompts
from relayload.profile.prompt_sets import NAMES
from relayload.profile.types import Between, Count, Items, Part, PathText, Text, not_empty

_MOST_PIXELS = 8192

Language = Literal["en", "de", "zh"]


class PromptText(Part):
    """A prompt of one's own."""

    text: Text
    """The prompt itself."""


class PromptFile(Part):
    """Prompts or conversations of a file beside the profile: `.txt` has one prompt a line, `.csv` a column of them,
    `.jsonl` and `.json` have rows with a prompt, OpenAI messages or a ShareGPT conversation."""

    file: PathText
    """Found from the profile."""
    field: Text | None = None
    """`prompt`, or where a row has one its conversation, if nothing else is said."""
    format: Format | None = None
    """Known by its content, if nothing is said: `lines` are texts, `messages` OpenAI's, `sharegpt` has
    `conversations`."""
    limit: Annotated[Count, Field(le=1_000_000)] = 10_000
    """The most prompts, or conversations, that are read."""
    order: Literal["random", "file"] = "random"
    """Drawn at random, or one after the other and from the start again."""

    @property
    def prompts(self) -> Prompts:
        """The texts or conversations. Raises OSError, or ValueError with the place of the fault."""
        return read_prompts(self.file, self.field, self.limit, self.format)

    @property
    def content(self) -> tuple[str, ...]:
        """The prompts as texts, including conversations. Raises as `prompts` does."""
        return self.prompts.as_texts


Variable = Annotated[
    Annotated[Items[Text], AfterValidator(not_empty), Tag("list")] | Annotated[Between, Tag("Between")],
    Discriminator(lambda value: "Between" if isinstance(value, dict | Between) else "list"),
]
"""`[red, green]` or `{from: 1, to: 9}`."""


class PromptTemplate(Part):
    """A text in which each `{{name}}` is drawn anew for every request."""

    template: Text
    """With `{{name}}` where a variable goes."""
    variables: dict[str, Variable] = Field(default_factory=dict)
    """By name: a list to draw from, or whole numbers `{from: 1, to: 9}`."""

    @model_validator(mode="after")
    def _known(self) -> Self:
        named = variables(self.template)
        for name in named:
            if name not in self.variables:
                raise ValueError(f"'{{{{{name}}}}}' is no variable{nearest(name, self.variables)}")
        for name in self.variables:
            if name not in named:
                raise ValueError(f"the variable '{name}' is not in the template: write {{{{{name}}}}} there")
        return self


class Images(Part):
    """Generated PNGs, sent inside the request."""

    count: Annotated[Count, Field(le=100)] = 1
    """Per request."""
    width: Annotated[Count, Field(le=_MOST_PIXELS)] = 512
    """In pixels."""
    height: Annotated[Count, Field(le=_MOST_PIXELS)] = 512
    """In pixels."""
    detail: Literal["low", "high", "auto"] | None = None
    """How closely the model is to look, where it can be told."""


def _built_in(name: str) -> str:
    if name not in NAMES:
        raise ValueError(f"unknown prompt '{name}'{nearest(name, [*NAMES, '{text: ...}'])}")
    return name


def _kind(value: object) -> str:
    if isinstance(value, Part):
        return type(value).__name__
    if not isinstance(value, dict):
        return "set"
    return "PromptFile" if "file" in value else "PromptTemplate" if "template" in value else "PromptText"


Prompt = Annotated[
    Annotated[str, AfterValidator(_built_in), WithJsonSchema({"enum": list(NAMES)}), Tag("set")]
    | Annotated[PromptText, Tag("PromptText")]
    | Annotated[PromptFile, Tag("PromptFile")]
    | Annotated[PromptTemplate, Tag("PromptTemplate")],
    Discriminator(_kind),
]
"""`simple`, `{text: ...}`, `{file: prompts.jsonl}` or `{template: ..., variables: ...}`."""
