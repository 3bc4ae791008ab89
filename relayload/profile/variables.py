"""Variables in the texts of a profile: `${env:NAME}`, `${env:NAME:-default}`, `${env:NAME:?what to set it to}`, and
`${file:PATH}` for secrets.

They are replaced after the YAML is parsed, in values only, so that their content can't change the structure. As in a
shell, the default also replaces an empty variable, and `:?` refuses one. White space around the content of a file is
removed; its path is relative to the profile. `$${` stands for `${` itself.
"""

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from relayload import files
from relayload.core.errors import Fault
from relayload.document import Document, Location
from relayload.document.encoding import decoded

_REFERENCE = re.compile(r"(?P<escape>\$\$\{)|\$\{(?P<body>[^{}]*)(?P<end>\}?)")
_VARIABLE = re.compile(
    r"(?P<reference>env:(?P<name>[A-Za-z_][A-Za-z0-9_]*))(:-(?P<default>.*)|:\?(?P<hint>.*))?", re.DOTALL
)
_PATH = re.compile(r"(?P<reference>file:(?P<path>[^{}]+))")
_MOST_BYTES = 65536
"""The most bytes that are read of a file, which is more than any key has, in case somebody names a wrong file."""


def expanded(
    document: Document, environ: Mapping[str, str], folder: Path = Path(), secrets: Collection[Location] = ()
) -> Document:
    """Replace the variables in a document, and references to files in that folder where a secret belongs.

    A reference that can't be replaced is a fault at its place.
    """
    return document.substitute(lambda place, text: expand(text, environ, folder if place in secrets else None))


def expand(text: str, environ: Mapping[str, str], folder: Path | None = None) -> str:
    """Replace the variables in one text. Without a folder it may not refer to files. Raises ValueError."""
    return _REFERENCE.sub(lambda match: _value(match, environ, folder), text) if "${" in text else text


def references(text: str) -> set[str]:
    """Return what a text refers to: `env:NAME` and `file:PATH`."""
    bodies = (match["body"] or "" for match in _REFERENCE.finditer(text)) if "${" in text else ()
    found = (_VARIABLE.fullmatch(body) or _PATH.fullmatch(body) for body in bodies)
    return {match["reference"] for match in found if match}


def without_defaults(text: str, harmless: Callable[[str], bool]) -> str:
    """Return a text whose references have no defaults but harmless ones."""

    def bare(match: re.Match[str]) -> str:
        variable = _VARIABLE.fullmatch(match["body"] or "")
        kept = variable is None or not variable["default"] or harmless(variable["default"])
        return match[0] if variable is None or kept else f"${{{variable['reference']}}}"

    return _REFERENCE.sub(bare, text)


def around_references(text: str) -> str:
    """Return what a text has beside its references."""
    return _REFERENCE.sub(lambda match: "${" if match["escape"] else "", text)


def escaped(text: str) -> str:
    """Return the text that `expand` turns into this one."""
    return text.replace("${", "$${")


def texts(value: Any, location: Location = ()) -> Iterator[tuple[Location, str]]:
    """Yield every text with its location; keys have that of their mapping."""
    if isinstance(value, str):
        yield location, value
    if isinstance(value, dict):
        yield from ((location, key) for key in value if isinstance(key, str))
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from texts(item, (*location, key))


def unencodable(document: Document) -> list[Fault]:
    """Return faults for texts with half of a UTF-16 pair, as `"\\ud83d"` in YAML makes; no message can repeat it."""
    return [
        document.fault(location, "holds half a character, which no UTF-8 text can")
        for location, text in texts(document.data)
        if not text.isascii() and any("\ud800" <= letter <= "\udfff" for letter in text)
    ]


def _value(match: re.Match[str], environ: Mapping[str, str], folder: Path | None) -> str:
    if match["escape"]:
        return "${"
    body = match["body"] if match["end"] else ""
    if path := _PATH.fullmatch(body):
        return _content(path["path"], folder)
    if variable := _VARIABLE.fullmatch(body):
        return _variable(variable["name"], variable["default"], variable["hint"], environ, secret=folder is not None)
    # Not repeated: somebody may have put a key between the braces.
    raise ValueError("expected '${env:NAME}', '${env:NAME:-default}' or '${file:PATH}'; write '$${' for a plain '${'")


def _variable(name: str, default: str | None, hint: str | None, environ: Mapping[str, str], *, secret: bool) -> str:
    value = environ.get(name)
    if not value and hint is not None:
        raise ValueError(f"the environment variable {name} is not set: {hint.strip() or 'set it'}")
    if value is None and default is None:
        otherwise = "" if secret else f", or write ${{env:{name}:-default}}"
        raise ValueError(f"the environment variable {name} is not set: set it{otherwise}")
    return value or default or ""


def _content(path: str, folder: Path | None) -> str:
    if folder is None:
        raise ValueError("the content of a file may stand in an api_key or a header alone")
    try:
        return decoded(files.content(folder / Path(path).expanduser(), _MOST_BYTES)).strip()
    except UnicodeDecodeError:
        raise ValueError(f"'{path}' is no text in UTF-8") from None
    except (OSError, RuntimeError) as error:  # RuntimeError: no such home
        raise ValueError(f"'{path}' can't be read: {getattr(error, 'strerror', None) or error}") from None
