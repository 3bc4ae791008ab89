"""The types of values in a profile: quantities with units, and secrets that are not printed."""

import re
from collections.abc import Callable, Mapping
from math import isfinite
from pathlib import Path
from typing import Annotated, Any, ClassVar, Self, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    WithJsonSchema,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from relayload.core.units import byte_count, duration_s, fraction, rate_per_s
from relayload.document.source import plain_value
from relayload.document.spelling import spelled
from relayload.transport.key_text import unfit_key

_UNIT_IN_NAME = re.compile(r"_(?:per_s|s|bytes)$")
Item = TypeVar("Item")
Values = TypeVar("Values", bound=tuple[Any, ...])

MOST = 1_000_000_000
"""The largest count in a profile."""


def _key(field: str) -> str:
    """Return the key of a field: its name without the unit, which the text of the value has."""
    return _UNIT_IN_NAME.sub("", field)


class Part(BaseModel):
    """A part of a profile. Unknown keys are faults, and instances are immutable."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, alias_generator=_key)

    short: ClassVar[str | None] = None
    """The key that a value stands for if it is no mapping; None if only a mapping is allowed."""
    renamed: ClassVar[Mapping[str, str]] = {}
    """The present names of keys by their former ones, which work for one more version."""

    @model_validator(mode="before")
    @classmethod
    def _spelled_out(cls, value: Any) -> Any:
        return value if cls.short is None or isinstance(value, dict | Part) else {cls.short: value}

    def found_from(self, folder: Path) -> Self:
        """Return a copy with all paths of files relative to that folder."""
        found = {name: there for name, value in self if (there := _found_from(value, folder)) is not value}
        return self.model_copy(update=found)


def _found_from(value: Any, folder: Path) -> Any:
    if isinstance(value, Path):
        return folder / value
    if isinstance(value, dict):
        return {key: _found_from(item, folder) for key, item in value.items()}
    return value.found_from(folder) if isinstance(value, Part) else value


def not_empty(values: Values) -> Values:
    """Validate that a list has an item."""
    if not values:
        raise ValueError("expected at least one value")
    return values


class Secret:
    """A text that prints as `***`; only `reveal` returns it."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return "***"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._text == other._text

    def __hash__(self) -> int:
        return hash(self._text)

    @classmethod
    def of(cls, value: object) -> "Secret":
        """Return the value as a secret that fits an HTTP header. Raises ValueError, without the value."""
        if isinstance(value, Secret):
            return value
        if not isinstance(value, str):
            raise ValueError("expected text: put the key in quotes, or write ${env:NAME}")
        if (wrong := unfit_key(value)) is not None:
            raise ValueError(wrong)
        return cls(value)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        shown = core_schema.to_string_ser_schema()
        return core_schema.no_info_plain_validator_function(cls.of, serialization=shown)

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"type": "string", "minLength": 1}


class HeaderValue(Secret):
    """The value of a header, which may contain a secret."""

    __slots__ = ()

    @classmethod
    def of(cls, value: object) -> "HeaderValue":
        if isinstance(value, HeaderValue):
            return value
        if not isinstance(value, str) or not value.strip():
            raise ValueError("expected text in quotes")
        if not value.isascii() or not value.isprintable():
            raise ValueError("holds a line break or a letter beyond ASCII, which no header can")
        return cls(value)


def _quantity(read: Callable[[str], float], example: str) -> Callable[[object], float]:
    """Return a validator of text with a unit. `read` refuses plain numbers, which lack one."""

    def validate(value: object) -> float:
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise ValueError(f"expected {example}, got {spelled(value)}")
        if str(value).lstrip().startswith("-"):
            raise ValueError(f"must not be negative: expected {example}, got '{value}'")
        quantity = read(str(value))
        if not isfinite(quantity):
            raise ValueError(f"is too large: expected {example}")
        return quantity

    return validate


