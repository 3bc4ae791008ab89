"""One run on the master, or in the only process: deals out the load, watches it, drains it, and judges it."""

from locust.env import Environment
from locust.runners import MasterRunner

import logging
import math
from collections.abc import Callable, Sequence
from pathlib import Path

import gevent
from gevent import Greenlet

from relayload import clock
from relayload.core.metrics.summary import Summary
from relayload.core.model.progress import Progress
from relayload.core.model.record import GUARDRAIL
from relayload.core.model.snapshot import Snapshot
from relayload.core.model.tags import DROPPED, REFUSED
from relayload.core.model.verdict import Verdict
from relayload.core.objectives.abort import AbortMonitor, Breach
from relayload.core.objectives.snapshots import MergedSnapshot
from relayload.core.resilience.guard import Bound
from relayload.core.traffic.arrivals import Share
from relayload.core.traffic.stages import stage_at
from relayload.core.units import format_duration
from relayload.engine.host import host_id
from relayload.engine.messages import Assignment, EndRun, WorkerStatus
from relayload.engine.workload import new_workload
from relayload.locust_plugin.channel import ASSIGN, END, WHOLE, pack
from relayload.locust_plugin.nodes import runner_of
from relayload.locust_plugin.run_info import new_run_info, write_profile
from relayload.profile import Profile
from relayload.profile.plan import stages
from relayload.recording import Recording, RunInfo, WorkerInfo, new_run_dir, progress

_LOG = logging.getLogger("relayload")
_TICK_S = 0.1
_TICKS_PER_PROGRESS = 5
_LOCAL_LEAD_S = 0.2
_REMOTE_LEAD_S = 1.0
"""Workers spawn their user and clear their statistics before the first arrival is due."""
_REPLAN_LEAD_S = 0.5
_END_LEAD_S = 0.25
"""Every worker knows of the end before it comes, so all stop at the same arrival."""
_ACKNOWLEDGE_S = 15.0
"""The time for workers on a busy machine to report that their recordings are closed; those that are gone are not
awaited."""
_LOCAL = "local"
_OBJECTIVE = "objective"
_UNHURRIED = ("schedule", "stop")
"""The ends that no signal caused."""


