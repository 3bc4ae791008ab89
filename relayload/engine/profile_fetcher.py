"""The worker's side of a travelling profile: asks for it piece by piece, and keeps its files in a directory."""

from collections.abc import Callable, Iterator, Mapping
from hashlib import sha256
from pathlib import Path

import msgspec

import relayload
from relayload.core.errors import AuthorError, Fault
from relayload.engine.messages import Content, ContentWanted
from relayload.engine.profile_sender import CHANGED, PIECE_BYTES
from relayload.profile import Profile
from relayload.profile.parcel import Parcel, TravellingFile, kept, unpacked
from relayload.recording.compression import CutShort, best_known, unpack

Ask = Callable[[ContentWanted], Content]
"""Asks until there is an answer to just that question. Raises AuthorError if there is none in time."""


def fetch(ask: Ask, new_folder: Callable[[], Path], environ: Mapping[str, str]) -> Profile:
    """Return the profile of the master, with its files in a new folder and the secrets of this host.

    Raises AuthorError if the master refuses, if something is missing here, or if the disk is full.
    """
    parcel = msgspec.msgpack.decode(b"".join(_content(ask)), type=Parcel)
    folder = new_folder() if parcel.files else Path()
    for file in parcel.files:
        _keep(file, ask, folder)
    return unpacked(parcel, folder, environ)


def answers(content: Content, wanted: ContentWanted) -> bool:
    """Return whether an answer is to that question, rather than a late one to another."""
    return content.refusal is not None or (
        content.offset == wanted.offset and content.sha256 == (wanted.sha256 or content.sha256)
    )


def _content(ask: Ask, digest: str = "") -> Iterator[bytes]:
    """Yield the pieces of a content. Raises AuthorError if they are not what the hash is of."""
    received, offset, size = sha256(), 0, 1
    while offset < size:
        wanted = ContentWanted(version=relayload.__version__, offset=offset, sha256=digest, compression=best_known())
        content = ask(wanted)
        if content.refusal is not None:
            raise _fault(content.refusal)
        digest, size = content.sha256, content.size
        data = _unpacked(content)
        received.update(data)
        offset += len(data)
        yield data
    if received.hexdigest() != digest:
        raise _fault(CHANGED)


def _unpacked(content: Content) -> bytes:
    """Return the data of a piece, of which only an empty content has none. Raises AuthorError."""
    try:
        data = unpack(content.data, content.compression, PIECE_BYTES)
    except CutShort:
        raise _fault("a piece of the profile is damaged") from None
    if not data and content.size:
        raise _fault(CHANGED)
    return data


def _keep(file: TravellingFile, ask: Ask, folder: Path) -> None:
    path = kept(file, folder)
    if path.exists():
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as out:
            for data in _content(ask, file.sha256):
                out.write(data)
    except OSError as error:
        raise AuthorError([Fault(f"can't be written: {error.strerror}", file=str(path))]) from None


def _fault(message: str) -> AuthorError:
    return AuthorError([Fault(message)])
