"""Carries out a measurement: ordinary runs of paired targets, one after the other in one Locust, and what they say."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Protocol

from msgspec import structs

from relayload.core.capacity.highest_load import highest
from relayload.core.exit_codes import INTERRUPTIONS, ExitCode
from relayload.core.model.progress import Progress
from relayload.core.model.record import Line
from relayload.core.model.verdict import Status
from relayload.core.overhead.exchanges import by_target
from relayload.core.overhead.findings import Held, Overhead, Phase, Resources
from relayload.core.overhead.holding import usual_latency_s, why_not_held
from relayload.core.overhead.phase import AgainstItself, Names, found
from relayload.core.units import format_duration, format_usd
from relayload.locust_plugin.launch import Launch, last_words, recorded
from relayload.locust_plugin.series import Series
from relayload.overhead.options import (
    MOST_RATE_PER_S,
    SHARES,
    TRIAL_S,
    TRIAL_WARM_S,
    WARM_PAIRS,
    WARM_S,
    Terms,
    loaded_requests,
)
from relayload.overhead.process_meter import ProcessMeter
from relayload.profile import Profile
from relayload.recording import Recording

ALONE = "one at a time"
_CARRIED_OUT = (ExitCode.PASS, ExitCode.FAIL, ExitCode.UNPROVEN)


class NotMeasured(Exception):
    """Nothing could be measured; the message says why."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


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
    meters: Mapping[str, ProcessMeter] = field(default_factory=dict)
    """Those of targets that run on this machine."""


@dataclass(frozen=True, slots=True)
class _Run:
    """What one run left."""

    directory: str
    lines: Sequence[Line]
    doubts: tuple[str, ...]
    resources: Mapping[str, Resources]


class _Ended(Exception):
    """It ends before everything is measured."""

    def __init__(self, code: int, reason: str, run: _Run | None = None) -> None:
        super().__init__(reason)
        self.code, self.reason, self.run = code, reason, run


