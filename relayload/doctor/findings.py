"""What a visit to a relay found."""

from enum import StrEnum

from msgspec import Struct

from relayload.core.wire.faults import fault_of_body
from relayload.document import Location
from relayload.profile import Profile
from relayload.transport.concealing import Secrets

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


class Diagnosis(Struct, frozen=True, kw_only=True):
    """All that was found, in the order it was looked at."""

    profile: str
    base_urls: dict[str, str]
    """Of each target by its name."""
    requests: int
    """That were sent for it, besides the question whether anybody is there."""
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
        self.found: list[Finding] = []

    def at(self, key: str) -> Location:
        """Where the profile says that of the target."""
        return (*self._place, key)

    def quoted(self, text: str) -> str:
        """The relay's own words, as far as they are told."""
        return self._secrets.told(text)[:_QUOTED_LENGTH]

    def said(self, body: bytes) -> str:
        """The relay's own words in an error, in brackets; nothing where there are none."""
        message = fault_of_body(body).message
        return f" ({self.quoted(message)})" if message else ""

    def ok(self, topic: str, message: str) -> None:
        """It is as it should be."""
        self.found.append(Finding(target=self._target, topic=topic, state=State.OK, message=message))

    def note(self, topic: str, message: str) -> None:
        """Good to know."""
        self.found.append(Finding(target=self._target, topic=topic, state=State.NOTE, message=message))

    def warning(self, topic: str, message: str, location: Location = ()) -> None:
        """A run is possible, but some of its numbers will mean something else."""
        self._placed(topic, State.WARNING, message, location)

    def fault(self, topic: str, message: str, location: Location = ()) -> None:
        """A run would be useless as the profile stands."""
        self._placed(topic, State.FAULT, message, location)

    def _placed(self, topic: str, state: State, message: str, location: Location) -> None:
        fault = self._profile.fault(location, message)
        place = ":".join(str(part) for part in (fault.file, fault.line, fault.column) if part) if location else ""
        self.found.append(
            Finding(target=self._target, topic=topic, state=state, message=message, path=fault.path, place=place)
        )
