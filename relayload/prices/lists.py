"""Reads price lists."""

import re
from decimal import Decimal
from functools import cache
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from relayload.core.errors import AuthorError, Fault
from relayload.core.price import ANY, Price, Prices, price_of
from relayload.core.units import usd
from relayload.document import Document, Shape, load, parse, validate
from relayload.document.validation import nearest

_SUFFIX = ".yaml"
_IN_AND_OUT = re.compile(r"\$?(?P<input>\d{1,9}(\.\d{1,12})?)/\$?(?P<output>\d{1,9}(\.\d{1,12})?)")
_PLACE = re.compile(r"(.*?\.ya?ml|[^:/]*|.*(?=:)|.*)(?::(.*))?")
"""A price list, or its file, and perhaps a model after a colon. Models and folders may have colons in their names."""
_ALIASES = MappingProxyType({"relay": "holysheep"})
"""Other names for shipped lists."""


def dollars(value: object) -> Decimal:
    """Validate an amount such as `$2.10` or `2.1`. A float stands for the decimal number that it prints."""
    if isinstance(value, Decimal):
        return value
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError("expected dollars such as '$5' or '$0.01'")
    return usd(str(value))


Usd = Annotated[
    Decimal,
    BeforeValidator(dollars),
    WithJsonSchema(
        {
            "type": ["string", "number"],
            "pattern": r"^\s*\$?\s*\d+(\.\d+)?\s*$",
            "examples": ["$5", "$0.01"],
            "minimum": 0,
        }
    ),
]
"""US dollars, written `$5`, `$0.01` or `5`."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class PriceEntry(_Part):
    """The prices of one model, in US dollars per million tokens."""

    input: Usd
    """All that goes in."""
    output: Usd
    """All that comes out."""
    cached_input: Usd | None = None
    """The part of the input that was cached; without it as any input."""
    reasoning: Usd | None = None
    """The part of the output that was thought; without it as any output."""

    @property
    def price(self) -> Price:
        return Price(input=self.input, output=self.output, cached_input=self.cached_input, reasoning=self.reasoning)


class PriceList(_Part):
    """Prices by model; `any` stands for models that are not named."""

    description: str = ""
    """Whose prices these are."""
    recorded: str = ""
    """When the figures were written down."""
    models: Annotated[dict[str, PriceEntry], Field(min_length=1)]
    """Each with its prices."""

    @property
    def prices(self) -> Prices:
        return {model: entry.price for model, entry in self.models.items()}


def in_and_out(text: str) -> Price | None:
    """Return the price that `2/8` or `$2.10/$8.40` stands for, dollars per million tokens in and out; else None."""
    amounts = _IN_AND_OUT.fullmatch(text.strip())
    return Price(input=Decimal(amounts["input"]), output=Decimal(amounts["output"])) if amounts else None


def of_place(place: str, *, model_needed: bool = False) -> Prices:
    """Return the prices of a list, or one price for all models: that of one model, or a pair such as `2/8`.

    `place` is `LIST`, `LIST:MODEL` or `IN/OUT`. Raises AuthorError if there is no such list or model, or no model where
    one is needed.
    """
    if (price := in_and_out(place)) is not None:
        return {ANY: price}
    named = _PLACE.fullmatch(place)
    name, model = (named[1], named[2]) if named else (place, None)
    listed = read(name).prices
    if model is None:
        if model_needed:
            raise AuthorError([Fault(f"name a model, such as '{name}:{next(iter(listed))}'", place)])
        return listed
    found = price_of(model, listed)
    if found is None:
        raise AuthorError([Fault(f"has no price for '{model}'{nearest(model, listed)}", name)])
    return {ANY: found}


def names() -> list[str]:
    """Return the names of the lists that ship with the package."""
    shipped = files("relayload.prices").iterdir()
    return sorted(file.name.removesuffix(_SUFFIX) for file in shipped if file.name.endswith(_SUFFIX))


def is_file(name: str) -> bool:
    """Return whether that is the path of a file, rather than the name of a shipped list."""
    return "/" in name or name.endswith((_SUFFIX, ".yml"))


def read(name: str) -> PriceList:
    """Read the list of that name, or in that file. Raises AuthorError with every fault."""
    shipped = _ALIASES.get(name, name)
    return _shipped(shipped) if shipped in names() else validate(_document(name), PriceList)


@cache
def _shipped(name: str) -> PriceList:
    """Read a shipped list once, since every part of a run asks for it."""
    resource = files("relayload.prices") / f"{name}{_SUFFIX}"
    return validate(parse(resource.read_text(encoding="utf-8"), f"{name}{_SUFFIX}"), PriceList)


def _own(document: Document) -> Document:
    """Return the document if it is a price list. The fault repeats nothing of what may be a wrong file."""
    if isinstance(document.data, dict) and not Shape(PriceList).keys(()).intersection(document.data):
        raise AuthorError([Fault("is no price list: it has no 'models'", file=document.file)])
    return document


def _document(name: str) -> Document:
    if is_file(name):
        return _own(load(Path(name)))
    raise AuthorError([Fault(f"there is no price list '{name}'{nearest(name, [*names(), *_ALIASES])}")])