class Controller:
    """One run, from an empty directory to a verdict."""

    def __init__(self, environment: Environment, profile: Profile, out: Path | None, base_urls: dict[str, str]) -> None:
        """Begins the recording, in `out` or a new directory. Raises AuthorError if it can't be written to."""
        self.run_dir = out or new_run_dir(profile.name)
        self._recording = Recording.create(self.run_dir, new_run_info(profile, self.run_dir.name, base_urls))
        write_profile(self.run_dir, profile)
        self._runner = runner_of(environment)
        self._profile = profile
        self._base_urls = base_urls
        self._bounds = profile.guardrails
        self._stages = stages(profile)
        self._workload = new_workload(profile)
        self._so_far = MergedSnapshot(profile.objectives, self._recording.run)
        self._abort = AbortMonitor(profile.objectives)
        self._workers: dict[str, int] = {}
        self._members: tuple[str, ...] = ()
        self._dealt_from_s = 0.0
        self._statuses: dict[int, WorkerStatus] = {}
        self._alone = not isinstance(self._runner, MasterRunner)
        self._begins_at_s = clock.now_s() + (_LOCAL_LEAD_S if self._alone else _REMOTE_LEAD_S)
        self._grace_skipped = False
        self._acknowledge_until_s = 0.0
        self._until_s: float | None = None
        self._own_crash: str | None = None
        self._breach: Breach | None = None
        self.summary: Summary | None = None
        self.verdict: Verdict | None = None

    @property
    def info(self) -> RunInfo:
        """What `run.json` says of the run."""
        return self._recording.run

    @property
    def elapsed_s(self) -> float:
        return clock.now_s() - self._begins_at_s

    @property
    def crash(self) -> str | None:
        """A failure of our own code, on any node."""
        return self._own_crash or next((status.crash for status in self._statuses.values() if status.crash), None)

    @property
    def _guardrail(self) -> str | None:
        """The guardrail that stopped the run and what passed it; None if none did."""
        told = next((status.guardrail for status in self._statuses.values() if status.guardrail), None)
        if told is not None:
            several = f", on one of {len(self._statuses)} workers, each of which has its share"
            return f"{told}{several}" if len(self._statuses) > 1 else told
        if self._until_s == self._bounds.until_s and self._workload.cut_short(self._statuses):
            return f"{Bound.DURATION.value}: {format_duration(self._bounds.until_s)} are over, and the load is not"
        return None

    def begin(self, done: Callable[[], None]) -> None:
        """Deal out the load and watch it.

        `done` is called once everything is sent and answered, no worker is left, or an objective with `abort` is proven
        broken.
        """
        _LOG.info("recording to %s", self.run_dir)
        _LOG.info("the load begins")
        self._members = self._present()
        self._workload.deal(len(self._members))
        self._assign(from_s=0.0)
        watch = Greenlet.spawn(self._watch, done)
        watch.link_exception(lambda failed: self._fail(failed, done))

    def on_ready(self, client_id: str) -> None:
        """Handle a worker that listens from now on: assign it again the share that it could not receive."""
        if client_id in self._members and self._workers[client_id] not in self._statuses and self._until_s is None:
            self._assign_to(client_id, self._members.index(client_id))

    def on_status(self, client_id: str, status: WorkerStatus) -> None:
        """Handle the totals of a worker."""
        if self._workers.get(client_id) == status.worker:
            self._statuses[status.worker] = status

    def on_snapshot(self, client_id: str, snapshot: Snapshot) -> None:
        """Handle a snapshot of a worker."""
        if self._workers.get(client_id) == snapshot.worker and not self._so_far.replace(snapshot):
            _LOG.info("a snapshot of worker %d is missing: asking for all of it", snapshot.worker)
            self._runner.send_message(WHOLE, None, client_id)

    def skip_grace(self) -> None:
        """Stop waiting for what is in flight."""
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
        self._send_end(self._grace_s)

    def drain(self) -> None:
        """End the load and wait, in bounds, until every worker that is left has closed its recording."""
        self.end()
        while self._waiting_for_drain() and clock.now_s() < self._acknowledge_until_s:
            gevent.sleep(_TICK_S / 2)

    def finish(self, ended_by: str) -> None:
        """Close the recording, summarize it and judge it. Call this once the load is drained."""
        guardrail, broken = self._guardrail, str(self._breach) if self._breach else None
        statuses = self._statuses.values()
        self._recording.finish(
            ended_at_s=self._until_s,
            ended_by=_ended_by(ended_by, guardrail, broken),
            stopped_by_guardrail=guardrail,
            stopped_by_objective=broken,
            offered=self._workload.offered(self.elapsed_s if self._until_s is None else self._until_s, self._statuses),
            workers=max(1, len(statuses)),
            worker_reports=tuple(
                WorkerInfo(
                    worker=status.worker,
                    started=status.started,
                    dropped=status.dropped,
                    drained=status.drained,
                    host=status.host,
                    clock_offset_s=status.clock_offset_s,
                    clock_error_s=status.clock_error_s,
                    clock_steps=status.clock_steps,
                )
                for status in statuses
            ),
        )
        self.summary, self.verdict = self._recording.fold().results()
        self._recording.write_summary(self.summary)
        self._recording.write_verdict(self.verdict)
        progress.remove(self.run_dir)

    def _present(self) -> tuple[str, ...]:
        if not isinstance(self._runner, MasterRunner):
            return (_LOCAL,)
        clients = self._runner.clients
        return tuple(sorted(client.id for client in (*clients.ready, *clients.spawning, *clients.running)))

    def _assign(self, from_s: float) -> None:
        self._dealt_from_s = from_s
        for share_number, client_id in enumerate(self._members):
            self._assign_to(client_id, share_number)

    def _assign_to(self, client_id: str, share_number: int) -> None:
        worker = self._workers.setdefault(client_id, len(self._workers))
        share = Share(share_number, len(self._members))
        caps = self._workload.caps(worker, share, self._statuses)
        assignment = Assignment(
            run_id=self._so_far.run.run_id,
            run_dir=str(self.run_dir.absolute()),
            base_urls=self._base_urls,
            profile_sha256=self._profile.sha256,
            worker=worker,
            share_number=share.number,
            share_of=share.of,
            from_s=self._dealt_from_s,
            begins_at_s=self._begins_at_s,
            host_id=host_id(),
            alone=self._alone,
            max_requests=caps.requests,
            max_usd=caps.usd,
        )
        self._runner.send_message(ASSIGN, pack(assignment), client_id)

    def _send_end(self, grace_s: float) -> None:
        assert self._until_s is not None
        end = pack(EndRun(until_s=self._until_s, grace_s=grace_s))
        for client_id in self._members:
            self._runner.send_message(END, end, client_id)

    def _watch(self, done: Callable[[], None]) -> None:
        tick = 0
        while self._until_s is None and not self._over():
            self._follow_members()
            self._look_at_objectives()
            if tick % _TICKS_PER_PROGRESS == 0:
                progress.write(self.run_dir, self._progress())
            tick += 1
            gevent.sleep(_TICK_S)
        if self._until_s is None:
            if self._finished:
                self._end()
            else:
                self.end()
            done()

    def _look_at_objectives(self) -> None:
        if self._breach is None:
            in_flight = sum(status.in_flight for status in self._statuses.values())
            self._breach = self._abort.breach(self._so_far, self.elapsed_s, in_flight)
            if self._breach is not None:
                _LOG.warning("ending the run early: %s", self._breach)

    def _over(self) -> bool:
        if self.crash is not None or self._breach is not None or self.elapsed_s >= self._bounds.until_s:
            return True
        return self._finished or any(status and status.guardrail for status in self._present_statuses)

    @property
    def _finished(self) -> bool:
        """True once every worker that is left has sent and received everything."""
        return all(status and status.finished for status in self._present_statuses)

    @property
    def _present_statuses(self) -> list[WorkerStatus | None]:
        return [self._statuses.get(self._workers[client_id]) for client_id in self._members]

    @property
    def _grace_s(self) -> float:
        return 0.0 if self._grace_skipped else self._profile.load.graceful_stop_s

    @property
    def _complete_at_s(self) -> float:
        """When the load is complete, if everything was sent and nothing ended it before; 0 if something is left."""
        statuses = self._present_statuses
        complete = bool(statuses) and all(status and status.finished and not status.guardrail for status in statuses)
        if not complete or self.crash is not None or self._breach is not None:
            return 0.0
        return self._workload.complete_at_s()

    def _follow_members(self) -> None:
        present = self._present()
        if not self._workload.dealt_anew:
            self._part_with(present)
        elif present != self._members:
            _LOG.warning("workers changed from %d to %d: dealing out anew", len(self._members), len(present))
            self._members = present
            if present:
                self._assign(from_s=self.elapsed_s + _REPLAN_LEAD_S)

    def _part_with(self, present: Sequence[str]) -> None:
        left = tuple(member for member in self._members if member in present)
        if left != self._members:
            _LOG.warning(
                "workers went from %d to %d: what the others did not send is lost", len(self._members), len(left)
            )
            self._members = left

    def _waiting_for_drain(self) -> bool:
        gone = set(self._members) - set(self._present())
        statuses = (
            self._statuses.get(self._workers[client_id]) for client_id in self._members if client_id not in gone
        )
        return any(status is None or not status.drained for status in statuses)

    def _progress(self) -> Progress:
        total_s = sum(stage.for_s for stage in self._stages)
        elapsed_s = max(0.0, self.elapsed_s)
        ttft, latency = (self._so_far.total(metric, lambda key: key.ok) for metric in ("ttft", "latency"))
        return Progress(
            stage=self._stages[stage_at(self._stages, elapsed_s)].name,
            elapsed_s=elapsed_s,
            total_s=total_s if math.isfinite(total_s) else None,
            offered=self._workload.due(elapsed_s, self._statuses),
            started=sum(status.started for status in self._statuses.values()),
            dropped=self._so_far.count(lambda key: key.outcome in (DROPPED, REFUSED)),
            in_flight=sum(status.in_flight for status in self._statuses.values()),
            ok=self._so_far.count(lambda key: key.ok),
            failed=self._so_far.count(lambda key: key.failed),
            workers=len(self._members),
            requests=self._workload.requests,
            ttft_p50_s=ttft.quantile_s(0.5),
            ttft_p99_s=ttft.quantile_s(0.99),
            latency_p50_s=latency.quantile_s(0.5),
            latency_p99_s=latency.quantile_s(0.99),
        )

    def _fail(self, greenlet: Greenlet, done: Callable[[], None]) -> None:
        """End the run, which is no longer watched."""
        self._own_crash = repr(greenlet.exception)
        _LOG.error("the controller failed: %s", self._own_crash)
        if self._until_s is None:
            done()


def _ended_by(ended_by: str, guardrail: str | None, broken: str | None) -> str:
    """Return what ended the run; a signal comes first, since its sender expects its exit code."""
    if ended_by not in _UNHURRIED:
        return ended_by
    return GUARDRAIL if guardrail else _OBJECTIVE if broken else ended_by
