"""Queries of base URLs, such as Azure's `?api-version=2024-10-21`: sent with every request, but must not hold a key."""

import re
from urllib.parse import unquote_plus

from relayload.transport.redaction import resembles_key

KEY_IN_QUERY = (
    "must not hold a key, which logs and reports would show: write it as api_key, with api_key_header where it is not "
    "sent as 'Authorization: Bearer ...'"
)

_PAIR = re.compile("[&;]")
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_KEYS = re.compile(
    r"(?:keys?|token|secret|signature|password|credentials?|authorization|assertion)$"
    r"|^(?:auth|bearer|code|jwt|pass|passwd|pwd|sas|sig|session|ticket)$",
    re.IGNORECASE,
)


def names_a_key(query: str) -> bool:
    """Return whether a parameter's name is usual for keys (`api-key`, `code`, `sig`), or its value looks like one."""
    pairs = (unquote_plus(pair).partition("=") for pair in _PAIR.split(query))
    return any(_is_key(name) or resembles_key(value) for name, _, value in pairs)


def without_key(url: str) -> str:
    """Return the URL without credentials and fragment, and with `***` in place of a query that may hold a key."""
    head, mark, query = url.partition("#")[0].partition("?")
    scheme, slashes, rest = head.partition("//")
    authority, slash, path = rest.partition("/")
    head = f"{scheme}{slashes}{authority.rpartition('@')[2]}{slash}{path}"
    return f"{head}{mark}***" if names_a_key(query) else f"{head}{mark}{query}"


def _is_key(name: str) -> bool:
    """Judge a parameter's name by its last word, in any naming style: `pass-through` is not a key."""
    return any(_KEYS.search(word) for word in _WORD.findall(name)[-1:])


def before_query(base_url: str, more: str) -> str:
    """Return the base URL with `more`, such as `/v1`, at the end of its path."""
    path, mark, query = base_url.partition("?")
    return path.rstrip("/") + more + mark + query
