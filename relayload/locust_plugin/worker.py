"""The worker's side of the messages: takes assignments, reports its totals, and drains."""

from locust.env import Environment
from locust.exception import RPCError
from locust.rpc import Message
from locust.runners import WorkerRunner

import logging
import os
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import gevent
from gevent import Greenlet
from msgspec import structs

import relayload
from relayload import clock
from relayload.core.errors import AuthorError, Fault
from relayload.core.exit_codes import ExitCode
from relayload.core.traffic.leases import LEASE_S
from relayload.engine import host, targets
from relayload.engine.generator import Generator
from relayload.engine.master_clock import MasterClock
from relayload.engine.messages import (
    Assignment,
    ClockReading,
    EndRun,
    Hello,
    Lease,
    RateChanges,
    RecordsAck,
    RecordsPiece,
    Refusal,
    Renewal,
    WorkerStatus,
)
from relayload.engine.run_clock import RunClock
from relayload.engine.shipper import SHIPPED_WITHIN_S, Shipper
from relayload.engine.versions import other_version
from relayload.locust_plugin.channel import (
    ASSIGN,
    CLOCK,
    END,
    LEASE,
    RATES,
    READY,
    RECORDS,
    RECORDS_ACK,
    REFUSED,
    RENEW,
    SNAPSHOT,
    WHOLE,
    pack,
    unpack,
)
from relayload.locust_plugin.locust_stats import LocustStats
from relayload.locust_plugin.nodes import options_of, runner_of
from relayload.locust_plugin.redistribution import remember_default_options
from relayload.locust_plugin.signals import leave_signals_to_master
from relayload.profile import Profile, load
from relayload.profile.compose import Composer
from relayload.profile.loading import overridden
from relayload.profile.target import Target
from relayload.recording import Recording
from relayload.transport.buffers import Buffers
from relayload.transport.drivers import Options, new_transport, prepare
from relayload.transport.http_log import HttpLog
from relayload.transport.open_files import raise_limit

_LOG = logging.getLogger("relayload")
_TICK_S = 0.1
_TICKS_PER_REPORT = 4
_PARENT_POLL_S = 0.2
_MASTER_GONE_S = 30.0
"""A worker whose renewals are not answered for as long stops; it has sent nothing since its lease was over."""


_CUT_OFF = f"the master has not answered for {LEASE_S:g}s: nothing is sent until it does"


