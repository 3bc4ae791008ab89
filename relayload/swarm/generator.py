"""The load-generating half of one process, for one run: arrivals in, records out."""

from collections.abc import Callable, Sequence
from pathlib import Path

import gevent
import msgspec
from gevent import GreenletExit
from gevent.event import Event
from msgspec import structs

from relayload import clock
from relayload.core.results.histogram import Histogram
from relayload.core.results.record import Attempt, Drop, End, Outcome, Record
from relayload.core.traffic.arrivals import Arrival, Share
from relayload.core.traffic.draws import uniform
from relayload.core.traffic.limits import LIMIT_GUARD_S
from relayload.core.traffic.stages import stage_at
from relayload.profile import Profile
from relayload.profile.compose import Composer, Message
from relayload.profile.loads import ClosedLoad, OpenLoad
from relayload.profile.plan import arrivals, stages
from relayload.profile.think_time import span
from relayload.recording import Recording
from relayload.swarm.closed import ClosedLoop
from relayload.swarm.dispatch import Bounds, Dispatcher, DropReason
from relayload.swarm.health import Health
from relayload.swarm.messages import Assignment, EndRun, Live
from relayload.transport import Answer, Transport, files

_DRAIN_POLL_S = 0.02
_FORGET_S = 2.0
"""Older arrivals are left to others: Locust's master gives a silent worker's share away after four seconds."""

Report = Callable[[Record], None]


