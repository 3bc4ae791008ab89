"""The secret that master and workers share, and the keys that are derived from it."""

import hmac
import os
import secrets
from collections.abc import MutableMapping
from pathlib import Path

from relayload import files
from relayload.core.errors import AuthorError, Fault

VARIABLE = "RELAYLOAD_JOIN_SECRET"
OPTION = "--relay-secret-file"

_LEAST_BYTES = 16
_MOST_BYTES = 4096
_NEW = "write `openssl rand -base64 32 > FILE`"


class JoinSecret:
    """A secret that prints as `***`, and of which only derived keys are used."""

    def __init__(self, secret: bytes) -> None:
        self._extracted = hmac.digest(b"relayload join", secret, "sha256")

    def key(self, purpose: bytes) -> bytes:
        """Return the key of 32 bytes for one purpose. Source: RFC 5869 (HKDF with SHA-256, one block)."""
        return hmac.digest(self._extracted, purpose + b"\x01", "sha256")

    def __repr__(self) -> str:
        return "***"


def random_secret() -> JoinSecret:
    """Return a secret for processes that are forked from this one."""
    return JoinSecret(secrets.token_bytes(32))


def read(file: Path | None, environ: MutableMapping[str, str] = os.environ) -> JoinSecret | None:
    """Return the secret that the file or the variable holds; None if neither is named.

    The variable is taken out of `environ`, so that neither a profile nor a child process sees it. Raises AuthorError.
    """
    written = environ.pop(VARIABLE, None)
    if file is None:
        return None if written is None else _fit(written.encode(), VARIABLE)
    if written is not None:
        raise AuthorError([Fault(f"{OPTION} and {VARIABLE} are both given: leave out one of them")])
    try:
        content = files.content(file, _MOST_BYTES)
    except OSError as error:
        raise AuthorError([Fault(f"can't be read: {error.strerror}", file=str(file), path=OPTION)]) from None
    return _fit(content, str(file))


def _fit(secret: bytes, where: str) -> JoinSecret:
    secret = secret.strip()
    if len(secret) < _LEAST_BYTES:
        why = f"the join secret has {len(secret)} bytes, and needs {_LEAST_BYTES}: {_NEW}"
        raise AuthorError([Fault(why, file=where)])
    return JoinSecret(secret)
