"""Recognises secrets that refer to nothing: keys in plain text, placeholders, and words for no key."""

import re

from relayload.transport.origin import is_loopback
from relayload.transport.redaction import resembles_key

_SHORTEST_KEY = 8
"""The shortest key in a header. Shorter values (`load`, `none`) are no secrets."""
_LONG = re.compile(r"(?:Bearer\s+)?(?=\S*\d)\S{20,}")
"""Text with a digit that is too long for a word or a placeholder."""
_NO_KEY = re.compile(
    r"-|x|none|null|empty|dummy|fake|test|unused|ollama|lm-studio|not?-(?:api-?)?key(?:-required)?|not-(?:needed|used)|"
    r"sk-(?:fake|test|dummy|none|no-key-required|1234)|token-abc123",
    re.IGNORECASE,
)
"""Common values for relays that ask for no key."""
_PLACEHOLDER = re.compile(
    r"<.*>|\[.*\]|.*(?:\.\.\.|…|\*{3,})|(?:sk-)?x{3,}|(?:sk-)?(?:your|my)[-_\w]*key[-_\w]*|change[-_]?me", re.IGNORECASE
)
_VARIABLE = re.compile(
    r"\{\{\s*(?:env[.:])?(?P<braces>[A-Za-z_]\w*)\s*\}\}|\{(?P<brace>[A-Za-z_]\w*)\}|(?:env|ENV):(?P<env>[A-Za-z_]\w*)|"
    r"(?P<bare>[A-Z]+(?:_[A-Z]+)+)"
)
_FILE = re.compile(r"file:(?P<path>[^{}\s]+)")
_HOST = re.compile(r"https?://(?:\[(?P<six>[^\]]+)\]|(?P<host>[^/:?#]+))")


def reference_meant(text: str) -> str | None:
    """Return our spelling of a reference in the style of a template or a shell; None for any other text."""
    if file := _FILE.fullmatch(text):
        return f"${{file:{file['path']}}}"
    match = _VARIABLE.fullmatch(text)
    return f"${{env:{match[match.lastgroup or 0]}}}" if match else None


def is_placeholder(text: str) -> bool:
    """Return whether it is a placeholder, as documentation has instead of a key."""
    return _PLACEHOLDER.fullmatch(text) is not None


def is_no_key(text: str) -> bool:
    """Return whether a text is one of those that stand where a relay asks for no key."""
    return _NO_KEY.fullmatch(text) is not None


def is_key_of(base_url: object, text: str) -> bool:
    """Return whether a text may be the key of that target: on another machine, anything but a word for no key."""
    return is_plain_key(text) or (_elsewhere(base_url) and not is_no_key(text))


def is_plain_key(text: str) -> bool:
    """Return whether the text looks like a key, wherever it stands."""
    return len(text) >= _SHORTEST_KEY and (resembles_key(text) or _LONG.fullmatch(text) is not None)


def _elsewhere(base_url: object) -> bool:
    """Return whether the URL leads to another machine."""
    hosts = [match["six"] or match["host"] for match in _HOST.finditer(base_url)] if isinstance(base_url, str) else []
    return bool(hosts) and not any(map(is_loopback, hosts))
