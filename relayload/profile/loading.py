"""From a file to a profile, or to all that is wrong with it."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from relayload import document
from relayload.core.errors import AuthorError
from relayload.document import Document
from relayload.profile.checks import check
from relayload.profile.model import Profile
from relayload.profile.variables import concealed, expanded, redacted, unencodable


def load(path: Path, sets: Sequence[str] = (), environ: Mapping[str, str] | None = None) -> Profile:
    """Read a profile, with `path.to.value=YAML` set and environment variables in place.

    Raises AuthorError with every fault at once.
    """
    written = document.load(path).override(sets)
    content = expanded(written, os.environ if environ is None else environ)
    try:
        return _profile(content, path)
    except AuthorError as error:
        raise AuthorError(concealed(error.faults, written, content)) from None


def _profile(content: Document, path: Path) -> Profile:
    if halves := unencodable(content):
        raise AuthorError([*content.faults, *halves])
    faults = (*content.faults, *check(content, path.parent))
    profile = document.validate(replace(content, faults=faults), Profile)
    return profile.read_from(path, redacted(content.data))
