"""The load-generating half of one process, for one run: arrivals go in, records come out."""

from collections.abc import Callable, Sequence
from decimal import Decimal

import gevent
from gevent import GreenletExit
from gevent.event import Event
from msgspec import structs

from relayload import clock
from relayload.client.caller import Called, Unleased
from relayload.core.errors import AuthorError
from relayload.core.model.record import End, Outcome
from relayload.core.model.snapshot import Snapshot
from relayload.core.resilience.breaker import StateChange
from relayload.core.traffic.arrivals import Arrival
from relayload.core.traffic.leases import EVERYTHING, LEASE_S
from relayload.core.traffic.rate_changes import RateChange
from relayload.core.traffic.stages import stage_at
from relayload.core.traffic.trace_context import HEADER, TraceContexts
from relayload.engine.arrival_rate import ArrivalRateExecutor, DropReason
from relayload.engine.audit_counting import AuditCounting, all_secrets
from relayload.engine.audit_sample import AuditSample
from relayload.engine.clients import Clients, Transports
from relayload.engine.closed_loop import ClosedLoopExecutor
from relayload.engine.executor import new_executor
from relayload.engine.health import Health
from relayload.engine.leaseholder import Leaseholder
from relayload.engine.messages import Assignment, EndRun, Lease, Renewal, WorkerStatus
from relayload.engine.permit import Permit
from relayload.engine.recorder import Recorder, Report
from relayload.engine.rescheduling import due_after
from relayload.engine.run_clock import RunClock
from relayload.engine.spend_guard import SpendGuard
from relayload.profile import Profile
from relayload.profile.compose import Composer
from relayload.profile.job import Job, Message
from relayload.profile.plan import arrivals, read_ahead, stages, to_send
from relayload.recording import Recording
from relayload.transport import open_files

_DRAIN_POLL_S = 0.02
_STARTED_WITHIN_S = 0.25
"""The time for what was due before the end to be started, even if no answer is awaited."""