def _whole(value: object) -> int:
    number = plain_value(value) if isinstance(value, str) else value
    if isinstance(number, bool) or not isinstance(number, int):
        raise ValueError(f"expected a whole number, got {spelled(value)}")
    return number


def _number(value: object) -> float:
    number = plain_value(value) if isinstance(value, str) else value
    if isinstance(number, bool) or not isinstance(number, int | float) or not isfinite(number):
        raise ValueError(f"expected a number, got {spelled(value)}")
    return number


def _flag(value: object) -> object:
    if isinstance(value, bool) or value in ("true", "false"):
        return value
    raise ValueError(f"expected true or false, got {spelled(value)}")


def _path(value: object) -> object:
    if isinstance(value, Path):
        return value
    if not isinstance(value, str) or not value or not value.isprintable():
        raise ValueError(f"expected the path of a file, got {spelled(value)}")
    return value


def _items(value: object) -> object:
    if isinstance(value, list | tuple):
        return value
    raise ValueError(f"expected a list, got {spelled(value)}")


def text_like(pattern: str, *examples: str, unit: str | None = None) -> WithJsonSchema:
    """Describe a text in the schema of profiles: its pattern, examples, and the unit of its default."""
    message = f"expected text such as {' or '.join(repr(each) for each in examples)}"
    return WithJsonSchema(
        {"type": "string", "pattern": pattern, MESSAGE_KEY: message, "examples": list(examples), UNIT_KEY: unit}
    )


MESSAGE_KEY = "patternErrorMessage"
"""The key of the message that editors (VS Code, yaml-language-server) show in place of the pattern."""
UNIT_KEY = "x-unit"
"""The key of a default's unit, until the default is written as text."""
_NUMBER = r"\d+(\.\d+)?"
_DURATION = rf"^\s*({_NUMBER}\s*(ns|us|µs|ms|min|s|m|h)\s*)+$"

Duration = Annotated[
    float,
    BeforeValidator(_quantity(duration_s, "a duration such as '800ms', '30s' or '1h30m'")),
    text_like(_DURATION, "800ms", "30s", "1h30m", unit="s"),
]
"""Seconds, written `800ms` or `1m30s`."""
PositiveDuration = Annotated[Duration, Field(gt=0)]
Rate = Annotated[
    float,
    BeforeValidator(_quantity(rate_per_s, "a rate such as '5/s' or '300/min'")),
    text_like(rf"^\s*{_NUMBER}\s*/\s*(s|sec|m|min|h|hour)\s*$", "5/s", "300/min", unit="/s"),
]
"""Per second, written `5/s` or `300/min`."""
Share = Annotated[
    float,
    BeforeValidator(_quantity(fraction, "a share such as '1%'")),
    text_like(rf"^\s*{_NUMBER}\s*%\s*$", "1%", "50%", unit="%"),
    Field(le=1),
]
"""A fraction, written `1%`."""
ByteCount = Annotated[
    int,
    BeforeValidator(_quantity(byte_count, "a size such as '64kB', '8MB' or '8MiB'")),
    text_like(rf"^\s*{_NUMBER}\s*(B|[kKMG]B|[KMG]iB)\s*$", "64kB", "8MB", "8MiB", unit="B"),
    Field(ge=1),
]
"""Bytes, written `64kB` or `8MB`."""
Integer = Annotated[int, BeforeValidator(_whole)]
Count = Annotated[Integer, Field(ge=1, le=MOST)]
Number = Annotated[float, BeforeValidator(_number)]
Flag = Annotated[bool, BeforeValidator(_flag)]
Text = Annotated[str, Field(min_length=1)]
PathText = Annotated[Path, BeforeValidator(_path)]
"""The path of a file, which need not exist."""
Items = Annotated[tuple[Item, ...], BeforeValidator(_items)]


class Between(Part):
    """Every whole number between two, as often."""

    least: Integer = Field(alias="from")
    """The least."""
    most: Integer = Field(alias="to")
    """The most."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.least > self.most:
            raise ValueError(f"'to' must not be below 'from': got {self.least} and {self.most}")
        return self
