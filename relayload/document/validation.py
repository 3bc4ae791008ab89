"""Reports what pydantic finds in a document as faults, each with its place and what to write instead."""

import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from types import MappingProxyType
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from relayload.core.errors import AuthorError, Fault
from relayload.document.shape import Shape
from relayload.document.source import Document, Location
from relayload.document.spelling import spelled

Model = TypeVar("Model", bound=BaseModel)

_SECRET = re.compile(r"(^|_)key$|^headers$|secret|password|authorization", re.IGNORECASE)
_PAIR = re.compile(r"(?P<key>[A-Za-z_]\w*):[^\s/].*", re.DOTALL)


def validate(document: Document, model: type[Model]) -> Model:
    """Validate the document as that model. Raises AuthorError with every fault, including the document's own."""
    try:
        value = model.model_validate(document.data)
    except ValidationError as error:
        raise AuthorError(_in_order([*document.faults, *_model_faults(document, model, error)])) from None
    if document.faults:
        raise AuthorError(_in_order(document.faults))
    return value


_FEW = 20
"""The most words that are listed in full."""
_SYNONYMS: Mapping[str, str] = MappingProxyType(
    {
        "max_tokens": "max_output_tokens",
        "max_completion_tokens": "max_output_tokens",
        "rps": "rate",
        "duration": "for",
        "key": "api_key",
        "url": "base_url",
        "thresholds": "objectives",
    }
)
"""Names in other tools and APIs that are spelled unlike ours."""


def nearest(word: str, known: Iterable[str]) -> str:
    """Return `; did you mean 'rate'?`, or else the known words, of many the closest; empty if there are none."""
    words = sorted(known)
    if _SYNONYMS.get(word) in words:
        return f"; did you mean '{_SYNONYMS[word]}'?"
    return _did_you_mean(word, words) or _known(word, words)


def _in_order(faults: Iterable[Fault]) -> list[Fault]:
    return sorted(faults, key=lambda fault: (fault.file, fault.line, fault.column))


def _model_faults(document: Document, model: type[BaseModel], error: ValidationError) -> list[Fault]:
    """Return one fault for each place, which joins the failures of all branches of a union."""
    reported = {(fault.path, fault.file, fault.line, fault.column) for fault in document.faults}
    faults: dict[tuple[str, bool], list[Fault]] = {}
    for details in error.errors(include_url=False):
        fault = _fault(document, model, details)
        if (fault.path, fault.file, fault.line, fault.column) not in reported:
            faults.setdefault((fault.path, details["type"] == "extra_forbidden"), []).append(fault)
    return [_joined(group) for group in faults.values()]


def _joined(group: list[Fault]) -> Fault:
    first = group[0]
    messages = dict.fromkeys(fault.message for fault in group)
    return Fault(" or ".join(messages), first.path, first.file, first.line, first.column)


def _fault(document: Document, model: type[BaseModel], details: ErrorDetails) -> Fault:
    kind, piece = details["type"], details["loc"][-1] if details["loc"] else ""
    location = data_location(document.data, details["loc"], missing=kind == "missing")
    if kind == "extra_forbidden":
        names = Shape(model).keys(details["loc"][:-1])
        pair = _PAIR.fullmatch(str(piece))
        hint = f"; a colon needs a space after it: '{pair['key']}: …'" if pair and pair["key"] in names else ""
        return document.fault(location, f"unknown key{hint or nearest(str(piece), names)}", at_key=True)
    if kind.startswith("union_tag"):
        return _union_fault(document, location, details)
    message = _message(location, details)
    return document.fault(location, f"{message}{_unspaced(message, details['input'])}", at_key=piece == "[key]")


def _unspaced(message: str, got: object) -> str:
    """Return the hint for a text that a missing space keeps from being a mapping or a list."""
    if not isinstance(got, str):
        return ""
    if message.startswith("expected a mapping") and (pair := _PAIR.fullmatch(got)):
        return f"; a colon needs a space after it: '{pair['key']}: …'"
    if message.startswith("expected a list") and got.startswith("-"):
        return "; a dash needs a space after it"
    return ""


def _union_fault(document: Document, location: Location, details: ErrorDetails) -> Fault:
    context = details["ctx"]
    key = context["discriminator"].strip("'")
    if details["type"] == "union_tag_not_found":
        written = details["input"] if isinstance(details["input"], dict) else {}
        if near := get_close_matches(key, map(str, written), n=1):
            return document.fault((*location, near[0]), f"unknown key; did you mean '{key}'?", at_key=True)
        return document.fault((*location, key), "is required")
    expected = re.findall(r"'([^']*)'", context["expected_tags"])
    message = f"expected {_alternatives(expected)}, got '{context['tag']}'{_did_you_mean(context['tag'], expected)}"
    return document.fault((*location, key), message)


def _message(location: Location, details: ErrorDetails) -> str:
    kind, context = details["type"], details.get("ctx", {})
    if kind == "missing":
        return "is required"
    if kind == "value_error":
        return str(context["error"])
    if kind.startswith("bool"):
        return f"expected true or false, got {spelled(details['input'])}"
    expected = re.sub(r"^(Input|Value|List|String) should", "should", details["msg"])
    expected = re.sub(r"^should (be|have|match) ?", "expected ", expected)
    expected = re.sub("valid dictionary( or instance of .*)?", "mapping", expected)
    if location and _SECRET.search(str(location[-1])):
        return expected
    got = details["input"]
    hint = _did_you_mean(got, re.findall(r"'([^']*)'", expected)) if kind in ("literal_error", "enum") else ""
    return f"{expected}, got {spelled(got)}{hint}"


def _did_you_mean(word: Any, known: list[str]) -> str:
    close = get_close_matches(str(word), known, n=1)
    return f"; did you mean '{close[0]}'?" if close else ""


def _known(word: str, words: list[str]) -> str:
    if len(words) <= _FEW:
        return f"; known: {', '.join(words)}" if words else ""
    close = get_close_matches(word, words, n=5, cutoff=0.0)
    return f"; the closest of {len(words)}: {', '.join(close)}"


def _alternatives(words: list[str]) -> str:
    quoted = [f"'{word}'" for word in words]
    return " or ".join(filter(None, (", ".join(quoted[:-1]), quoted[-1])))


def data_location(data: Any, loc: Location, *, missing: bool = False) -> Location:
    """Return the location in the data for that of an error, in which pydantic adds tags of unions and `[key]`.

    A tag may be spelled like a key, so the reading that explains most of `loc` wins.
    """
    readings = _readings(data, tuple(piece for piece in loc if piece != "[key]"), missing)
    return max(readings, key=lambda reading: (reading[0], len(reading[1])))[1]


def _readings(data: Any, loc: Location, missing: bool) -> list[tuple[bool, Location]]:
    """Return every location that `loc` may stand for, each with whether its last piece is in the data."""
    if not loc:
        return [(False, ())]
    piece, rest = loc[0], loc[1:]
    found = _readings(data, rest, missing)
    if holds(data, piece):
        found += [(ends or not rest, (piece, *path)) for ends, path in _readings(data[piece], rest, missing)]
    elif missing and not rest and isinstance(data, dict):
        found.append((True, (piece,)))
    return found


def holds(data: Any, piece: str | int) -> bool:
    """Return whether a list or mapping has such an item."""
    if isinstance(data, list):
        return isinstance(piece, int) and piece < len(data)
    return isinstance(data, dict) and piece in data