class Measurement:
    """One measurement of relays beside the direct way."""

    def __init__(self, profile: Profile, names: Names, terms: Terms, place: Place, audience: Audience) -> None:
        self._profile, self._names, self._terms, self._place, self._audience = profile, names, terms, place, audience
        self._phases: list[Phase] = []
        self._held: Held | None = None
        self._left_out: str | None = None
        self._requests = 0
        self._usd: Decimal | None = None
        self._runs = 0

    def measure(self, about: Overhead) -> Overhead:
        """Measure everything, and return it with what is known `about` it. Raises NotMeasured."""
        launch = Launch(self._place.file, self._place.sets, self._place.out, fakes=self._place.fakes)
        reason, code = None, 0
        with Series(launch) as series:
            if (ended := series.ready(self._audience.watch)) is not None:
                raise NotMeasured(ended, self._last_words(ended))
            try:
                self._all(series)
            except _Ended as end:
                reason, code = end.reason, end.code
            except NotMeasured as failure:
                if not self._phases:
                    raise
                reason, code = str(failure), failure.code
        measured = structs.replace(
            about,
            phases=tuple(self._phases),
            held=self._held,
            load_left_out=self._left_out,
            requests=self._requests,
            usd=None if self._usd is None else float(self._usd),
            ended_by=reason,
        )
        invalid = ExitCode.UNPROVEN if measured.doubts else ExitCode.PASS
        return structs.replace(measured, exit_code=int(code or invalid))

    def _all(self, series: Series) -> None:
        names = self._names
        self._audience.say("warming up: a few requests to each, one at a time")
        warm = self._run(series, "warm-up", names.everyone, _one_at_a_time(0))
        alone_s = self._alone_s(warm.lines)
        pairs = self._terms.pairs_of(sum(alone_s.values()))
        itself = self._floor(series, pairs, about_s=2 * pairs * alone_s[names.direct])
        self._alone(series, itself, pairs, about_s=pairs * sum(alone_s.values()))
        if not self._terms.loaded:
            self._left_out = "it was not asked for"
            return
        self._held = self._search(series, alone_s)
        if self._held.rate_per_s <= 0:
            self._left_out = f"no rate held: {self._held.reason}"
            return
        rate_per_s, sent = (
            self._held.rate_per_s,
            loaded_requests(self._terms, self._held.rate_per_s, len(names.everyone)),
        )
        self._audience.say(f"the slowest holds {rate_per_s:g}/s; about {sent:,} requests follow at a part of that")
        for share in SHARES:
            self._loaded(series, share, rate_per_s * share)

    def _alone_s(self, lines: Sequence[Line]) -> dict[str, float]:
        """Return how long a request of each usually takes. Raises NotMeasured if one answers none."""
        sent = by_target(lines)
        usual = {name: usual_latency_s(sent.get(name, {})) for name in (self._names.direct, *self._names.relays)}
        for name, seconds in usual.items():
            if seconds is None:
                failed = next(iter(sent.get(name, {}).values()), None)
                why = failed.attempts[-1].error if failed is not None and failed.attempts else None
                told = f"{name} answered none of the first requests: {why or 'no answer'}; relayload doctor tells more"
                raise NotMeasured(ExitCode.UNREACHABLE, told)
        return {name: seconds for name, seconds in usual.items() if seconds is not None}

    def _floor(self, series: Series, pairs: int, about_s: float) -> AgainstItself:
        names = self._names
        told = f"{pairs} pairs, one request at a time, about {format_duration(about_s)}"
        self._audience.say(f"the floor: {names.direct} against itself, {told}")
        run, ended = self._finished(series, "floor", (names.direct, names.again), _one_at_a_time(pairs))
        itself = AgainstItself.of(run.lines, names, from_index=WARM_PAIRS)
        self._phases.append(
            Phase(
                name=ALONE,
                recordings=(run.directory,),
                doubts=tuple(f"the floor: {doubt}" for doubt in run.doubts),
                floor=itself.measures,
                same_answers=itself.same_answers,
                floor_chunks=itself.chunks,
            )
        )
        if ended is not None:
            raise ended
        return itself

    def _alone(self, series: Series, itself: AgainstItself, pairs: int, about_s: float) -> None:
        names = self._names
        told = f"{pairs} pairs, one request at a time, about {format_duration(about_s)}"
        self._audience.say(f"{' and '.join(names.relays)} against {names.direct}, {told}")
        run, ended = self._finished(series, "alone", (names.direct, *names.relays), _one_at_a_time(pairs))
        seen = found(run.lines, names, itself, run.resources, loaded=False, from_index=WARM_PAIRS)
        (phase,) = self._phases
        self._phases[:] = [
            structs.replace(
                phase,
                recordings=(*phase.recordings, run.directory),
                doubts=(*phase.doubts, *run.doubts),
                ways=seen.ways,
                relays=seen.relays,
            )
        ]
        if ended is not None:
            raise ended

    def _finished(self, series: Series, name: str, targets: Sequence[str], load: str) -> tuple[_Run, _Ended | None]:
        """Carry out a run; return what was recorded, and what ended it early, if anything did."""
        try:
            return self._run(series, name, targets, load), None
        except _Ended as ended:
            if ended.run is None:
                raise
            return ended.run, ended

    def _search(self, series: Series, alone_s: Mapping[str, float]) -> Held:
        if self._terms.held_per_s is not None:
            return Held(rate_per_s=self._terms.held_per_s, given=True)
        tried: dict[int, str | None] = {}

        def holds(rate_per_s: int) -> bool:
            tried[rate_per_s] = self._why_not(series, rate_per_s, alone_s)
            told = f"held: {tried[rate_per_s] or 'yes'}"
            self._audience.say(f"{rate_per_s}/s {told}")
            return tried[rate_per_s] is None

        self._audience.say("searching for the rate that the slowest holds, if each gets all requests")
        start = max(1, round(1 / max(alone_s.values())))
        good, bad = highest(holds, min(start, MOST_RATE_PER_S), MOST_RATE_PER_S)
        reason = tried.get(bad) if bad is not None else f"no higher rate than {MOST_RATE_PER_S}/s was tried"
        return Held(rate_per_s=float(good), broken_per_s=bad, reason=reason, trials=len(tried))

    def _why_not(self, series: Series, rate_per_s: int, alone_s: Mapping[str, float]) -> str | None:
        """Return why a rate does not hold. A trial that was disturbed is repeated once."""
        names, reason = self._names, None
        for _ in range(2):
            load = _open(rate_per_s, TRIAL_WARM_S, TRIAL_S)
            run = self._run(series, f"trial-{rate_per_s}", names.everyone, load)
            reason = why_not_held(run.lines, alone_s)
            if reason is not None or not run.doubts:
                return reason
            reason = f"this machine can't send it well: {run.doubts[0]}"
        return reason

    def _loaded(self, series: Series, share: float, rate_per_s: float) -> None:
        names, name = self._names, f"{share:.0%} load"
        for_s = self._terms.loaded_for_s(rate_per_s)
        self._audience.say(f"{name}: {rate_per_s:.3g}/s to each, for {format_duration(for_s)}")
        load = _open(rate_per_s, WARM_S, for_s)
        run, ended = self._finished(series, f"load-{share * 100:.0f}", names.everyone, load)
        itself = AgainstItself.of(run.lines, names)
        seen = found(run.lines, names, itself, run.resources, loaded=True)
        self._phases.append(
            Phase(
                name=name,
                rate_per_s=rate_per_s,
                share=share,
                recordings=(run.directory,),
                doubts=run.doubts,
                floor=itself.measures,
                same_answers=itself.same_answers,
                floor_chunks=itself.chunks,
                ways=seen.ways,
                relays=seen.relays,
            )
        )
        if ended is not None:
            raise ended

    def _run(self, series: Series, name: str, targets: Sequence[str], load: str) -> _Run:
        """Carry out one run. Raises _Ended if nothing may follow, with the run if it was recorded."""
        self._runs += 1
        directory = self._vacant(name)
        left_out = [f"targets.{each}=null" for each in self._profile.named_targets if each not in targets]
        sets = [load, *left_out, f"seed={self._profile.seed * 1000 + self._runs}", *self._left()]
        meters = {each: meter for each, meter in self._place.meters.items() if each in targets}
        for meter in meters.values():
            meter.begin()

        def watch(progress: Progress | None) -> None:
            for meter in meters.values():
                meter.sample()
            self._audience.watch(progress)

        code = series.run(directory, sets, watch)
        run = self._read(directory, meters) if recorded(directory) else None
        if code in _CARRIED_OUT and run is not None:
            return run
        if code == ExitCode.GUARDRAIL or code in INTERRUPTIONS:
            raise _Ended(code, INTERRUPTIONS.get(code, "a guardrail ended it"), run)
        raise NotMeasured(code if code in set(ExitCode) else ExitCode.CRASH, self._last_words(code))

    def _last_words(self, code: int) -> str:
        signal = INTERRUPTIONS.get(code)
        return f"{signal} ended it before its load began" if signal else last_words(self._place.out).strip()

    def _vacant(self, name: str) -> Path:
        """Return a directory for a run; a trial that is repeated gets another one."""
        first = self._place.out / name
        return first if not first.exists() else self._place.out / f"{name}-again"

    def _read(self, directory: Path, meters: Mapping[str, ProcessMeter]) -> _Run:
        recording = Recording.open(directory)
        summary, verdict = recording.summary(), recording.verdict()
        self._requests += summary.counts.started
        if summary.cost.by_model:
            self._usd = (self._usd or Decimal(0)) + Decimal(str(summary.cost.usd or 0))
        sent = summary.by_target or {}
        resources = {name: meter.end(sent[name].started if name in sent else 0) for name, meter in meters.items()}
        doubts = verdict.reasons if verdict is not None and verdict.verdict is Status.INVALID else ()
        return _Run(directory.name, list(recording.lines()), doubts, resources)

    def _left(self) -> list[str]:
        """Return overrides that hold the next run to what the guardrails leave."""
        guardrails = self._profile.guardrails
        left = []
        if guardrails.max_requests is not None:
            requests = guardrails.max_requests - self._requests
            if requests <= 0:
                raise _Ended(ExitCode.GUARDRAIL, "guardrails.max_requests is reached")
            left.append(f"guardrails.max_requests={requests}")
        if guardrails.max_usd is not None:
            usd = guardrails.max_usd - (self._usd or Decimal(0))
            if usd <= 0:
                raise _Ended(ExitCode.GUARDRAIL, "guardrails.max_usd is spent")
            left.append(f"guardrails.max_usd={format_usd(usd)}")
        return left


def _one_at_a_time(pairs: int) -> str:
    """Return a list of so many pairs after those of the warm-up, one request at a time, as an override."""
    return f"load={{kind: batch, requests: {WARM_PAIRS + pairs}, max_concurrent: 1}}"


def _open(rate_per_s: float, warm_s: float, for_s: float) -> str:
    """Return an open load at one rate, as an override."""
    stages = (
        f"{{name: warm, for: {warm_s:g}s, rate: {rate_per_s:.6g}/s, warmup: true}}, "
        f"{{name: measured, for: {for_s:g}s, rate: {rate_per_s:.6g}/s}}"
    )
    return f"load={{kind: open, stages: [{stages}]}}"