class Generator:
    """Sends this process's share of a run and records every request of it."""

    def __init__(
        self,
        profile: Profile,
        composer: Composer,
        assignment: Assignment,
        transports: Transports,
        report: Report,
        run_clock: RunClock,
    ) -> None:
        self._profile = profile
        self._worker = assignment.worker
        self._run_clock = run_clock
        self._began_at_ns = clock.wall_ns() - round(run_clock.elapsed_s() * 1e9)
        self._stages = stages(profile)
        self._composer = composer
        self._alone = assignment.alone
        self._permit = permit = Permit(for_ever=assignment.alone)
        self._clients = Clients(profile, transports, assignment, self._on_transition, permit)
        self._recorder = Recorder(profile, assignment, run_clock, report)
        self._sample = AuditSample(profile)
        share = profile.telemetry.traced_share
        self._traces = None if share is None else TraceContexts(assignment.run.uid, share)
        self._health = Health()
        self._spend_guard = SpendGuard(profile, alone=assignment.alone, ask=self._ask)
        self._executor = new_executor(profile, assignment, run_clock, self._send, self._drop, permit, self._ask)
        self._leaseholder = Leaseholder(
            assignment.run_id, assignment.worker, permit, self._executor, self._clients, self._spend_guard
        )
        self._conversations_until_s = min(sum(stage.for_s for stage in self._stages), profile.guardrails.until_s)
        self._rate_changes = 0
        self._ending = Event()
        self._draining = self._hurried = False
        self._last: End | None = None
        """The last line of the recording, once the last request has ended."""
        self._grace_skipped = False

    def start(self, ask: Callable[[], None] = lambda: None) -> None:
        """Begin to send what is leased. In a closed load Locust's users call `turn`; other loads need nothing more.

        `ask` sends a renewal at once, if something is lacking.
        """
        self._leaseholder.ask = ask
        if self._alone:
            self._executor.take([EVERYTHING], 0, complete=True, slots=None)
        self._executor.begin()

    def renewal(self, status: WorkerStatus | None = None) -> Renewal:
        """Return a request for the next lease, to be sent at once."""
        return self._leaseholder.renewal(status)

    def apply(self, lease: Lease) -> None:
        """Put a lease into force."""
        self._leaseholder.apply(lease)

    def change_rate(self, changes: Sequence[RateChange]) -> None:
        """Send what is leased to this process at the instants that it has with these changes of the rate."""
        executor = self._executor
        if not isinstance(executor, ArrivalRateExecutor) or len(changes) <= self._rate_changes:
            return
        self._rate_changes, after_s = len(changes), self._run_clock.elapsed_s()
        profile = self._profile
        later = to_send(profile, due_after(arrivals(profile, changes), after_s, read_ahead(profile)))
        if len(changes) == self._rate_changes:  # none came while others went on
            executor.reschedule(later, after_s)
            self._leaseholder.rate_changes = len(changes)

    @property
    def silent_s(self) -> float:
        """Seconds since the master last answered a renewal; 0 if this process runs alone."""
        return 0.0 if self._alone else clock.now_s() - self._leaseholder.answered_at_s

    def turn(self, scenario: int) -> float:
        """Send one request of a closed load for the calling user, and return the seconds to think after it."""
        return self._executor.turn(scenario) if isinstance(self._executor, ClosedLoopExecutor) else 0.0

    def status(self) -> WorkerStatus:
        """Return the totals so far."""
        status = self._recorder.status
        status.in_flight = self._executor.in_flight
        status.finished = self._executor.finished and not status.in_flight
        status.crash = status.crash or _description(self._executor.crash)
        run_clock = self._run_clock
        status.clock_offset_s, status.clock_error_s = run_clock.offset_s, run_clock.error_s
        status.clock_steps = self._health.clock_steps
        spent = self._spend_guard.guard.spent
        status.admitted, status.usd, status.guardrail = spent.requests, spent.usd, self._spend_guard.reason or None
        return status

    @property
    def recording(self) -> Recording:
        """Where this process writes its records."""
        return self._recorder.recording

    def snapshot(self, *, whole: bool = False) -> Snapshot:
        """Return what has ended since the last snapshot, or since the beginning of the run."""
        return self._recorder.snapshot(self._last_line(), whole=whole)

    @property
    def busy(self) -> bool:
        """True while the recording is open."""
        return not self._recorder.status.drained

    def drain(self, end: EndRun) -> None:
        """End the run in this process: wait for what is in flight, abandon the rest, close the recording.

        A second call without a grace period ends the wait of the first for answers, and counts no more of them.
        """
        self._grace_skipped = end.grace_s == 0
        if self._draining:
            self._hurried = self._grace_skipped
            return
        self._draining = True
        self._executor.end_at(end.until_s)
        self._ending.set()
        while not self.status().finished:
            over_s = self._run_clock.elapsed_s() - end.until_s
            grace_s = 0.0 if self._grace_skipped else end.grace_s
            if over_s > max(grace_s, _STARTED_WITHIN_S):
                break
            gevent.sleep(_DRAIN_POLL_S)
        self._executor.abandon()
        self._close()

    def leave(self, grace_s: float) -> None:
        """Send what is leased to this process and nothing more, and end as `drain` does."""
        self._leaseholder.leave()
        answered_by_s = clock.now_s() + LEASE_S
        while not self._leaseholder.left and clock.now_s() < answered_by_s and not self._draining:
            gevent.sleep(_DRAIN_POLL_S)
        until_s = answered_by_s + grace_s
        while self._executor.ahead and clock.now_s() < until_s and not self._draining:
            gevent.sleep(_DRAIN_POLL_S)
        self.drain(EndRun(until_s=max(0.0, self._run_clock.elapsed_s()), grace_s=grace_s))

    def _send(self, arrival: Arrival, late_s: float) -> None:
        job = self._composer.job(arrival)
        reserved_usd = self._spend_guard.admit(job)
        if reserved_usd is None and self._spend_guard.short:
            reserved_usd, late_s = self._wait_for_allowance(job, late_s)
        if reserved_usd is None:
            self._executor.refuse(arrival)
            return
        if late_s > arrival.slack_s:
            self._spend_guard.cancel(reserved_usd)
            self._recorder.drop(job, DropReason.LATE)
            return
        try:
            messages, called = self._take_turn(job, late_s, reserved_usd, (), keep_text=job.turns > 1)
        except Unleased:
            if isinstance(self._executor, ClosedLoopExecutor):
                raise
            self._recorder.drop(job, DropReason.LEASE)
            return
        if job.turns > 1:
            self._converse(job, messages, called)

    def _converse(self, job: Job, messages: list[Message], called: Called) -> None:
        """Take the later turns of a conversation, until one fails or the run ends."""
        arrival = job.arrival
        for turn in range(1, job.turns):
            due_at_s = self._run_clock.elapsed_s() + job.think_time_s
            if called.answer is None or called.outcome is not Outcome.OK or not self._wait_until(due_at_s):
                return
            history = (*messages, {"role": "assistant", "content": called.answer.text})
            self._permit.wait()
            late_s = max(0.0, self._run_clock.elapsed_s() - due_at_s)
            follow_up = structs.replace(arrival, intended_at_s=due_at_s, stage=stage_at(self._stages, due_at_s))
            job = structs.replace(job, arrival=follow_up)
            reserved_usd = self._spend_guard.admit(job, turn)
            if reserved_usd is None and self._spend_guard.short:
                reserved_usd = self._spend_guard.wait(job, turn)
            if reserved_usd is None:
                return
            keep_text = turn + 1 < job.turns
            try:
                messages, called = self._take_turn(job, late_s, reserved_usd, history, turn, keep_text=keep_text)
            except Unleased:
                return

    def _wait_for_allowance(self, job: Job, late_s: float) -> tuple[Decimal | None, float]:
        """Wait until the master has given more, or nothing is left. Return what was reserved, and how late it is."""
        from_s = clock.now_s()
        try:
            reserved_usd = self._spend_guard.wait(job)
        except GreenletExit:
            self._recorder.drop(job, DropReason.LEASE)
            raise
        return reserved_usd, late_s + clock.now_s() - from_s

    def _drop(self, arrival: Arrival, reason: DropReason) -> None:
        self._recorder.drop(self._composer.job(arrival), reason)

    def _wait_until(self, due_at_s: float) -> bool:
        """Wait until an instant of the run; return False if the run ends first, since a conversation ends with it."""
        if due_at_s >= self._conversations_until_s:
            return False
        return not self._ending.wait(max(0.0, due_at_s - self._run_clock.elapsed_s()))

    def _take_turn(
        self,
        job: Job,
        late_s: float,
        reserved_usd: Decimal,
        history: Sequence[Message],
        turn: int = 0,
        *,
        keep_text: bool,
    ) -> tuple[list[Message], Called]:
        """Send one request and record it. Return its messages and what came of the call.

        Raises Unleased if it was not sent, since the lease is over.
        """
        self._recorder.begin(job, turn)
        begins_at_s = self._run_clock.begins_at_s  # for all instants of the request, even if it is corrected meanwhile
        request, trace_id = job.request(history), None
        if self._traces is not None:
            trace = self._traces.of(job.arrival.index, job.target, turn)
            request = structs.replace(request, headers={**request.headers, HEADER: trace.header})
            trace_id = trace.trace_id if trace.sampled else None
        sampled = self._sample.wants(job, turn)
        called: Called | None = None
        try:
            called = self._clients.of(job.addressee).call(request, job.timeouts, keep_text=keep_text, sampled=sampled)
        except Unleased:
            self._recorder.begin(job, turn, -1)
            self._spend_guard.cancel(reserved_usd)
            raise
        finally:
            if sampled:
                self._sample.take(job, called)
        self._spend_guard.settle(job, reserved_usd, called.attempts, clock.now_s())
        self._recorder.request(job, late_s, called, turn, begins_at_s, trace_id)
        if called.outcome is Outcome.ABANDONED:
            raise GreenletExit
        return request.messages, called

    def _ask(self) -> None:
        self._leaseholder.ask_once()

    def _on_transition(self, target: str, change: StateChange) -> None:
        self._recorder.transition(target, change, enforced=self._clients.enforces(target))

    def _close(self) -> None:
        self._health.stop()
        self._clients.close()
        self._last = self._last_line()
        try:
            self._audit()
        except Exception as error:  # ours, and the records are whole without it
            self._recorder.status.crash = self._recorder.status.crash or repr(error)
            raise
        finally:
            self._recorder.close(self._last)

    def _audit(self) -> None:
        """Count the answers that were kept, and record what was found."""
        held = self._sample.held()
        self._sample.clear()
        if held:
            counting = AuditCounting(all_secrets(self._profile), keep_texts=self._profile.audit.keep_texts)
            self._recorder.audited(counting.lines(held, self._recorder.place, lambda: self._hurried))

    def _last_line(self) -> End:
        """Return the last line of the recording if it ended now."""
        if self._last is not None:
            return self._last
        return End(
            worker=self._worker,
            at_s=max(0.0, self._run_clock.elapsed_s()),
            started=self._recorder.status.started,
            dropped=self._recorder.status.dropped,
            began_at_ns=self._began_at_ns,
            timestamps="kernel" if self._clients.kernel_timestamps else "user",
            loop_lag_p95_s=self._health.loop_lag_p95_s,
            loop_lag_p99_s=self._health.loop_lag_p99_s,
            cpu_share=self._health.cpu_share,
            gc_pause_max_s=self._health.longest_gc_pause_s,
            open_files_max=self._health.most_open_files,
            open_files_limit=open_files.limit(),
        )


def _description(crash: BaseException | None) -> str | None:
    """Describe a crash; an unreadable row of a trace reads as it does in `relayload check`, with its place."""
    return None if crash is None else str(crash) if isinstance(crash, AuthorError) else repr(crash)
