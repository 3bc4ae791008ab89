"""Carries out a measurement: ordinary runs of paired targets, one after the other in one Locust, and what they say."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from msgspec import structs

from relayload.core.capacity.highest_load import highest
from relayload.core.exit_codes import ExitCode
from relayload.core.model.progress import Progress
from relayload.core.model.record import Line
from relayload.core.overhead.exchanges import by_target
from relayload.core.overhead.findings import Held, Overhead, Phase, Resources
from relayload.core.overhead.holding import usual_latency_s, why_not_held
from relayload.core.overhead.phase import AgainstItself, Names, found
from relayload.core.units import format_duration
from relayload.locust_plugin.runs_in_turn import Audience, Carried, EndedEarly, NotMeasured, Place, RunsInTurn
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

ALONE = "one at a time"


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

    def __init__(
        self,
        profile: Profile,
        names: Names,
        terms: Terms,
        place: Place,
        audience: Audience,
        meters: Mapping[str, ProcessMeter] | None = None,
    ) -> None:
        """`meters` are those of targets that run on this machine."""
        self._profile, self._names, self._terms, self._place, self._audience = profile, names, terms, place, audience
        self._meters = meters or {}
        self._phases: list[Phase] = []
        self._held: Held | None = None
        self._left_out: str | None = None
        self._runs = 0

    def measure(self, about: Overhead) -> Overhead:
        """Measure everything, and return it with what is known `about` it. Raises NotMeasured."""
        reason, code = None, 0
        with RunsInTurn(self._profile, self._place) as runs:
            runs.await_ready(self._audience.watch)
            try:
                self._all(runs)
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
            requests=runs.requests,
            usd=None if runs.usd is None else float(runs.usd),
            ended_by=reason,
        )
        invalid = ExitCode.UNPROVEN if measured.doubts else ExitCode.PASS
        return structs.replace(measured, exit_code=int(code or invalid))

    def _all(self, runs: RunsInTurn) -> None:
        names = self._names
        self._audience.say("warming up: a few requests to each, one at a time")
        warm = self._run(runs, "warm-up", names.everyone, _one_at_a_time(0))
        alone_s = self._alone_s(warm.lines)
        pairs = self._terms.pairs_of(sum(alone_s.values()))
        itself = self._floor(runs, pairs, about_s=2 * pairs * alone_s[names.direct])
        self._alone(runs, itself, pairs, about_s=pairs * sum(alone_s.values()))
        if not self._terms.loaded:
            self._left_out = "it was not asked for"
            return
        self._held = self._search(runs, alone_s)
        if self._held.rate_per_s <= 0:
            self._left_out = f"no rate held: {self._held.reason}"
            return
        rate_per_s, sent = (
            self._held.rate_per_s,
            loaded_requests(self._terms, self._held.rate_per_s, len(names.everyone)),
        )
        self._audience.say(f"the slowest holds {rate_per_s:g}/s; about {sent:,} requests follow at a part of that")
        for share in SHARES:
            self._loaded(runs, share, rate_per_s * share)

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

    def _floor(self, runs: RunsInTurn, pairs: int, about_s: float) -> AgainstItself:
        names = self._names
        told = f"{pairs} pairs, one request at a time, about {format_duration(about_s)}"
        self._audience.say(f"the floor: {names.direct} against itself, {told}")
        run, ended = self._finished(runs, "floor", (names.direct, names.again), _one_at_a_time(pairs))
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

    def _alone(self, runs: RunsInTurn, itself: AgainstItself, pairs: int, about_s: float) -> None:
        names = self._names
        told = f"{pairs} pairs, one request at a time, about {format_duration(about_s)}"
        self._audience.say(f"{' and '.join(names.relays)} against {names.direct}, {told}")
        run, ended = self._finished(runs, "alone", (names.direct, *names.relays), _one_at_a_time(pairs))
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

    def _finished(self, runs: RunsInTurn, name: str, targets: Sequence[str], load: str) -> tuple[_Run, _Ended | None]:
        """Carry out a run; return what was recorded, and what ended it early, if anything did."""
        try:
            return self._run(runs, name, targets, load), None
        except _Ended as ended:
            if ended.run is None:
                raise
            return ended.run, ended

    def _search(self, runs: RunsInTurn, alone_s: Mapping[str, float]) -> Held:
        if self._terms.held_per_s is not None:
            return Held(rate_per_s=self._terms.held_per_s, given=True)
        tried: dict[int, str | None] = {}

        def holds(rate_per_s: int) -> bool:
            tried[rate_per_s] = self._why_not(runs, rate_per_s, alone_s)
            told = f"held: {tried[rate_per_s] or 'yes'}"
            self._audience.say(f"{rate_per_s}/s {told}")
            return tried[rate_per_s] is None

        self._audience.say("searching for the rate that the slowest holds, if each gets all requests")
        start = max(1, round(1 / max(alone_s.values())))
        good, bad = highest(holds, min(start, MOST_RATE_PER_S), MOST_RATE_PER_S)
        reason = tried.get(bad) if bad is not None else f"no higher rate than {MOST_RATE_PER_S}/s was tried"
        return Held(rate_per_s=float(good), broken_per_s=bad, reason=reason, trials=len(tried))

    def _why_not(self, runs: RunsInTurn, rate_per_s: int, alone_s: Mapping[str, float]) -> str | None:
        """Return why a rate does not hold. A trial that was disturbed is repeated once."""
        names, reason = self._names, None
        for _ in range(2):
            load = _open(rate_per_s, TRIAL_WARM_S, TRIAL_S)
            run = self._run(runs, f"trial-{rate_per_s}", names.everyone, load)
            reason = why_not_held(run.lines, alone_s)
            if reason is not None or not run.doubts:
                return reason
            reason = f"this machine can't send it well: {run.doubts[0]}"
        return reason

    def _loaded(self, runs: RunsInTurn, share: float, rate_per_s: float) -> None:
        names, name = self._names, f"{share:.0%} load"
        for_s = self._terms.loaded_for_s(rate_per_s)
        self._audience.say(f"{name}: {rate_per_s:.3g}/s to each, for {format_duration(for_s)}")
        load = _open(rate_per_s, WARM_S, for_s)
        run, ended = self._finished(runs, f"load-{share * 100:.0f}", names.everyone, load)
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

    def _run(self, runs: RunsInTurn, name: str, targets: Sequence[str], load: str) -> _Run:
        """Carry out one run. Raises _Ended if nothing may follow, with the run if it was recorded."""
        self._runs += 1
        left_out = [f"targets.{each}=null" for each in self._profile.named_targets if each not in targets]
        meters = {each: meter for each, meter in self._meters.items() if each in targets}
        for meter in meters.values():
            meter.begin()

        def watch(progress: Progress | None) -> None:
            for meter in meters.values():
                meter.sample()
            self._audience.watch(progress)

        try:
            sets = [load, *left_out, f"seed={self._profile.seed * 1000 + self._runs}"]
            return _read(runs.run(name, sets, watch), meters)
        except EndedEarly as ended:
            left = None if ended.run is None else _read(ended.run, meters)
            raise _Ended(ended.code, ended.reason, left) from None


def _read(run: Carried, meters: Mapping[str, ProcessMeter]) -> _Run:
    sent = run.summary.by_target or {}
    resources = {name: meter.end(sent[name].started if name in sent else 0) for name, meter in meters.items()}
    return _Run(run.directory, list(run.recording.lines()), run.doubts, resources)


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
