"""Runs the trials of a search, each an ordinary recording, and keeps `capacity.json`.

One Locust carries out all of them, and stays up with its workers in between.
"""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from types import MappingProxyType
from typing import NoReturn, Protocol

import msgspec
from msgspec import structs

from relayload.capacity.answer_file import FILE, read
from relayload.capacity.pause import Pauses
from relayload.capacity.prober import Prober
from relayload.capacity.trial_profile import Left, trial_sets
from relayload.capacity.trial_reading import ReadTrial
from relayload.core.capacity.answer import Capacity, Kind
from relayload.core.capacity.findings import with_findings
from relayload.core.capacity.recovery import Recovery, Rest
from relayload.core.capacity.refusals import NOTHING_REFUSED, refusals
from relayload.core.capacity.search import next_step, unfinished
from relayload.core.capacity.terms import Terms
from relayload.core.capacity.trial import Trial, Wanted, trial_of
from relayload.core.errors import AuthorError, Fault
from relayload.core.exit_codes import INTERRUPTIONS, ExitCode
from relayload.core.model.progress import Progress
from relayload.locust_plugin.launch import Launch, last_words, recorded
from relayload.locust_plugin.series import OtherHosts, Series
from relayload.profile import Profile
from relayload.recording import Recording

_CARRIED_OUT = (ExitCode.PASS, ExitCode.FAIL, ExitCode.UNPROVEN)
_ENDED: Mapping[int, str] = MappingProxyType(
    {
        **{code: f"{name} ended it" for code, name in INTERRUPTIONS.items()},
        ExitCode.GUARDRAIL: "a guardrail ended its last trial",
    }
)
"""Why a search ends with a trial that exits with these codes."""
_INTERRUPTIONS = ("sigint", "sigterm", "sighup", "workers")
"""What has ended a trial of whose requests some may have failed for that."""


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
    other_hosts: OtherHosts | None = None
    recover_s: float = 60.0
    """The longest wait for the relay to recover between two trials; 0 for none."""


class Audience(Protocol):
    """Who is told of a search while it goes on."""

    def begins(self, number: int, wanted: Wanted, trials: Sequence[Trial]) -> None:
        """Hear of a trial that begins, and those before it."""

    def ended(self, trial: Trial) -> None:
        """Hear what a trial came to."""

    def say(self, line: str) -> None:
        """Hear what else happens."""

    def watch(self, progress: Progress | None) -> None:
        """See the progress of a trial a few times a second; None while there is none."""


