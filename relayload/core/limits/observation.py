"""What a search asks for, and what it sees of each request."""

from enum import StrEnum

from msgspec import Struct

from relayload.core.limits.stated import Stated


class Verdict(StrEnum):
    """What the relay did with a request."""

    ADMITTED = "admitted"
    REFUSED = "refused"
    """It said that there were too many: the only answer that a limit can explain."""
    OVERLOADED = "overloaded"
    """It, or what is behind it, had too much to do: no quota."""
    FAILED = "failed"


class Seen(Struct, frozen=True, kw_only=True):
    """One request and its answer. Instants are seconds on one clock, whichever."""

    at_s: float
    """When it was sent."""
    answered_at_s: float
    """When the header of the answer arrived."""
    verdict: Verdict
    tokens: int = 1
    """Input and output; of one that was refused, what it would have used."""
    model: int = 0
    key: int = 0
    """The places of its model and its key in the lists of the profile."""
    retry_after_s: float | None = None
    """The wait that the relay asked for."""
    stated: tuple[Stated, ...] = ()
    """What its headers say of limits."""
    reason: str = ""
    """In a few words, why it failed."""

    @property
    def admitted(self) -> bool:
        return self.verdict is Verdict.ADMITTED

    @property
    def refused(self) -> bool:
        return self.verdict is Verdict.REFUSED


class Volley(Struct, frozen=True, kw_only=True):
    """Requests to be sent as fast as their number at once allows."""

    requests: int
    at_once: int = 1
    input_tokens: int = 0
    """The length of the prompts; 0 for the shortest."""
    output_tokens: int = 1
    model: int = 0
    key: int = 0
    gap_s: float = 0.0
    """The least time between two starts."""
    until_refused: bool = True
    """Start none after the first that was refused."""
    late_s: float | None = None
    """Start one more request so long after the first."""
    late: "Volley | None" = None
    """Like which that one is, if it is not like the others."""
    malformed: bool = False
    """Ask for what no relay can answer, so that each fails and costs nothing."""


class Pause(Struct, frozen=True):
    """Send nothing until an instant."""

    until_s: float


class Stopped(Exception):
    """A cap, or a person, ended the search; raised at the place where it waits for answers."""
