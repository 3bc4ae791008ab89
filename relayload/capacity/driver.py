"""Runs the trials of a search, each an ordinary recording, and keeps `capacity.json`."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from types import MappingProxyType

import msgspec
from msgspec import structs

from relayload.capacity.trial_profile import Left, trial_sets
from relayload.core.capacity.answer import Capacity
from relayload.core.capacity.pooling import Part, judge_together
from relayload.core.capacity.refusals import NOTHING_REFUSED, refusals
from relayload.core.capacity.search import next_step, unfinished
from relayload.core.capacity.terms import Terms
from relayload.core.capacity.trial import Trial, Wanted, trial_of
from relayload.core.errors import AuthorError, Fault
from relayload.core.exit_codes import ExitCode
from relayload.core.model.progress import Progress
from relayload.core.objectives.grammar import objective_of
from relayload.locust_plugin.early import EarlyLocust
from relayload.locust_plugin.launch import Launch, begin_early, last_words, recorded, run
from relayload.profile import Profile
from relayload.recording import Recording

FILE = "capacity.json"
_CARRIED_OUT = (ExitCode.PASS, ExitCode.FAIL, ExitCode.UNPROVEN)
_ENDED: Mapping[int, str] = MappingProxyType(
    {
        ExitCode.SIGINT: "Ctrl-C ended it",
        ExitCode.SIGTERM: "SIGTERM ended it",
        ExitCode.GUARDRAIL: "a guardrail ended its last trial",
    }
)
"""Why a search ends with a trial that exits with these codes."""


class TrialFailed(Exception):
    """A trial could not be carried out."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Place:
    """Where trials come from and go to."""

    file: Path
    sets: Sequence[str]
    out: Path
    processes: int = 1
    fakes: Mapping[str, str] = field(default_factory=dict)
    """The base URLs of fake relays that run for the whole search, by the name of their target."""


class Driver:
    """Carries out one search."""

    def __init__(
        self,
        profile: Profile,
        terms: Terms,
        place: Place,
        tell: Callable[[Wanted | Trial, Sequence[Trial]], None],
        watch: Callable[[Progress | None], None],
    ) -> None:
        """`tell` gets every trial before and after it, with those before; `watch` the progress within."""
        self._profile, self._terms, self._place = profile, terms, place
        self._tell, self._watch = tell, watch
        self._trials: list[Trial] = []
        self._waiting: EarlyLocust | None = None
        """The Locust for the next trial."""

    def resume(self) -> None:
        """Take over the finished trials of the directory. Raises AuthorError if they are another profile's."""
        path = self._place.out / FILE
        found = read(path)
        if found.profile_sha256 != self._profile.sha256:
            raise AuthorError([Fault(f"has trials of another profile, {found.profile}", file=str(self._place.out))])
        self._trials = list(found.trials)

    def search(self) -> Capacity:
        """Run trials until there is an answer. Raises TrialFailed if one can't be carried out."""
        try:
            while isinstance(step := next_step(self._trials, self._terms), Wanted):
                left = self._left()
                if lacking := left.lacking(step):
                    return self._ended(lacking, ExitCode.GUARDRAIL)
                number, directory = self._vacant()
                self._tell(step, self._trials)
                code = self._run(step, number, directory, left)
                if code in _ENDED and not recorded(directory):
                    return self._ended(_ENDED[code], code)
                if code not in (*_CARRIED_OUT, *_ENDED) or Recording.open(directory).verdict() is None:
                    self._ended("a trial could not be carried out", code)
                    raise TrialFailed(code, last_words(directory))
                trial = self._judged(step, number, directory)
                self._trials.append(trial)
                self._tell(trial, self._trials)
                if code in _ENDED:
                    return self._ended(_ENDED[code], code)
                self._ended("it goes on, or was killed")
            return self._keep(step)
        finally:
            if self._waiting is not None:
                with self._waiting:
                    pass  # ends it

    def _run(self, wanted: Wanted, number: int, directory: Path, left: Left) -> int:
        """Run a trial with the Locust that waits for it; return the exit code."""
        place, early = self._place, self._waiting or self._locust()
        self._waiting = None
        sets = (*place.sets, *trial_sets(self._profile, wanted, number, left))
        launch = Launch(place.file, sets, directory, place.processes, early=early, fakes=place.fakes)
        with early:
            return run(launch, self._watched)

    def _watched(self, progress: Progress | None) -> None:
        """Show the progress, and have the next Locust start while this trial is in its warm-up."""
        if progress is not None and self._waiting is None:
            self._waiting = self._locust()
        self._watch(progress)

    def _locust(self) -> EarlyLocust:
        return begin_early(self._place.file, (), None, self._place.processes)

    def _ended(self, reason: str, code: int | None = None) -> Capacity:
        return self._keep(unfinished(self._trials, self._terms, reason), code)

    def _left(self) -> Left:
        """Return what the guardrails leave, also after trials that were stopped."""
        requests = sum(trial.offered for trial in self._trials)
        usd = sum(trial.usd or 0.0 for trial in self._trials)
        return Left(self._profile, requests, usd, sum(trial.load_s for trial in self._trials))

    def _vacant(self) -> tuple[int, Path]:
        """Return the next number whose directory is free: an interrupted trial keeps its own."""
        first = max((trial.number for trial in self._trials), default=0) + 1
        return next(
            (number, path) for number in count(first) if not (path := self._place.out / f"trial-{number:02}").exists()
        )

    def _judged(self, wanted: Wanted, number: int, directory: Path) -> Trial:
        recording = Recording.open(directory)
        summary, verdict = recording.fold().results()
        results = None
        if wanted.pooled_with:
            objectives = [objective_of(asked) for asked in recording.run.objectives]
            results = judge_together(objectives, [self._part(each) for each in (*wanted.pooled_with, number)])
        failed = summary.counts.failed
        return trial_of(
            wanted,
            number,
            summary,
            verdict,
            pooled=results,
            refused=refusals(recording.lines(), wanted.for_s, wanted.users) if failed else NOTHING_REFUSED,
            ended_early=recording.run.stopped_by_objective is not None,
            load_s=min(recording.run.ended_at_s or wanted.for_s, wanted.for_s),
            recording=directory.name,
        )

    def _part(self, number: int) -> Part:
        recording = Recording.open(self._place.out / f"trial-{number:02}")
        summary, verdict = recording.fold().results(tables=False)
        return Part(recording.run, list(recording.lines()), verdict.objectives, summary.counts.lost)

    def _keep(self, capacity: Capacity, code: int | None = None) -> Capacity:
        """Write the answer so far."""
        kept = structs.replace(
            capacity,
            profile=self._profile.name,
            profile_sha256=self._profile.sha256,
            exit_code=capacity.exit_code if code is None else int(code),
        )
        path = self._place.out / FILE
        try:
            beside = path.with_suffix(".new")
            beside.write_bytes(msgspec.json.format(msgspec.json.encode(kept)) + b"\n")
            os.replace(beside, path)  # noqa: PTH105 -- atomic
        except OSError as error:
            raise AuthorError([Fault(f"can't be written: {error.strerror}", file=str(path))]) from None
        return kept


def read(path: Path) -> Capacity:
    """Read a `capacity.json`. Raises AuthorError if it is none."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Capacity)
    except OSError as error:
        raise AuthorError([Fault(f"can't be read: {error.strerror}", file=str(path))]) from None
    except (msgspec.DecodeError, ValueError) as error:
        raise AuthorError([Fault(f"is not a {FILE} of this version: {error}", file=str(path))]) from None
