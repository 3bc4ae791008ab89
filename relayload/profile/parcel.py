"""A profile as it travels to another host: with all it extends and sets, and the files that it names by their content.

Variables are resolved where the profile was read, but for those of secrets: these travel as references, and the host
that they come to has the values. A key that the profile itself holds does not travel, nor does a certificate that has
its key beside it.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from msgspec import Struct

from relayload import files
from relayload.core.errors import AuthorError, Fault
from relayload.document import Document, Location
from relayload.profile.loading import SHAPE, load_document
from relayload.profile.model import Profile
from relayload.profile.variables import escaped

_WITH_A_KEY = "client_cert"
_PRIVATE = b"PRIVATE KEY-----"
_MOST_PEM_BYTES = 4 << 20
_PIECE_BYTES = 1 << 20


class TravellingFile(Struct, frozen=True):
    """A file that a profile names at a location."""

    location: Location
    name: str
    sha256: str
    bytes: int


class Parcel(Struct, frozen=True, kw_only=True):
    """A profile without the content of its files."""

    file: str
    """The name of the profile's file."""
    canonical: str
    """The effective profile as JSON, with `***` for secrets."""
    references: list[tuple[Location, str]]
    """What stands in place of the secrets."""
    files: list[TravellingFile]


@dataclass(frozen=True, slots=True)
class Packed:
    """A parcel, with the paths of its files by their hashes."""

    parcel: Parcel
    paths: Mapping[str, Path]


def packed(profile: Profile) -> Packed:
    """Make the parcel of a profile. Raises AuthorError for a key in it, or a file that can't be read or sent."""
    references = list(profile.references.items())
    faults: list[Fault] = []
    named: list[TravellingFile] = []
    paths: dict[str, Path] = {}
    for location, text in _paths(profile.effective):
        if location[-1] == _WITH_A_KEY:
            continue
        path = _found(profile.source.parent, text)
        try:
            file = TravellingFile(location, path.name, *_digest(path, location))
        except (OSError, ValueError) as error:
            faults.append(profile.fault(location, f"'{path}' can't be sent to another host: {_reason(error)}"))
            continue
        named.append(file)
        paths[file.sha256] = path
    if faults:
        raise AuthorError(faults)
    parcel = Parcel(file=profile.source.name, canonical=profile.canonical, references=references, files=named)
    return Packed(parcel, paths)


def unpacked(parcel: Parcel, folder: Path, environ: Mapping[str, str]) -> Profile:
    """Return the profile of a parcel whose files lie in that folder, with the secrets of this host.

    Paths in references, and those of certificates with their keys, start from the working directory. Raises AuthorError
    with all that is missing here.
    """
    effective: dict[str, Any] = json.loads(parcel.canonical)
    given = dict(parcel.references)
    given |= {file.location: escaped(str(kept(file, folder).absolute())) for file in parcel.files}
    written = Document(effective, f"{parcel.file} of the master").substitute(
        lambda location, text: given.get(location, escaped(text))
    )
    return load_document(written, Path(parcel.file), environ).with_effective(effective)


def kept(file: TravellingFile, folder: Path) -> Path:
    """Return where a file lies on the host that it has come to, under its own name."""
    return folder / Path(file.sha256).name / Path(file.name).name


def _paths(data: dict[str, Any]) -> Iterator[tuple[Location, str]]:
    """Yield the paths of files that a profile names, with their locations."""
    found: list[tuple[Location, str]] = []

    def note(location: Location, text: str) -> str:
        if SHAPE.is_path(location, text):
            found.append((location, text))
        return text

    Document(data, "").substitute(note)
    yield from found


def _found(folder: Path, text: str) -> Path:
    """Return the path of a file: beside the profile or, as a trace may be, in the working directory."""
    beside = folder / text
    return beside if beside.exists() or not Path(text).exists() else Path(text)


def _digest(path: Path, location: Location) -> tuple[str, int]:
    """Return the hash of a file and its size. Raises OSError or ValueError if it must not be sent."""
    if location[-1] == "ca_file" and _PRIVATE in files.content(path, _MOST_PEM_BYTES):
        raise ValueError("it holds a private key")
    digest, size = sha256(), 0
    with files.opened(path) as file:
        while piece := file.read(_PIECE_BYTES):
            digest.update(piece)
            size += len(piece)
    return digest.hexdigest(), size


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)
