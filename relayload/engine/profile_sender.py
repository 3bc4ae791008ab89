"""The master's side of a travelling profile: answers workers that ask for it, piece by piece."""

from functools import cached_property
from hashlib import sha256
from typing import cast

import gevent
import msgspec

import relayload
from relayload import files
from relayload.core.errors import AuthorError
from relayload.engine.messages import Content, ContentWanted
from relayload.engine.versions import other_version
from relayload.profile import Profile
from relayload.profile.parcel import Packed, packed
from relayload.recording.compression import Compression, best_known, pack

CHANGED = "a file of the profile has changed on the master: start the master anew"
PIECE_BYTES = 256 << 10
"""The most bytes of a piece before compression: the channel also carries heartbeats, which must not wait for long."""


class ProfileSender:
    """Holds the parcel of a profile, once somebody has asked for it. An answer depends on the question alone."""

    def __init__(self, profile: Profile) -> None:
        self._profile = profile

    def answer(self, wanted: ContentWanted) -> Content:
        """Return the piece of content that somebody wants, or why there is none."""
        if refusal := other_version(wanted.version, relayload.__version__):
            return Content(refusal=refusal)
        try:
            return self._piece(wanted)
        except AuthorError as error:
            return Content(refusal=str(error))
        except (OSError, KeyError):
            return Content(refusal=CHANGED)

    def _piece(self, wanted: ContentWanted) -> Content:
        digest = wanted.sha256 or self._parcel_sha256
        if digest == self._parcel_sha256:
            size, data = len(self._parcel), self._parcel[wanted.offset : wanted.offset + PIECE_BYTES]
        else:
            size = self._sizes[digest]
            with files.opened(self._packed.paths[digest]) as file:
                file.seek(wanted.offset)
                data = file.read(PIECE_BYTES)
        understood = wanted.compression if wanted.compression is best_known() else Compression.GZIP
        return Content(
            offset=wanted.offset, sha256=digest, size=size, data=pack(data, understood), compression=understood
        )

    @cached_property
    def _packed(self) -> Packed:
        """The parcel, made in a thread: the leases of a run must not wait until a large trace is hashed."""
        found = cast(Packed | AuthorError, gevent.get_hub().threadpool.apply(_packed, (self._profile,)))
        if isinstance(found, AuthorError):
            raise found
        return found

    @cached_property
    def _parcel(self) -> bytes:
        return msgspec.msgpack.encode(self._packed.parcel)

    @cached_property
    def _parcel_sha256(self) -> str:
        return sha256(self._parcel).hexdigest()

    @cached_property
    def _sizes(self) -> dict[str, int]:
        return {file.sha256: file.bytes for file in self._packed.parcel.files}


def _packed(profile: Profile) -> Packed | AuthorError:
    """Return the parcel, or the error: gevent would print one that is raised in a thread."""
    try:
        return packed(profile)
    except AuthorError as error:
        return error
