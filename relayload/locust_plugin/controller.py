"""One run on the master, or in the only process: deals out the load, watches it, drains it, and judges it."""

from locust.env import Environment

import logging
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import gevent
from gevent import Greenlet
from msgspec import structs

import relayload
from relayload import clock
from relayload.core.errors import AuthorError, Fault
from relayload.core.metrics.summary import Summary
from relayload.core.model.progress import ObjectiveSoFar, Progress
from relayload.core.model.run import AT_BEST, HandChange
from relayload.core.model.snapshot import Snapshot
from relayload.core.model.verdict import ObjectiveResult, Verdict
from relayload.core.objectives.charts import Charts
from relayload.core.objectives.snapshots import MergedSnapshot
from relayload.core.resilience.guard import Caps
from relayload.engine.audit_counting import COUNTED_WITHIN_S
from relayload.engine.host import host_id
from relayload.engine.lessor import Lessor
from relayload.engine.messages import Assignment, EndRun, RateChanges, RecordsPiece, Renewal
from relayload.engine.received_records import ReceivedRecords
from relayload.engine.run_workers import RunWorkers
from relayload.engine.shipper import SHIPPED_WITHIN_S
from relayload.engine.stop_causes import StopCauses
from relayload.engine.workload import new_workload
from relayload.locust_plugin.choices import Choice
from relayload.locust_plugin.hand_changes import HandChanges
from relayload.locust_plugin.locust_memory import forget_old
from relayload.locust_plugin.nodes import runner_of
from relayload.locust_plugin.progress_maker import ProgressMaker
from relayload.locust_plugin.run_info import keep_recorded_reference, new_run_info, write_profile
from relayload.locust_plugin.worker_channel import WorkerChannel
from relayload.recording import Folded, Recording, RunInfo, new_run_dir, progress
from relayload.recording.compression import best_known
from relayload.recording.reserve import release
from relayload.recording.snapshots import SnapshotWriter

_LOG = logging.getLogger("relayload")
_TICK_S = 0.1
_TICKS_PER_PROGRESS = 5
_TICKS_PER_CLEARING = 600
_LOCAL_LEAD_S = 0.2
_REMOTE_LEAD_S = 1.5
"""Workers spawn their user, clear their statistics, and have their first leases before the first arrival is due.

A process that is alone needs as much if it reads a profile that Locust was not started with.
"""
_HELD_UP_S = 0.5
"""A master that wakes so much too late was held up itself: nobody's silence meanwhile counts."""
_END_LEAD_S = 0.25
"""Every worker knows of the end before it comes, so all stop at the same arrival."""
_ACKNOWLEDGE_S = COUNTED_WITHIN_S + SHIPPED_WITHIN_S + 5.0
"""The time for workers to deliver their records and report it; those that are gone are not awaited."""


