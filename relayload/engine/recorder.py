"""Records one process's part of a run: every request, drop and breaker transition, and the totals."""

import logging
from collections.abc import Callable, Iterable, Sequence

from msgspec import structs

from relayload import clock
from relayload.client.caller import Called
from relayload.core.errors import AuthorError
from relayload.core.model.audited import Audited
from relayload.core.model.record import Attempt, Drop, End, Line, Record, Transition
from relayload.core.model.snapshot import Snapshot
from relayload.core.objectives.snapshots import SnapshotMaker
from relayload.core.resilience.breaker import StateChange
from relayload.engine.arrival_rate import DropReason
from relayload.engine.assigned_recording import assigned_recording
from relayload.engine.audit_sample import HeldAnswer
from relayload.engine.host import host_name
from relayload.engine.messages import Assignment, WorkerStatus
from relayload.engine.run_clock import RunClock
from relayload.profile import Profile
from relayload.profile.job import Job
from relayload.profile.plan import stages
from relayload.recording.growing_file import PLAIN

_LOG = logging.getLogger("relayload")

Report = Callable[[Record | Transition], None]
_FOLD_AT_ONCE = 64
"""Lines that are folded together: fewer would cost more CPU each, more would delay requests that are due."""


class Recorder:
    """Writes the records of one process and keeps its totals. Calls `report` with every record and transition."""

    def __init__(self, profile: Profile, assignment: Assignment, run_clock: RunClock, report: Report) -> None:
        self._worker = assignment.worker
        self._run_clock = run_clock
        self._scenarios = tuple(profile.scenarios)
        self._several = profile.several
        self._stages = stages(profile)
        self._report = report
        self.recording = assigned_recording(assignment)
        is_part = self.recording.run.part is not None  # the master stores it as the profile says
        storage = PLAIN if is_part else profile.recording.storage
        self._writer = self.recording.writer(assignment.worker, profile.recording.kept(profile.seed), storage)
        self.status = WorkerStatus(worker=assignment.worker, host=host_name())
        self._snapshots = SnapshotMaker(assignment.worker, profile.objectives, self.recording.run)
        self._unfolded: list[Line] = []

    def snapshot(self, health: End, *, whole: bool = False) -> Snapshot:
        """Return what has ended since the last snapshot, or since the beginning of the run."""
        self._flush()
        self._fold()
        return self._snapshots.snapshot(self._run_clock.elapsed_s(), whole=whole, health=health)

    def begin(self, job: Job, turn: int, by: int = 1) -> None:
        """Count a request that is started, or with -1 one that was not sent after all."""
        self.status.started += by
        if turn:
            self.status.follow_ups += by
        self._snapshots.begin(job.arrival.intended_at_s, by)

    def request(
        self, job: Job, late_s: float, called: Called, turn: int, begins_at_s: float, trace_id: str | None = None
    ) -> None:
        """Record a request that has ended, and during which the run's beginning was taken to be at `begins_at_s`."""
        record = self._new_record(job, late_s, called, turn, begins_at_s, trace_id)
        self._write(record)
        self._report(record)

    def drop(self, job: Job, reason: DropReason) -> None:
        """Record an arrival that could not be started."""
        arrival = job.arrival
        name = self._scenarios[arrival.scenario]
        stage = self._stages[arrival.stage]
        self.status.dropped += 1
        self._write(
            Drop(
                index=arrival.index,
                worker=self._worker,
                scenario=name,
                stage=stage.name,
                model=job.model,
                measured=stage.measured,
                intended_at_s=arrival.intended_at_s,
                reason=reason.value,
                target=self._target(job),
                key=job.addressee.key,
            )
        )

    def place(self, held: HeldAnswer) -> Audited:
        """Return the line of an audited answer, with its place in the run alone."""
        job, arrival = held.job, held.job.arrival
        stage = self._stages[arrival.stage]
        return Audited(
            index=arrival.index,
            worker=self._worker,
            scenario=self._scenarios[arrival.scenario],
            stage=stage.name,
            model=job.model,
            measured=stage.measured,
            intended_at_s=arrival.intended_at_s,
            target=self._target(job),
            request="",
        )

    def audited(self, lines: Iterable[Audited]) -> None:
        """Record audited answers. If the disk is full, that is the crash of this process."""
        try:
            for line in lines:
                self._writer.write(line)
        except AuthorError as error:
            self.status.crash = self.status.crash or str(error)

    def transition(self, target: str, change: StateChange, *, enforced: bool) -> None:
        """Record and log a breaker's change of state."""
        line = Transition(
            worker=self._worker,
            at_s=change.at_s - self._run_clock.begins_at_s,
            scope=f"{target}/{change.scope}" if self._several else change.scope,
            before=change.before,
            after=change.after,
            reason=change.reason.value,
            enforced=enforced,
            calls=change.calls,
            failures=change.failures,
            slow=change.slow,
            since_s=None if change.since_s is None else change.since_s - self._run_clock.begins_at_s,
            target=target if self._several else None,
        )
        self._write(line)
        self._report(line)
        _LOG.warning(
            "breaker %s at %.1fs: %s -> %s, %s (%d calls, %d failed, %d slow)%s",
            *(line.scope, line.at_s, line.before, line.after, line.reason, line.calls, line.failures, line.slow),
            "" if enforced else "; it only watches",
        )

    def close(self, end: End) -> None:
        """Write the last line and close the recording. If the disk is full, that is the crash of this process."""
        try:
            try:
                self._writer.write(end)
            finally:
                self._writer.close()
        except AuthorError as error:
            self.status.crash = self.status.crash or str(error)
        self.status.drained = True

    def _flush(self) -> None:
        """Have what was recorded on disk. Records that go nowhere are a crash of this process, which ends the run."""
        if self.status.drained or self.status.crash:
            return
        try:
            self._writer.flush()
        except AuthorError as error:
            self.status.crash = str(error)

    def _write(self, line: Line) -> None:
        self._unfolded.append(self._writer.write(line))
        if len(self._unfolded) >= _FOLD_AT_ONCE:
            self._fold()

    def _fold(self) -> None:
        lines, self._unfolded = self._unfolded, []
        self._snapshots.add(lines)

    def _new_record(
        self, job: Job, late_s: float, called: Called, turn: int, begins_at_s: float, trace_id: str | None
    ) -> Record:
        arrival = job.arrival
        attempts = tuple([_since(begins_at_s, attempt) for attempt in called.attempts])
        ended_s = _ended_s(attempts)
        if ended_s is None:
            ended_s = clock.now_s() - begins_at_s
        stage = self._stages[arrival.stage]
        return Record(  # in the order of the fields: names take five times as long
            arrival.index,
            self._worker,
            self._scenarios[arrival.scenario],
            stage.name,
            job.model,
            stage.measured,
            arrival.intended_at_s,
            late_s,
            ended_s - arrival.intended_at_s,
            called.outcome,
            self._target(job),
            job.addressee.key,
            turn,
            called.throttled_s,
            called.backoff_s,
            called.stopped_by,
            attempts,
            trace_id,
        )

    def _target(self, job: Job) -> str | None:
        """Return the name of the target if there are several."""
        return job.target if self._several else None


def _since(begins_at_s: float, attempt: Attempt) -> Attempt:
    """Return the attempt with its send in seconds of the run."""
    if attempt.sent_at_s is None:
        return attempt
    return structs.replace(attempt, sent_at_s=attempt.sent_at_s - begins_at_s)


def _ended_s(attempts: Sequence[Attempt]) -> float | None:
    """Return when the last byte of the last attempt arrived; None without one."""
    if not attempts:
        return None
    last = attempts[-1]
    return None if last.sent_at_s is None or last.service_s is None else last.sent_at_s + last.service_s
