"""What a visit to a relay found."""

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
    """How a finding is to be taken."""

    OK = "ok"
    NOTE = "note"
    WARNING = "warning"
    FAULT = "fault"


class Finding(Struct, frozen=True, kw_only=True):
    """One thing that was looked at. `place` is the line of the profile that tells it, `path` the key."""

    target: str
    """Its name; `target` where there is but one."""
    topic: str
    state: State
    message: str
    path: str = ""
    place: str = ""
    sent: str = ""
    """The request that told it, shortened and without keys."""


class Diagnosis(Struct, frozen=True, kw_only=True):
    """All that was found, in the order it was looked at."""

    profile: str
    base_urls: dict[str, str]
    """Of each target by its name."""
    requests: int
    """That were sent for it."""
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
        """What is found meanwhile, this request told."""
        self._sent = self._secrets.told(preview(request))
        try:
            yield
        finally:
            self._sent = ""

    def at(self, key: str) -> Location:
        """Where the profile says that of the target."""
        return (*self._place, key)

    def quoted(self, text: str) -> str:
        """The relay's own words, as far as they are told."""
        return self._secrets.told(text)[:_QUOTED_LENGTH]

    def said(self, reply: Reply) -> str:
        """The relay's own words in an error, in brackets; nothing where there are none."""
        return f" ({self.quoted(reply.words)})" if reply.words else ""

    def first(self, state: State, message: str) -> None:
        """What is known of the target as a whole, told before all else."""
        self.found.insert(0, Finding(target=self._target, topic="target", state=state, message=message))

    def ok(self, topic: str, message: str) -> None:
        """It is as it should be."""
        self._found(topic, State.OK, message)

    def note(self, topic: str, message: str) -> None:
        """Good to know."""
        self._found(topic, State.NOTE, message)

    def warning(self, topic: str, message: str, location: Location = ()) -> None:
        """A run is possible, but some of its numbers will mean something else."""
        self._placed(topic, State.WARNING, message, location)

    def fault(self, topic: str, message: str, location: Location = ()) -> None:
        """A run would be useless as the profile stands."""
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
