"""The profile of a measurement: the direct way, the direct way once more, and the relays, each sent every arrival."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from relayload.core.errors import AuthorError, Fault
from relayload.core.overhead.phase import Names
from relayload.document import Document, Location
from relayload.profile import Profile
from relayload.profile.plaintext_keys import is_no_key
from relayload.profile.secrets import at, secret_locations

AGAIN = "again"
"""What the name of the direct way's second target ends with."""
_PATHS: tuple[Location, ...] = (("prices",), ("tls", "ca_file"), ("tls", "client_cert"))


@dataclass(frozen=True, slots=True)
class PairedProfile:
    """What is measured: the text of a profile, its overrides, and the names of its targets."""

    data: dict[str, Any]
    sets: tuple[str, ...]
    names: Names


def from_profile(file: Path, profile: Profile, reference: str | None, sets: Sequence[str]) -> PairedProfile:
    """Return what a profile with several targets stands for; the first of them is the reference unless one is named.

    Raises AuthorError if it has no relay, or a key that would have to be copied.
    """
    named = profile.named_targets
    if len(named) < 2:
        fault = Fault("names one: write the direct way and the relays there", file=str(file), path="targets")
        raise AuthorError([fault])
    if reference is not None and reference not in named:
        message = f"there is no target '{reference}': expected one of {', '.join(named)}"
        raise AuthorError([Fault(message, path="--reference")])
    direct = reference or next(iter(named))
    written = profile.written
    if faults := [*_literal_keys(written, direct)]:
        raise AuthorError(faults)
    relays = tuple(name for name in named if name != direct)
    names = Names(direct, _free(f"{direct}-{AGAIN}", named), relays)
    copied = from_folder(written.data["targets"][direct], file.parent)
    data = {"extends": str(file.absolute()), "targets": {names.again: copied}, "compare": "randomised"}
    return PairedProfile(data, (*sets, *_unjudged(profile)), names)


def _unjudged(profile: Profile) -> Iterator[str]:
    """Yield overrides that leave out objectives and the audit: what relays add is no verdict."""
    yield "objectives=[]"
    yield "audit.answers=0"
    if profile.audit.share:
        yield "audit.share=0%"
    yield from (
        f"scenarios.{name}.objectives=[]" for name, scenario in profile.own_scenarios.items() if scenario.objectives
    )


def _literal_keys(written: Document, direct: str) -> Iterator[Fault]:
    for location in secret_locations(written):
        if location[:2] != ("targets", direct):
            continue
        text = str(at(written.data, location))
        if "${" not in text and not is_no_key(text):
            message = "is sent by two targets here: write ${env:NAME}, so that the key need not be copied"
            yield written.fault(location, message)


def _free(name: str, taken: Mapping[str, object]) -> str:
    return name if name not in taken else _free(f"{name}-{AGAIN}", taken)


def from_folder(target: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Return a target as it is read from another folder."""
    copied = dict(target)
    if isinstance(copied.get("tls"), dict):
        copied["tls"] = dict(copied["tls"])
    for *parents, key in _PATHS:
        part: Any = copied
        for parent in parents:
            part = part.get(parent) or {}
        text = part.get(key)
        if isinstance(text, str) and "${" not in text and (key != "prices" or text.endswith((".yaml", ".yml"))):
            part[key] = str((folder / text).absolute())
    return copied
