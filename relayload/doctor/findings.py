"""The findings about a relay."""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum

from msgspec import Struct

from relayload.core.wire.request import WireRequest
from relayload.doctor.request_preview import preview
from relayload.document import Location
from relayload.profile import Profile
from relayload.transport.probe_client import Reply
from relayload.transport.redaction import Secrets

_QUOTED_LENGTH = 200


class State(StrEnum):
    """The severity of a finding."""

    OK = "ok"
    NOTE = "note"
    WARNING = "warning"
    FAULT = "fault"


class Finding(Struct, frozen=True, kw_only=True):
    """One thing that was examined. `path` is the profile's key that it concerns, `place` that key's file and line."""

    target: str
    """The name of the target; `target` if there is only one."""
    topic: str
    state: State
    message: str
    path: str = ""
    place: str = ""
    sent: str = ""
    """The request that led to the finding, shortened and without keys."""


class Diagnosis(Struct, frozen=True, kw_only=True):
    """All findings, in the order in which they were made."""

    profile: str
    base_urls: dict[str, str]
    """By the name of the target."""
    requests: int
    """How many requests were sent."""
    findings: tuple[Finding, ...]

    @property
    def usable(self) -> bool:
        return all(finding.state is not State.FAULT for finding in self.findings)


class Findings:
    """Collects findings about one target of a profile."""

    def __init__(self, profile: Profile, target: str, place: Location, secrets: Secrets) -> None:
        self._profile = profile
        self._target = target
        self._place = place
        self._secrets = secrets
        self._sent = ""
        self.found: list[Finding] = []

    @contextmanager
    def about(self, request: WireRequest) -> Iterator[None]:
        """Attach this request to whatever is found within the context."""
        self._sent = self._secrets.quoted(preview(request))
        try:
            yield
        finally:
            self._sent = ""

    def at(self, key: str) -> Location:
        """Return the location of a key of the target, such as `tls` or `keys.1.key`."""
        return (*self._place, *(int(part) if part.isdecimal() else part for part in key.split(".")))

    def quoted(self, text: str) -> str:
        """Return the relay's own words, without secrets and cut to 200 characters."""
        return self._secrets.quoted(text)[:_QUOTED_LENGTH]

    def in_brackets(self, reply: Reply) -> str:
        """Return the relay's own words in an error, in brackets; empty if there are none."""
        return f" ({self.quoted(reply.words)})" if reply.words else ""

    def first(self, state: State, message: str) -> None:
        """Add a finding about the target as a whole, before all others."""
        self.found.insert(0, Finding(target=self._target, topic="target", state=state, message=message))

    def ok(self, topic: str, message: str) -> None:
        """Add that something is as it should be."""
        self._found(topic, State.OK, message)

    def note(self, topic: str, message: str) -> None:
        """Add something that is good to know."""
        self._found(topic, State.NOTE, message)

    def warning(self, topic: str, message: str, location: Location = ()) -> None:
        """Add something that allows a run, but changes the meaning of some numbers."""
        self._placed(topic, State.WARNING, message, location)

    def fault(self, topic: str, message: str, location: Location = ()) -> None:
        """Add something that makes a run with this profile useless."""
        self._placed(topic, State.FAULT, message, location)

    def _placed(self, topic: str, state: State, message: str, location: Location) -> None:
        fault = self._profile.fault(location, message)
        place = ":".join(str(part) for part in (fault.file, fault.line, fault.column) if part) if location else ""
        self._found(topic, state, message, fault.path, place)

    def _found(self, topic: str, state: State, message: str, path: str = "", place: str = "") -> None:
        found = Finding(
            target=self._target, topic=topic, state=state, message=message, path=path, place=place, sent=self._sent
        )
        self.found.append(found)
