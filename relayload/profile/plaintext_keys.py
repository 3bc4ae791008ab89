"""What stands where a key belongs and refers to nothing: a key in plain text, a placeholder, or one that is none."""

import re

from relayload.transport.origin import is_loopback
from relayload.transport.redaction import resembles_key

_SHORTEST_KEY = 8
"""Of headers. Shorter ones (`load`, `none`) open nothing."""
_LONG = re.compile(r"(?:Bearer\s+)?(?=\S*\d)\S{20,}")
"""No word, and no placeholder that anybody reads."""
_NO_KEY = re.compile(
    r"-|x|none|null|empty|dummy|fake|test|unused|ollama|lm-studio|not?-(?:api-?)?key(?:-required)?|not-(?:needed|used)|"
    r"sk-(?:fake|test|dummy|none|no-key-required|1234)|token-abc123",
    re.IGNORECASE,
)
"""What people write for relays that ask for no key."""
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
    """What to write for a key that a template or a shell would take for a variable; None where it is something else."""
    if file := _FILE.fullmatch(text):
        return f"${{file:{file['path']}}}"
    match = _VARIABLE.fullmatch(text)
    return f"${{env:{match[match.lastgroup or 0]}}}" if match else None


def is_placeholder(text: str) -> bool:
    """Whether it is what documentation has where one's own key belongs."""
    return _PLACEHOLDER.fullmatch(text) is not None


def is_key_of(base_url: object, text: str) -> bool:
    """Whether a plain text may be the key of that target: of another machine's, anything that is no word for none."""
    return is_plain_key(text) or (_elsewhere(base_url) and _NO_KEY.fullmatch(text) is None)


def is_plain_key(text: str) -> bool:
    """Whether it is a key by its looks alone."""
    return len(text) >= _SHORTEST_KEY and (resembles_key(text) or _LONG.fullmatch(text) is not None)


def _elsewhere(base_url: object) -> bool:
    """Not the fake relay, nor this machine."""
    hosts = [match["six"] or match["host"] for match in _HOST.finditer(base_url)] if isinstance(base_url, str) else []
    return bool(hosts) and not any(map(is_loopback, hosts))