class Driver:
    """Carries out one search."""

    def __init__(self, profile: Profile, terms: Terms, place: Place, audience: Audience) -> None:
        self._profile, self._terms, self._place, self._audience = profile, terms, place, audience
        self._trials: list[Trial] = []
        self._rest: Rest | None = None
        self._earlier_probes, self._earlier_usd = 0, 0.0
        """Those of the search that this one goes on with."""
        self._pauses: Pauses | None = None

    def resume(self) -> None:
        """Take over the finished trials of the directory. Raises AuthorError if they are another profile's."""
        path = self._place.out / FILE
        found = read(path)
        if found.profile_sha256 != self._profile.sha256:
            raise AuthorError([Fault(f"has trials of another profile, {found.profile}", file=str(self._place.out))])
        self._trials = list(map(self._with_measures, found.trials))
        self._rest = found.rest
        self._earlier_probes, self._earlier_usd = found.probes, found.probes_usd

    def search(self) -> Capacity:
        """Run trials until there is an answer. Raises TrialFailed if one can't be carried out."""
        step = next_step(self._trials, self._terms)
        if isinstance(step, Capacity):
            return self._keep(step)
        place = self._place
        launch = Launch(place.file, place.sets, place.out, place.processes, fakes=place.fakes)
        with Series(launch, place.other_hosts) as series:
            if (code := series.ready(self._audience.watch)) is not None:
                return self._without_trial(code)
            if place.recover_s:
                given_up = lambda: series.exit_code is not None  # noqa: E731
                self._pauses = Pauses(Prober(self._profile, place.fakes), place.recover_s, self._audience.say, given_up)
            while isinstance(step, Wanted):
                ended = self._trial(series, step)
                if ended is not None:
                    return ended
                step = next_step(self._trials, self._terms)
            return self._keep(step)

    def _trial(self, series: Series, step: Wanted) -> Capacity | None:
        """Run a trial; return the answer if the search ends with it."""
        left = self._left()
        if lacking := left.lacking(step):
            otherwise = next_step(self._trials, structs.replace(self._terms, control=False))
            return (
                self._keep(otherwise) if isinstance(otherwise, Capacity) else self._ended(lacking, ExitCode.GUARDRAIL)
            )
        recovery, unsteady = self._recovery()
        if (ended := series.exit_code) is not None:
            return self._without_trial(ended)
        if unsteady:
            return self._unsteady(unsteady)
        number, directory = self._vacant()
        self._audience.begins(number, step, self._trials)
        code = series.run(directory, trial_sets(self._profile, step, number, left), self._audience.watch)
        if not recorded(directory):
            return self._without_trial(code)
        if code not in (*_CARRIED_OUT, *_ENDED) or Recording.open(directory).verdict() is None:
            self._fail(code)
        trial = structs.replace(self._judged(step, number, directory), recovery=recovery)
        self._trials.append(trial)
        self._audience.ended(trial)
        if code in _ENDED:
            return self._ended(_ENDED[code], code)
        self._ended("it goes on, or was killed")
        return None

    def _recovery(self) -> tuple[Recovery | None, str | None]:
        """Wait for the relay to recover from the last trial. Return what was found, and why it has not."""
        if self._pauses is None:
            return None, None
        if self._rest is None and not self._trials:
            self._rest = self._pauses.rest()
            return None, None
        return (None, None) if self._rest is None else self._pauses.recovery(self._rest)

    def _unsteady(self, reason: str) -> Capacity:
        """End the search: what a trial measures now would be of a relay that still suffers from the last one."""
        last = self._trials[-1]
        told = f"the relay has not recovered from trial {last.number}, {self._terms.over.told(last.level)}: {reason}"
        ended = unfinished(self._trials, self._terms, told)
        if last.quota_bound:
            return self._keep(ended)
        return self._keep(structs.replace(ended, answer=Kind.UNSTEADY, reason=f"unsteady: {told}"))

    def _without_trial(self, code: int) -> Capacity:
        """End the search because Locust has ended, and not within a trial. Raises TrialFailed if nobody asked it to."""
        if code in _CARRIED_OUT:
            return self._ended("no worker is left to go on with")
        return self._ended(_ENDED[code], code) if code in _ENDED else self._fail(code)

    def _fail(self, code: int) -> NoReturn:
        self._ended("a trial could not be carried out", code)
        raise TrialFailed(code, last_words(self._place.out))

    def _ended(self, reason: str, code: int | None = None) -> Capacity:
        return self._keep(unfinished(self._trials, self._terms, reason), code)

    def _left(self) -> Left:
        """Return what the guardrails leave, also after trials that were stopped."""
        requests = sum(trial.offered for trial in self._trials) + self._probes
        usd = sum(trial.usd or 0.0 for trial in self._trials) + self._probes_usd
        return Left(self._profile, requests, usd, sum(trial.load_s for trial in self._trials))

    @property
    def _probes(self) -> int:
        return self._earlier_probes + (self._pauses.probes if self._pauses else 0)

    @property
    def _probes_usd(self) -> float:
        return self._earlier_usd + (self._pauses.usd if self._pauses else 0.0)

    def _vacant(self) -> tuple[int, Path]:
        """Return the next number whose directory is free: an interrupted trial keeps its own."""
        first = max((trial.number for trial in self._trials), default=0) + 1
        return next(
            (number, path) for number in count(first) if not (path := self._place.out / f"trial-{number:02}").exists()
        )

    def _judged(self, wanted: Wanted, number: int, directory: Path) -> Trial:
        read = self._read(directory, wanted.pooled_with)
        refused = NOTHING_REFUSED
        if read.summary.counts.failed:
            refused = refusals(Recording.open(directory).lines(), wanted.for_s, wanted.users)
        trial = trial_of(
            wanted,
            number,
            read.summary,
            read.verdict,
            pooled=read.pooled,
            refused=refused,
            ended_by=read.run.stopped_by_objective,
            interrupted=read.run.ended_by in _INTERRUPTIONS,
            load_s=min(read.run.ended_at_s or wanted.for_s, wanted.for_s),
            recording=directory.name,
        )
        return structs.replace(trial, measures=read.measures())

    def _with_measures(self, trial: Trial) -> Trial:
        """Return a trial with its measures, read anew for one of an earlier version whose recording is there."""
        directory = self._place.out / trial.recording
        if trial.measures is not None or not trial.recording or not recorded(directory):
            return trial
        return structs.replace(trial, measures=self._read(directory, trial.pooled_with).measures())

    def _read(self, directory: Path, with_: Iterable[int]) -> ReadTrial:
        before = [self._place.out / f"trial-{number:02}" for number in with_]
        return ReadTrial(directory, self._profile.scenarios, before)

    def _keep(self, capacity: Capacity, code: int | None = None) -> Capacity:
        """Write the answer so far."""
        (target,) = self._profile.named_targets.values()
        kept = structs.replace(
            with_findings(capacity, target.known_prices),
            profile=self._profile.name,
            profile_sha256=self._profile.sha256,
            requests=capacity.requests + self._probes,
            usd=None if capacity.usd is None else capacity.usd + self._probes_usd,
            probes=self._probes,
            probes_usd=self._probes_usd,
            rest=self._rest,
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
