"""Reads `capacity.json`, the answer of a search."""

from pathlib import Path

import msgspec

from relayload import files
from relayload.core.capacity.answer import Capacity
from relayload.core.errors import AuthorError, Fault
from relayload.recording.cleaning import check_numbers, cleaned

FILE = "capacity.json"
_MOST_BYTES = 64 << 20
_LEAST_RATE, _MOST = 1e-6, 10**9
"""The least rate, and the most tokens of a request or dollars for a million of them, that make sense."""
_RATES = ("proven_per_s", "refuted_per_s", "estimate_per_s")


class _OtherFile(Exception):
    """The file holds no answer of a search."""


def read(path: Path) -> Capacity:
    """Read a `capacity.json`, or that of a directory. Raises AuthorError if it is none."""
    if path.is_dir():
        return _read_in(path)
    try:
        content = files.content(path, _MOST_BYTES)
        _check_kind(content)
        data = cleaned(content)
        check_numbers(data)
        found = msgspec.json.decode(data, type=Capacity)
        _check(found)
    except OSError as error:
        raise AuthorError([Fault(f"can't be read: {error.strerror}", file=str(path))]) from None
    except _OtherFile:
        what = f"is no {FILE}: name the directory of a 'relayload capacity', or the file in it"
        raise AuthorError([Fault(what, file=str(path))]) from None
    except RecursionError:
        raise AuthorError(
            [Fault(f"is not a {FILE} of this version: it is nested too deeply", file=str(path))]
        ) from None
    except (msgspec.DecodeError, ValueError, AssertionError) as error:
        raise AuthorError([Fault(f"is not a {FILE} of this version: {error}", file=str(path))]) from None
    return found


def _check_kind(content: bytes) -> None:
    """Raise _OtherFile for what is another document, whatever its version."""
    try:
        fields = msgspec.json.decode(content)
    except msgspec.DecodeError as error:
        raise _OtherFile from error
    if not isinstance(fields, dict) or not {"answer", "reason"} <= fields.keys():
        raise _OtherFile


def _read_in(directory: Path) -> Capacity:
    path = directory / FILE
    if not path.exists():
        what = f"has no {FILE}: name the directory of a 'relayload capacity', or the file in it"
        raise AuthorError([Fault(what, file=str(directory))])
    return read(path)


def _check(capacity: Capacity) -> None:
    """Raise ValueError for numbers that no search has written."""
    rates = [(name, getattr(capacity, name)) for name in _RATES]
    if capacity.ceiling is not None:
        rates.append(("ceiling.per_s", capacity.ceiling.per_s))
    for name, rate in rates:
        if rate is not None and rate < _LEAST_RATE:
            raise ValueError(f"{name} is {rate:g}, and a rate is above 0")
    for model, use in capacity.models.items():
        tokens = (use.input_tokens, use.output_tokens, use.cached_input_tokens, use.reasoning_tokens)
        if not 0 <= use.share <= 1 or any(count is not None and not 0 <= count <= _MOST for count in tokens):
            raise ValueError(f"models.{model} holds a share or tokens that no request has")
    for model, price in capacity.prices.items():
        amounts = (price.input, price.output, price.cached_input, price.reasoning)
        if any(amount is not None and not (amount.is_finite() and 0 <= amount <= _MOST) for amount in amounts):
            raise ValueError(f"prices.{model}: expected dollars per million tokens")