class Controller:
    """One run, from an empty directory to a verdict."""

    def __init__(
        self,
        environment: Environment,
        choice: Choice,
        out: Path | None,
        base_urls: dict[str, str],
    ) -> None:
        """Begins the recording, in `out` or a new directory. Raises AuthorError if it can't be written to."""
        self._choice = choice
        profile = choice.effective
        self.run_dir = out or new_run_dir(profile.name)
        self._recording = Recording.create(self.run_dir, new_run_info(profile, self.run_dir.name, base_urls))
        write_profile(self.run_dir, profile)
        keep_recorded_reference(self.run_dir, profile)
        self._recording.reserve()
        self._channel, self._stats = WorkerChannel(runner_of(environment)), environment.stats
        self._profile = profile
        self._base_urls = base_urls
        self._bounds = profile.guardrails
        self._workload = new_workload(profile)
        self._lessor = Lessor(profile, self._workload)
        self._so_far = MergedSnapshot(profile.objectives, self._recording.run)
        self._watched_at_s = clock.now_s()
        self._alone = self._channel.alone
        self._changes = HandChanges(self._recording, profile, choice.multiplier, alone=self._alone)
        self._workers = RunWorkers(self._lessor, alone=self._alone)
        self._progress = ProgressMaker(profile, self._recording, self._so_far, self._workload, self._workers)
        self._begins_at_s = clock.now_s() + (_LOCAL_LEAD_S if self._alone and choice.file is None else _REMOTE_LEAD_S)
        self._grace_skipped = False
        self._acknowledge_until_s = 0.0
        self._until_s: float | None = None
        self._received = ReceivedRecords(self._recording, profile.recording.storage)
        self._snapshots = self._snapshot_writer()
        self._causes = StopCauses(
            profile, self._so_far, self._received, self._workload, self._lessor, self._workers, alone=self._alone
        )
        self.summary: Summary | None = None
        self.verdict: Verdict | None = None
        self.finished = False
        """The run is over, and judged if that was possible."""
        self.latest_progress: Progress | None = None
        """From less than a second ago, while the load goes on; None at first."""
        self.charts: Charts | None = None
        """With summary and verdict, what is known once the run is judged."""

    @property
    def info(self) -> RunInfo:
        """What `run.json` says of the run."""
        return self._recording.run

    @property
    def choice(self) -> Choice:
        """What is run."""
        return self._choice

    @property
    def merged(self) -> MergedSnapshot:
        """What the workers have told of their requests so far."""
        return self._so_far

    @property
    def caps(self) -> Caps:
        """The most requests and dollars of the run."""
        return self._bounds.caps

    def objectives_so_far(self) -> Sequence[ObjectiveResult]:
        """Return the results of the objectives by what has ended, or had ended shortly before."""
        return self._progress.objectives(self._load_s)

    def standings_so_far(self) -> Iterator[tuple[ObjectiveResult, ObjectiveSoFar]]:
        """Return the results so far, each with how its objective stands."""
        return self._progress.standings(self._load_s)

    @property
    def ending(self) -> bool:
        """True once the load is over, or its end is known."""
        return self._until_s is not None

    @property
    def elapsed_s(self) -> float:
        return clock.now_s() - self._begins_at_s

    @property
    def crash(self) -> str | None:
        """A failure of our own code, on any node."""
        return self._causes.crash

    def begin(self, done: Callable[[], None]) -> None:
        """Deal out the load and watch it.

        `done` is called once everything is sent and answered, no worker is left, or an objective with `abort` is proven
        broken.
        """
        _LOG.info("recording to %s", self.run_dir)
        _LOG.info("the load begins")
        present = self._channel.present()
        try:
            self._lessor.begin(range(len(present)), clock.now_s())
        except ValueError as error:
            self._crashed(str(error), done)
            return
        for client_id in present:
            self._assign(client_id)
        watch = Greenlet.spawn(self._watch, done)
        watch.link_exception(lambda failed: self._crashed(repr(failed.exception), done))

    def on_ready(self, client_id: str) -> None:
        """Handle a worker that listens from now on: it could not receive an assignment before, or joins late."""
        if self._until_s is None:
            self._assign(client_id)

    def on_renewal(self, client_id: str, renewal: Renewal) -> None:
        """Handle the renewal of a worker's lease, and its totals."""
        if renewal.run_id != self._so_far.run.run_id or self._workers.number(client_id) != renewal.worker:
            return
        lacks_change = renewal.rate_changes < len(self._changes.rates)
        if renewal.status is not None:
            finished = renewal.status.finished and not lacks_change
            self._workers.statuses[renewal.worker] = structs.replace(renewal.status, finished=finished)
        if self._alone:
            return
        if lacks_change:
            self._send_rates(client_id)
            return
        now_s = clock.now_s()
        was_silent = not self._lessor.is_alive(renewal.worker, now_s)
        for lease in self._lessor.renew(renewal, now_s, self.elapsed_s):
            self._channel.lease(self._workers.client_id(lease.worker), lease)
        if was_silent and self._until_s is not None:
            self._send_end_to(client_id, self._grace_s)

    def on_snapshot(self, client_id: str, snapshot: Snapshot) -> bool:
        """Handle a snapshot of a worker; return whether it is one of this run."""
        if self._workers.number(client_id) != snapshot.worker:
            return False
        if not self._so_far.replace(snapshot):
            _LOG.info("a snapshot of worker %d is missing: asking for all of it", snapshot.worker)
            self._channel.ask_for_whole_snapshot(client_id)
        if self._snapshots is not None:
            self._record_snapshot(self._snapshots, snapshot)
        return True

    def _snapshot_writer(self) -> SnapshotWriter | None:
        """Return what records the snapshots of a run whose numbers come from them. Raises AuthorError."""
        if not self.info.from_snapshots:
            return None
        return SnapshotWriter(self.run_dir, self._profile.objectives, self._profile.recording.storage.compression)

    def _record_snapshot(self, writer: SnapshotWriter, snapshot: Snapshot) -> None:
        """Record a snapshot; where that fails the run has nowhere to be recorded, and ends."""
        if self.finished or self._causes.own_crash is not None:
            return
        try:
            writer.add(snapshot, clock.now_s())
        except AuthorError as error:
            self._causes.own_crash = str(error)
            _LOG.error("ending the run: %s", error)

    def on_records(self, client_id: str, piece: RecordsPiece) -> None:
        """Handle records of a worker on another host."""
        if self._workers.number(client_id) == piece.worker or piece.run_uid != self.info.uid:
            self._channel.acknowledge(client_id, self._received.take(piece))

    def change_rate(self, factor: float, by: str) -> str:
        """Multiply the rates of the stages from shortly after now on, and say so.

        Raises AuthorError if that can't be.
        """
        self._check_begun()
        elapsed_s = self._load_s
        due = self._workload.due(elapsed_s, self._workers.statuses)
        change = self._changes.change_rate(elapsed_s, due, factor, by)
        for client_id in self._workers.client_ids:
            self._send_rates(client_id)
        self._workload.change_rate(self._changes.rates, elapsed_s)
        return self._told_of(change, elapsed_s)

    def change_users(self, users: int, by: str) -> None:
        """Record another number of users of a closed load, which Locust starts or stops."""
        self._check_begun()
        change = HandChange(at_s=self._load_s, users=users, by=by)
        self._changes.record(change)
        self._told_of(change, change.at_s)

    def _told_of(self, change: HandChange, now_s: float) -> str:
        """Log a change, have whoever looks see it at once, and return it in words."""
        told = change.told(now_s)
        _LOG.warning("%s, by %s: the verdict will be %s", told, change.by, AT_BEST)
        if self.latest_progress is not None:
            self.latest_progress = structs.replace(self.latest_progress, elapsed_s=now_s, changes=self.info.changes)
        return f"{told}: {AT_BEST}"

    def _check_begun(self) -> None:
        if self._until_s is not None:
            raise AuthorError([Fault("the load has ended")])

    def skip_grace(self) -> None:
        """Stop waiting for what is in flight."""
        _LOG.info("not waiting for what is in flight")
        self._grace_skipped = True
        if self._until_s is not None:
            self._send_end(grace_s=0.0)

    def end(self, hint: str = "") -> None:
        """End the load: nothing is due from now on. What is in flight continues; a second call does nothing.

        `hint` is appended to the log line: what the user can do about the wait.
        """
        if self._until_s is None:
            _LOG.info("ending the load; what is in flight may take %gs%s", self._grace_s, hint)
            self._end()

    def _end(self) -> None:
        lead_s = 0.0 if self._alone else _END_LEAD_S
        self._until_s = min(max(0.0, self.elapsed_s + lead_s, self._complete_at_s), self._bounds.until_s)
        self._acknowledge_until_s = clock.now_s() + lead_s + self._grace_s + _ACKNOWLEDGE_S
        self._lessor.end_at(self._until_s)
        self._send_end(self._grace_s)

    def drain(self) -> None:
        """End the load and wait, in bounds, until every worker that is left has closed its recording."""
        self.end()
        while self._workers.undrained(clock.now_s()) and clock.now_s() < self._acknowledge_until_s:
            self._keep_one_worker()
            gevent.sleep(_TICK_S / 2)

    def finish(self, ended_by: str) -> None:
        """Close the recording, summarize it and judge it. Call this once the load is drained.

        If that can't be written, that is a crash, and there is no verdict.
        """
        self.finished = True
        self._received.close()
        release(self.run_dir)
        try:
            self._finish(ended_by)
        except AuthorError as error:
            self._causes.own_crash = self.crash or str(error)

    def _finish(self, ended_by: str) -> None:
        guardrail = self._causes.guardrail(self._until_s)
        ended_at_s = self.elapsed_s if self._until_s is None else self._until_s
        self._recording.update(
            ended_at_s=self._until_s,
            ended_by=self._causes.ended_by(ended_by, guardrail),
            crash=self.crash,
            stopped_by_guardrail=guardrail,
            stopped_by_objective=self._causes.broken,
            offered=self._workload.offered(ended_at_s, self._workers.statuses),
            workers=max(1, len(self._workers.statuses)),
            worker_reports=self._workers.infos,
        )
        if self._snapshots is not None:
            self._snapshots.close()
        folded = self._recording.fold()
        summary, verdict = folded.results()
        self._recording.write_summary(summary)
        self._recording.write_verdict(verdict)
        self.summary, self.verdict = summary, verdict
        progress.remove(self.run_dir)
        self._write_page(summary, verdict, folded)

    def _write_page(self, summary: Summary, verdict: Verdict, folded: Folded) -> None:
        """Write report.html. The run is judged by now, so that whatever goes wrong here is told, and no more."""
        from relayload.recording.run_page import NAME, write_page  # not before the first request

        try:
            self.charts = folded.charts(summary)
            write_page(self._recording, summary, verdict, self.charts, folded)
        except Exception as error:
            _LOG.warning("%s was not written: %s", NAME, error)

    def _assign(self, client_id: str) -> None:
        """Let a worker take part; repeating it does no harm."""
        assignment = Assignment(
            version=relayload.__version__,
            run_id=self._so_far.run.run_id,
            run=self._so_far.run,
            compression=best_known(),
            run_dir=str(self.run_dir.absolute()),
            base_urls=self._base_urls,
            profile_sha256=self._choice.profile.sha256,
            profile_file="" if self._choice.file is None else str(self._choice.file.absolute()),
            overrides=self._choice.overrides,
            worker=self._workers.admit(client_id),
            begins_at_s=self._begins_at_s,
            host_id=host_id(),
            alone=self._alone,
        )
        self._channel.assign(client_id, assignment)

    def _send_rates(self, client_id: str) -> None:
        self._channel.change_rates(client_id, RateChanges(changes=self._changes.rates))

    def _send_end(self, grace_s: float) -> None:
        for client_id in self._workers.client_ids:
            self._send_end_to(client_id, grace_s)

    def _send_end_to(self, client_id: str, grace_s: float) -> None:
        assert self._until_s is not None
        self._channel.end(client_id, EndRun(until_s=self._until_s, grace_s=grace_s))

    def _watch(self, done: Callable[[], None]) -> None:
        tick = 0
        while self._until_s is None and not self._causes.any(self.elapsed_s, clock.now_s()) and not self._finished:
            self._notice_own_delay()
            self._keep_one_worker()
            self._workers.log_silence(clock.now_s())
            self._causes.look_at_objectives(self.elapsed_s)
            if tick % _TICKS_PER_CLEARING == 0:
                forget_old(self._stats)
            if tick % _TICKS_PER_PROGRESS == 0:
                self.latest_progress = self.progress()
                self._write_progress(self.latest_progress)
            tick += 1
            gevent.sleep(_TICK_S)
        if self._until_s is None:
            if self._finished:
                self._end()
            else:
                self.end()
            done()

    def _write_progress(self, latest: Progress) -> None:
        """Write progress.json; where that fails the run has nowhere to be recorded, and ends."""
        try:
            progress.write(self.run_dir, latest)
        except AuthorError as error:
            self._causes.own_crash = str(error)
            _LOG.error("ending the run: %s", error)

    @property
    def deserted(self) -> bool:
        """True once every worker is gone."""
        return self._workers.deserted(clock.now_s())

    @property
    def _finished(self) -> bool:
        return self._workers.finished(clock.now_s())

    @property
    def _grace_s(self) -> float:
        return 0.0 if self._grace_skipped else self._profile.load.graceful_stop_s

    @property
    def _complete_at_s(self) -> float:
        """When the load is complete, if everything was sent and nothing ended it before; 0 if something is left."""
        return self._workload.complete_at_s() if self._finished and not self._causes.cuts_load else 0.0

    def _notice_own_delay(self) -> None:
        now_s = clock.now_s()
        delay_s, self._watched_at_s = now_s - self._watched_at_s - _TICK_S, now_s
        if delay_s > _HELD_UP_S:
            self._lessor.excuse(delay_s)

    def _keep_one_worker(self) -> None:
        """Keep Locust, which stops a test without workers, from giving up the one that renewed last."""
        latest = self._lessor.latest
        if not self._alone and latest is not None and not self._workers.is_gone(latest, clock.now_s()):
            self._channel.keep(self._workers.client_id(latest))

    @property
    def _load_s(self) -> float:
        """For how long the load has gone on. What is due after its end was not offered."""
        ends_at_s = self._bounds.until_s if self._until_s is None else self._until_s
        return max(0.0, min(self.elapsed_s, ends_at_s))

    def progress(self) -> Progress:
        """Return the totals so far."""
        return self._progress.progress(self._load_s, clock.now_s())

    def _crashed(self, crash: str, done: Callable[[], None]) -> None:
        """End the run, which is no longer watched."""
        self._causes.own_crash = crash
        _LOG.error("the controller failed: %s", crash)
        if self._until_s is None:
            done()
