"""Carries out runs of one profile in turn, in one Locust, each held to what the guardrails leave after those before.

`relayload overhead` and `relayload audit` are made of such runs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from relayload.core.exit_codes import INTERRUPTIONS, ExitCode
from relayload.core.metrics.summary import Summary
from relayload.core.model.progress import Progress
from relayload.core.model.verdict import Status
from relayload.core.units import format_usd
from relayload.locust_plugin.launch import Launch, last_words, recorded
from relayload.locust_plugin.series import Series, Watch
from relayload.profile import Profile
from relayload.recording import Recording

_CARRIED_OUT = (ExitCode.PASS, ExitCode.FAIL, ExitCode.UNPROVEN)


class NotMeasured(Exception):
    """A run could not be carried out; the message says why."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class EndedEarly(Exception):
    """A guardrail or a signal ended a run, so that none may follow. `run` is what it recorded, if anything."""

    def __init__(self, code: int, reason: str, run: "Carried | None" = None) -> None:
        super().__init__(reason)
        self.code, self.reason, self.run = code, reason, run


class Audience(Protocol):
    """Who is told of a measurement while it goes on."""

    def say(self, line: str) -> None:
        """Hear what happens."""

    def watch(self, progress: Progress | None) -> None:
        """See the progress of a run a few times a second; None while there is none."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where the profile is and the runs go to."""

    file: Path
    sets: Sequence[str]
    out: Path
    fakes: Mapping[str, str] = field(default_factory=dict)
    """The base URLs of fake relays that run already, by target."""


@dataclass(frozen=True, slots=True)
class Carried:
    """A run that was carried out."""

    recording: Recording
    summary: Summary
    doubts: tuple[str, ...]
    """Why its numbers can't be believed."""

    @property
    def directory(self) -> str:
        """The name of its directory."""
        return self.recording.directory.name


class RunsInTurn:
    """A context in which runs are carried out. It counts what they sent and spent."""

    def __init__(self, profile: Profile, place: Place) -> None:
        """Raises AuthorError if the directory can't be written to."""
        self._profile, self._place = profile, place
        self._series = Series(Launch(place.file, place.sets, place.out, fakes=place.fakes))
        self.requests = 0
        self.usd: Decimal | None = None
        """None while no price was known."""

    def __enter__(self) -> Self:
        self._series.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._series.__exit__(kind, error, traceback)

    def await_ready(self, watch: Watch) -> None:
        """Wait until the target has answered. Raises NotMeasured if it does not."""
        if (ended := self._series.ready(watch)) is not None:
            raise NotMeasured(ended, self._last_words(ended))

    def run(self, name: str, sets: Sequence[str], watch: Watch) -> Carried:
        """Carry out a run with further overrides, into a directory of that name. Raises EndedEarly and NotMeasured."""
        directory = self._vacant(name)
        code = self._series.run(directory, [*sets, *self._left()], watch)
        run = self._read(directory) if recorded(directory) else None
        if code in _CARRIED_OUT and run is not None:
            return run
        if code == ExitCode.GUARDRAIL or code in INTERRUPTIONS:
            raise EndedEarly(code, INTERRUPTIONS.get(code, "a guardrail ended it"), run)
        raise NotMeasured(code if code in set(ExitCode) else ExitCode.CRASH, self._last_words(code))

    def _last_words(self, code: int) -> str:
        signal = INTERRUPTIONS.get(code)
        return f"{signal} ended it before its load began" if signal else last_words(self._place.out).strip()

    def _vacant(self, name: str) -> Path:
        """Return a directory for a run; one that is repeated gets another."""
        first = self._place.out / name
        return first if not first.exists() else self._place.out / f"{name}-again"

    def _read(self, directory: Path) -> Carried:
        recording = Recording.open(directory)
        summary, verdict = recording.summary(), recording.verdict()
        self.requests += summary.counts.started
        if summary.cost.by_model:
            self.usd = (self.usd or Decimal(0)) + Decimal(str(summary.cost.usd or 0))
        doubts = verdict.reasons if verdict is not None and verdict.verdict is Status.INVALID else ()
        return Carried(recording, summary, doubts)

    def _left(self) -> list[str]:
        """Return overrides that hold the next run to what the guardrails leave."""
        guardrails = self._profile.guardrails
        left = []
        if guardrails.max_requests is not None:
            requests = guardrails.max_requests - self.requests
            if requests <= 0:
                raise EndedEarly(ExitCode.GUARDRAIL, "guardrails.max_requests is reached")
            left.append(f"guardrails.max_requests={requests}")
        if guardrails.max_usd is not None:
            usd = guardrails.max_usd - (self.usd or Decimal(0))
            if usd <= 0:
                raise EndedEarly(ExitCode.GUARDRAIL, "guardrails.max_usd is spent")
            left.append(f"guardrails.max_usd={format_usd(usd)}")
        return left
