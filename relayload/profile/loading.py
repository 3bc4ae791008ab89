"""Loads a file into a profile, or reports all that is wrong with it."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from relayload import document
from relayload.core.errors import AuthorError
from relayload.document import Document, Location, Shape, load_extended, with_present_names
from relayload.document.extends import KEY as EXTENDS
from relayload.profile.cautions import cautions
from relayload.profile.checks import checked
from relayload.profile.model import Profile
from relayload.profile.ready_profiles import find
from relayload.profile.secrets import concealed, in_arguments, misused, redacted, secret_locations, travelling
from relayload.profile.variables import expand, expanded, unencodable

SHAPE = Shape(Profile)
_NAMED = ("targets", "scenarios")
"""What a profile has several of by name."""


def load(path: Path, sets: Sequence[str] = (), environ: Mapping[str, str] | None = None) -> Profile:
    """Load a profile and what it extends, apply `path.to.value=YAML` overrides and replace variables.

    A name such as `quickstart` is that of a ready profile, unless there is a file of that name. Raises AuthorError with
    every fault at once.
    """
    path = find(path)
    environ = os.environ if environ is None else environ
    return load_document(_written(path, sets, environ), path, environ)


def load_document(written: Document, path: Path, environ: Mapping[str, str] | None = None) -> Profile:
    """Load a profile from a document that extends nothing, as if it were that file. Raises as `load` does."""
    environ = os.environ if environ is None else environ
    written = _without_nulls(with_present_names(written, SHAPE))
    secrets = secret_locations(written)
    content = expanded(written, environ, path.parent, secrets)
    content = replace(content, faults=(*content.faults, *misused(written, secrets), *in_arguments(written, secrets)))
    try:
        profile = _profile(content, path, secrets).with_cautions(tuple(cautions(written, secrets)))
    except AuthorError as error:
        raise AuthorError(concealed(error.faults, secrets, written, content)) from None
    return profile.with_references(*travelling(written, secrets)).written_as(written)


def overridden(profile: Profile, sets: Sequence[str], environ: Mapping[str, str] | None = None) -> Profile:
    """Return a profile with further `path.to.value=YAML` overrides, without reading its own files again.

    Equal profiles with equal overrides are equal, on whichever host they were read. Raises AuthorError.
    """
    if not sets:
        return profile
    varied = load_document(profile.written.override(sets), profile.source, environ)
    return varied.with_effective(Document(profile.effective, "").override(sets).data)


def _without_nulls(written: Document) -> Document:
    """Return the profile without the targets and scenarios that are null, as if they were not there."""
    if not isinstance(written.data, dict):
        return written
    named = {part: mapping for part in _NAMED if isinstance(mapping := written.data.get(part), dict)}
    kept = {
        part: {name: value for name, value in mapping.items() if value is not None}
        for part, mapping in named.items()
        if None in mapping.values()
    }
    return replace(written, data={**written.data, **kept}) if kept else written


def _written(path: Path, sets: Sequence[str], environ: Mapping[str, str]) -> Document:
    merged = load_extended(path, SHAPE, lambda name: expand(name, environ), find).override(sets)
    if not isinstance(merged.data, dict) or EXTENDS not in merged.data:
        return merged
    late = merged.fault((EXTENDS,), "can't be set: write it in the file")
    return replace(merged, faults=(*merged.faults, late))


def _profile(content: Document, path: Path, secrets: tuple[Location, ...]) -> Profile:
    if halves := unencodable(content):
        raise AuthorError([*content.faults, *halves])
    profile = document.validate(checked(content, path.parent), Profile)
    return profile.read_from(path, redacted(content.data, secrets), content.fault)
