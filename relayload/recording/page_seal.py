"""The last line of a page: a digest of the page, of all that it was made of, and of the code that made it.

As long as it is right the page is what would be drawn, and nobody has edited it.
"""

import hashlib
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import relayload

_BEGIN, _END = "\n<!-- made of ", " -->\n"
_CODE = (".py", ".j2", ".css", ".js")


def sealed(page: str, made_of: Iterable[bytes]) -> str:
    """Return a page with its seal."""
    digest = _digest([_code(), page.encode(), *made_of])
    return f"{page}{_BEGIN}{digest.hex()}{_END}"


def is_sealed(page: str, made_of: Iterable[bytes]) -> bool:
    """Return whether this version of relayload sealed the page when it was made of the same."""
    return page == sealed(page.rpartition(_BEGIN)[0], made_of)


def _digest(parts: Iterable[bytes]) -> bytes:
    return hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in parts)).digest()


@cache
def _code() -> bytes:
    """Return the digest of our own code, since a version under development has had many."""
    folder = Path(relayload.__file__).parent
    return _digest(path.read_bytes() for path in sorted(folder.rglob("*")) if path.suffix in _CODE)