class Worker:
    """The load-generating side of a worker, or of Locust without workers."""

    def __init__(self, environment: Environment, profile: Profile, http_log: HttpLog | None = None) -> None:
        self._environment = environment
        self._runner = runner_of(environment)
        self._profile = profile
        self._http_log = http_log
        self._run_id = ""
        self._shipper: Shipper | None = None
        self._parent_pid = os.getppid()
        self._composer: Composer | None = None
        self._master_clock = MasterClock(self._ask_master)
        self._early: list[Assignment] = []
        """Assignments by a master on another host whose clock is not known yet."""
        self._reporting: Greenlet | None = None
        self.generator: Generator | None = None

    def listen(self) -> None:
        """Take part in runs from now on."""
        raise_limit()
        prepare(self._profile.driver)
        self._composer = Composer(self._profile)  # now: a tokeniser and long prompts take longer than a start may
        self._runner.register_message(ASSIGN, self._on_assign)
        self._runner.register_message(LEASE, self._on_lease)
        self._runner.register_message(END, self._on_end, concurrent=True)
        self._runner.register_message(RATES, self._on_rates, concurrent=True)
        self._runner.register_message(WHOLE, self._on_whole)
        self._runner.register_message(RECORDS_ACK, self._on_records_ack)
        if isinstance(self._runner, WorkerRunner):
            remember_default_options()
            self._environment.events.test_stopping.add_listener(self._on_test_stopping)
            self._environment.events.quitting.add_listener(self._on_quitting)
            leave_signals_to_master(lambda: self.generator is not None and self.generator.busy)
            self._runner.register_message(REFUSED, self._on_refused)
            self._runner.register_message(CLOCK, self._on_clock)
            self._runner.send_message(READY, pack(self._hello))
            self._runner.greenlet.spawn(self._master_clock.follow)
            if options_of(self._environment).processes:
                gevent.spawn(self._leave_with_parent)

    @property
    def _hello(self) -> Hello:
        return Hello(
            version=relayload.__version__,
            profile_sha256=self._profile.sha256,
            host=host.host_name(),
            host_id=host.host_id(),
        )

    def _on_assign(self, environment: Environment, msg: Message, **_: Any) -> None:  # noqa: ARG002 -- Locust's
        assignment = unpack(msg.data, Assignment)
        if refusal := other_version(relayload.__version__, assignment.version):
            self._refuse(refusal)
            return
        if assignment.profile_sha256 != self._profile.sha256 and not assignment.profile_file:
            return  # the master refuses this worker
        self._take(assignment)

    def _ask_master(self, reading: ClockReading) -> None:
        with suppress(RPCError):  # as one that is lost on its way
            self._runner.send_message(CLOCK, pack(reading))

    def _on_clock(self, msg: Message, **_: Any) -> None:
        self._master_clock.on_answer(unpack(msg.data, ClockReading))
        early, self._early = self._early, []
        for assignment in early:
            self._take(assignment)

    def _take(self, assignment: Assignment) -> None:
        if assignment.run_id == self._run_id and self.generator is not None:
            self._renew(self.generator)
            return
        run_clock = self._master_clock.run_clock(assignment)
        if run_clock is None:
            self._early.append(assignment)
            return
        self._run_id = assignment.run_id
        try:
            profile = overridden(self._base(assignment), assignment.overrides)
            if profile.sha256 != assignment.run.profile.sha256:
                raise AuthorError([Fault("the profile of this run is another one here than on the master")])
            self.generator = self._new_generator(profile, assignment, run_clock)
        except AuthorError as error:
            _LOG.error("%s", error)
            self._report_crash(assignment, str(error))
            return
        except Exception as error:
            self._report_crash(assignment, repr(error))
            raise
        self._shipper = self._new_shipper(assignment, self.generator.recording)
        self.generator.start(partial(self._renew, self.generator))
        self._reporting = gevent.spawn(self._report_progress, self.generator, self._shipper)

    def _base(self, assignment: Assignment) -> Profile:
        """Return the profile that a run changes. Raises AuthorError."""
        if not assignment.profile_file:
            return self._profile
        profile = load(Path(assignment.profile_file))
        prepare(profile.driver)
        return profile

    def _new_shipper(self, assignment: Assignment, recording: Recording) -> Shipper | None:
        """Return what ships the records to the master; None if they are written there."""
        if recording.directory == Path(assignment.run_dir):
            return None
        _LOG.info("recording to %s, from where the records go to the master", recording.directory.absolute())
        shipper = Shipper(recording, assignment.worker, assignment.compression, self._send_records)
        shipper.start()
        return shipper

    def _send_records(self, piece: RecordsPiece) -> None:
        with suppress(RPCError):  # as lost as one that is lost on its way
            self._runner.send_message(RECORDS, pack(piece))

    def _on_refused(self, environment: Environment, msg: Message, **_: Any) -> None:  # noqa: ARG002 -- Locust's
        self._refuse(unpack(msg.data, Refusal).reason)

    def _refuse(self, reason: str) -> None:
        """End this worker alone."""
        _LOG.error("this worker takes no part: %s", reason)
        self._environment.process_exit_code = ExitCode.BAD_INPUT
        gevent.spawn(self._runner.quit)

    def _report_crash(self, assignment: Assignment, crash: str) -> None:
        """Report a crash, so that the master does not wait for a worker that will never send."""
        crashed = WorkerStatus(worker=assignment.worker, crash=crash, finished=True, drained=True)
        renewal = Renewal(run_id=assignment.run_id, worker=assignment.worker, sequence=1, status=crashed)
        self._runner.send_message(RENEW, pack(renewal))

    def _new_generator(self, profile: Profile, assignment: Assignment, run_clock: RunClock) -> Generator:
        buffers = Buffers(profile.response_limits.buffered_bytes)
        transports = {
            name: {
                key_name: new_transport(
                    profile.driver, assignment.base_urls[name], key, **self._options(profile, target, buffers)
                )
                for key_name, key in target.named_keys.items()
            }
            for name, target in profile.named_targets.items()
        }
        if assignment.host_id != host.host_id():
            self._check_fakes_are_reachable(profile, assignment.base_urls)
        composer = self._composer if profile is self._profile else Composer(profile)
        assert composer is not None, "listens"
        kinds = {name: scenario.endpoint.value for name, scenario in profile.scenarios.items()}
        stats = LocustStats(self._environment, kinds)
        return Generator(profile, composer, assignment, transports, stats, run_clock)

    def _check_fakes_are_reachable(self, profile: Profile, base_urls: Mapping[str, str]) -> None:
        """Raise AuthorError for a fake relay that the master has started on its own host, for itself alone."""
        unreachable = "is a fake relay on the master's host, which this host can't reach: name one by its URL"
        fakes = [name for name, target in profile.named_targets.items() if target.fake_preset]
        if faults := [Fault(f"{name} {unreachable}") for name in fakes if not targets.answers(base_urls[name])]:
            raise AuthorError(faults)

    def _options(self, profile: Profile, target: Target, buffers: Buffers) -> Options:
        limits = profile.response_limits
        return {**target.options, "limits": limits, "buffers": buffers, "http_log": self._http_log}

    def _on_lease(self, environment: Environment, msg: Message, **_: Any) -> None:  # noqa: ARG002 -- Locust's
        if self.generator is not None:
            self.generator.apply(unpack(msg.data, Lease))

    def _on_rates(self, environment: Environment, msg: Message, **_: Any) -> None:  # noqa: ARG002 -- Locust's
        if self.generator is not None:
            self.generator.change_rate(unpack(msg.data, RateChanges).changes)

    def _on_end(self, environment: Environment, msg: Message, **_: Any) -> None:  # noqa: ARG002 -- Locust's
        self._early.clear()
        if self.generator is not None:
            self.generator.drain(unpack(msg.data, EndRun))

    def _on_whole(self, **_: Any) -> None:
        """Send everything, since the master misses a snapshot, perhaps the last one."""
        if self.generator is not None:
            self._runner.send_message(SNAPSHOT, pack(self.generator.snapshot(whole=True)))

    def _on_records_ack(self, msg: Message, **_: Any) -> None:
        if self._shipper is not None:
            self._shipper.acknowledge(unpack(msg.data, RecordsAck))

    def _on_quitting(self, **_: Any) -> None:
        """Leave a run that goes on in order, as when SIGTERM ends this worker alone."""
        if self.generator is not None and self.generator.busy and self._reporting is not None:
            _LOG.info("leaving the run: what is leased to this worker is sent, and what is in flight is awaited")
            self.generator.leave(self._profile.load.graceful_stop_s)
            self._reporting.join()
        if self._shipper is not None:
            self._shipper.end()

    def _on_test_stopping(self, **_: Any) -> None:
        """Close the recording if Locust stops this worker though nobody ended the run."""
        if self.generator is not None and self.generator.busy:
            self.generator.drain(EndRun(until_s=0.0, grace_s=0.0))

    def _report_progress(self, generator: Generator, shipper: Shipper | None) -> None:
        tick, cut_off = 0, False
        while generator.busy:
            if (generator.silent_s > LEASE_S) is not cut_off:
                cut_off = not cut_off
                _LOG.warning("%s", _CUT_OFF if cut_off else "the master answers again")
            status = generator.status()
            if status.finished or status.guardrail or tick % _TICKS_PER_REPORT == 0:
                self._send(generator, drained=False)
            if generator.silent_s > _MASTER_GONE_S:
                self._leave(f"the master has not answered for {_MASTER_GONE_S:g}s: stopping")
            tick += 1
            gevent.sleep(_TICK_S)
        if shipper is not None:
            self._ship_the_rest(shipper, generator)
        self._report_statistics()
        self._send(generator)

    def _report_statistics(self) -> None:
        """Send Locust's statistics before the master knows of the end: it waits half a second for them, no more."""
        if isinstance(self._runner, WorkerRunner):
            data: dict[str, Any] = {}
            self._environment.events.report_to_master.fire(client_id=self._runner.client_id, data=data)
            self._runner.send_message("stats", data)

    def _ship_the_rest(self, shipper: Shipper, generator: Generator) -> None:
        """Wait, in bounds, until the master has all records."""
        until_s = clock.now_s() + SHIPPED_WITHIN_S
        while not shipper.settled and clock.now_s() < until_s:
            self._send(generator, drained=False)
            gevent.sleep(_TICK_S)
        shipper.end()

    def _send(self, generator: Generator, *, drained: bool = True) -> None:
        """Send the snapshot first, so that no status runs ahead of what the master knows."""
        self._runner.send_message(SNAPSHOT, pack(generator.snapshot()))
        status = generator.status()
        self._renew(generator, structs.replace(status, drained=status.drained and drained))

    def _renew(self, generator: Generator, status: WorkerStatus | None = None) -> None:
        self._runner.send_message(RENEW, pack(generator.renewal(status)))

    def _leave_with_parent(self) -> None:
        """End with the master that forked this worker; Locust itself would go on for sixty seconds."""
        while os.getppid() == self._parent_pid:
            gevent.sleep(_PARENT_POLL_S)
        self._leave("the process that started this worker is gone: stopping")

    def _leave(self, reason: str) -> None:
        _LOG.error("%s", reason)
        if self.generator is not None and self.generator.busy:
            self.generator.drain(EndRun(until_s=0.0, grace_s=0.0))
        if self._shipper is not None:
            self._shipper.end()
        os._exit(ExitCode.CRASH)