class Generator:
    """Sends this process's share of a run and records every request of it."""

    def __init__(
        self,
        profile: Profile,
        composer: Composer,
        assignment: Assignment,
        transport: Transport,
        report: Report,
    ) -> None:
        self._profile = profile
        self._worker = assignment.worker
        self._begins_at_s = clock.now_s() - assignment.elapsed_s
        self._began_at_ns = clock.wall_ns() - round(assignment.elapsed_s * 1e9)
        self._stages = stages(profile)
        self._scenarios = tuple(profile.scenarios)
        self._composer = composer
        self._transport = transport
        self._timeouts = profile.timeouts
        self._report = report
        self._writer = Recording.open(Path(assignment.run_dir)).writer(assignment.worker)
        self._health = Health()
        self._live = Live(worker=assignment.worker)
        self._ttft = Histogram()
        self._latency = Histogram()
        self._pace = self._new_pace(assignment)
        self._talks_until_s = sum(stage.for_s for stage in self._stages)
        self._ending = Event()
        self._draining = False
        self._hurried = False

    def assign(self, assignment: Assignment) -> None:
        """Take a share of the arrivals from an instant of the run on."""
        if isinstance(self._pace, Dispatcher):
            self._pace.bounds = self._bounds(assignment)
            self._pace.assign(Share(assignment.share_number, assignment.share_of), assignment.from_s)

    def start(self) -> None:
        """Begin to send; an open load needs nothing more, a closed one Locust's users."""
        if isinstance(self._pace, Dispatcher):
            self._pace.begin()

    def turn(self, scenario: int) -> float:
        """One request of a closed load, by the calling user; the seconds to think after it."""
        load = self._profile.load
        if not isinstance(self._pace, ClosedLoop) or not isinstance(load, ClosedLoad):
            return 0.0
        index = self._pace.turn(scenario)
        return span(load.think_time).at(uniform(self._profile.seed, index, "think_time"))

    def live(self) -> Live:
        """The totals until now."""
        live = self._live
        live.in_flight = self._pace.in_flight
        live.finished = self._pace.finished and not live.in_flight
        live.crash = live.crash or (repr(self._pace.crash) if self._pace.crash else None)
        live.ttft = self._ttft.sparse()
        live.latency = self._latency.sparse()
        return live

    @property
    def busy(self) -> bool:
        """Whether the recording is still open."""
        return not self._live.drained

    def drain(self, end: EndRun) -> None:
        """End the run here: start what is due, wait for what is in flight, abandon the rest, close the recording.

        Called again meanwhile without a grace, it makes the first call wait no longer.
        """
        self._hurried = end.grace_s == 0
        if self._draining:
            return
        self._draining = True
        self._pace.end_at(end.until_s)
        self._ending.set()
        patience_until_s = self._begins_at_s + end.until_s + end.grace_s
        while not (self.live().finished or self._hurried or clock.now_s() > patience_until_s):
            gevent.sleep(_DRAIN_POLL_S)
        self._pace.abandon()
        self._close()

    def _new_pace(self, assignment: Assignment) -> Dispatcher | ClosedLoop:
        load = self._profile.load
        if isinstance(load, ClosedLoad):
            return ClosedLoop(self._stages, assignment.worker, self._begins_at_s, self._send)
        bounds = self._bounds(assignment)
        return Dispatcher(arrivals(self._profile), self._begins_at_s, bounds, self._send, self._drop)

    def _bounds(self, assignment: Assignment) -> Bounds:
        load = self._profile.load
        assert isinstance(load, OpenLoad)
        most, rest = divmod(load.max_in_flight, assignment.share_of)
        return Bounds(
            max_in_flight=most + (assignment.share_number < rest),
            latest_s=LIMIT_GUARD_S if load.limits else None,
            forget_s=None if assignment.alone else _FORGET_S,
        )

    def _send(self, arrival: Arrival, late_s: float) -> None:
        turns = self._composer.turns(arrival)
        messages, answer = self._take_turn(arrival, late_s, (), keep_text=turns > 1)
        for turn in range(1, turns):
            due_s = clock.now_s() - self._begins_at_s + self._composer.think_time_s(arrival)
            if answer.attempt.outcome is not Outcome.OK or not self._wait_until(due_s):
                return
            history = (*messages, {"role": "assistant", "content": answer.text})
            late_s = max(0.0, clock.now_s() - self._begins_at_s - due_s)
            follow_up = structs.replace(arrival, intended_at_s=due_s, stage=stage_at(self._stages, due_s))
            self._live.follow_ups += 1
            messages, answer = self._take_turn(follow_up, late_s, history, turn, keep_text=turn + 1 < turns)

    def _wait_until(self, due_s: float) -> bool:
        """Whether that instant of the run comes before its end; a conversation does not go on after it."""
        if due_s >= self._talks_until_s:
            return False
        return not self._ending.wait(max(0.0, self._begins_at_s + due_s - clock.now_s()))

    def _take_turn(
        self, arrival: Arrival, late_s: float, history: Sequence[Message], turn: int = 0, *, keep_text: bool
    ) -> tuple[list[Message], Answer]:
        """Send one request and record it; the messages it held, and its answer."""
        self._live.started += 1
        try:
            request = self._composer.request(arrival, history)
            timeouts = self._composer.timeouts(arrival, self._timeouts)
            answer = self._transport.send(request, timeouts, keep_text=keep_text)
        except GreenletExit:
            self._record(arrival, late_s, Attempt(outcome=Outcome.ABANDONED, error="run_ended"), turn)
            raise
        self._record(arrival, late_s, answer.attempt, turn)
        return request.messages, answer

    def _record(self, arrival: Arrival, late_s: float, attempt: Attempt, turn: int) -> None:
        record = self._new_record(arrival, late_s, attempt, turn)
        self._writer.write(record)
        self._count(record)
        self._report(record)

    def _new_record(self, arrival: Arrival, late_s: float, attempt: Attempt, turn: int) -> Record:
        ended_s = clock.now_s() - self._begins_at_s
        if attempt.sent_at_s is not None:
            sent_s = attempt.sent_at_s - self._begins_at_s
            ended_s = ended_s if attempt.service_s is None else sent_s + attempt.service_s
            attempt = msgspec.structs.replace(attempt, sent_at_s=sent_s)
        name = self._scenarios[arrival.scenario]
        stage = self._stages[arrival.stage]
        return Record(
            index=arrival.index,
            worker=self._worker,
            scenario=name,
            stage=stage.name,
            model=self._composer.model(arrival),
            measured=stage.measured,
            intended_at_s=arrival.intended_at_s,
            late_s=late_s,
            latency_s=ended_s - arrival.intended_at_s,
            outcome=attempt.outcome,
            turn=turn,
            attempts=(attempt,),
        )

    def _drop(self, arrival: Arrival, reason: DropReason) -> None:
        name = self._scenarios[arrival.scenario]
        stage = self._stages[arrival.stage]
        self._live.dropped += 1
        self._writer.write(
            Drop(
                index=arrival.index,
                worker=self._worker,
                scenario=name,
                stage=stage.name,
                model=self._composer.model(arrival),
                measured=stage.measured,
                intended_at_s=arrival.intended_at_s,
                reason=reason.value,
            )
        )

    def _count(self, record: Record) -> None:
        if record.outcome is not Outcome.OK:
            self._live.failed += record.outcome is not Outcome.CANCELLED
            return
        self._live.ok += 1
        self._latency.add(record.latency_s)
        ttft_s = record.attempts[-1].ttft_s
        if ttft_s is not None:
            self._ttft.add(ttft_s)

    def _close(self) -> None:
        self._health.stop()
        self._transport.close()
        self._writer.write(
            End(
                worker=self._worker,
                at_s=clock.now_s() - self._begins_at_s,
                started=self._live.started,
                dropped=self._live.dropped,
                began_at_ns=self._began_at_ns,
                timestamps="kernel" if self._transport.kernel_timestamps else "user",
                loop_lag_p95_s=self._health.loop_lag_p95_s,
                loop_lag_p99_s=self._health.loop_lag_p99_s,
                cpu_share=self._health.cpu_share,
                gc_pause_max_s=self._health.longest_gc_pause_s,
                open_files_max=self._health.most_open_files,
                open_files_limit=files.limit(),
            )
        )
        self._writer.close()
        self._live.drained = True
