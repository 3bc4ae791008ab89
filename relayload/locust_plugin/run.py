"""One run on the master: its recording, its controller, its verdict."""

from locust import __version__ as locust_version
from locust.env import Environment

import logging
import math
import platform
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import yaml

from relayload import __version__
from relayload.core.model.record import GUARDRAIL
from relayload.core.model.snapshot import Snapshot
from relayload.core.model.terms import Written
from relayload.core.printable import one_line
from relayload.core.results.summary import Summary
from relayload.core.verdict.gate import Verdict
from relayload.core.verdict.so_far import RunSoFar
from relayload.engine.messages import WorkerStatus
from relayload.locust_plugin.controller import Controller
from relayload.profile import Profile
from relayload.profile.loads import BatchLoad
from relayload.profile.plan import stages
from relayload.recording import (
    ProfileInfo,
    Recording,
    RunInfo,
    StageInfo,
    TargetInfo,
    WorkerInfo,
    new_run_dir,
    progress,
)

_LOG = logging.getLogger("relayload")
_PROFILE_FILE = "profile.yaml"
_OBJECTIVE = "objective"
_UNHURRIED = ("schedule", "stop")
"""Ends that are nobody's signal."""


class Run:
    """From an empty directory to a verdict."""

    def __init__(self, environment: Environment, profile: Profile, out: Path | None, base_urls: dict[str, str]) -> None:
        self.run_dir = out or new_run_dir(profile.name)
        self._recording = Recording.create(self.run_dir, _run_info(profile, self.run_dir.name, base_urls))
        self._write_profile(profile)
        so_far = RunSoFar(profile.objectives, self._recording.run)
        self._controller = Controller(environment, profile, so_far, self.run_dir.absolute(), base_urls)
        self._profile = profile
        self.summary: Summary | None = None
        self.verdict: Verdict | None = None

    @property
    def info(self) -> RunInfo:
        """Its facts, as its recording has them."""
        return self._recording.run

    @property
    def crash(self) -> str | None:
        """Our own failure, on any node."""
        return self._controller.crash

    def begin(self, done: Callable[[], None]) -> None:
        """Start the load; `done` is called once all is sent and answered."""
        _LOG.info("recording to %s", self.run_dir)
        _LOG.info("the load begins")
        self._controller.begin(done)

    def on_ready(self, client_id: str) -> None:
        """A worker listens from now on."""
        self._controller.on_ready(client_id)

    def on_status(self, client_id: str, status: WorkerStatus) -> None:
        """A worker has told its totals."""
        self._controller.on_status(client_id, status)

    def on_snapshot(self, client_id: str, snapshot: Snapshot) -> None:
        """A worker has told what has ended."""
        self._controller.on_snapshot(client_id, snapshot)

    def end(self, hint: str = "") -> None:
        """Let nothing be due any more, at once: before Locust comes to it, tens of milliseconds go by."""
        self._controller.end(hint)

    def skip_grace(self) -> None:
        """Wait no longer for what is in flight."""
        self._controller.skip_grace()

    def drain(self) -> None:
        """End the load and wait, in bounds, for what is in flight."""
        self._controller.drain()

    def finish(self, ended_by: str) -> None:
        """Close the recording, summarize it and judge it. Once the load is drained."""
        statuses, guardrail, broken = self._controller.statuses, self._controller.guardrail, self._controller.broken
        self._recording.finish(
            ended_at_s=self._controller.ended_at_s,
            ended_by=_ended_by(ended_by, guardrail, broken),
            stopped_by_guardrail=guardrail,
            stopped_by_objective=broken,
            offered=self._controller.offered,
            workers=max(1, len(statuses)),
            last_told=tuple(
                WorkerInfo(worker=status.worker, started=status.started, dropped=status.dropped, drained=status.drained)
                for status in statuses
            ),
        )
        self.summary, self.verdict = self._recording.fold().results()
        self._recording.write_summary(self.summary)
        self._recording.write_verdict(self.verdict)
        progress.remove(self.run_dir)

    def _write_profile(self, profile: Profile) -> None:
        text = yaml.safe_dump(profile.effective, sort_keys=False, allow_unicode=True)
        (self.run_dir / _PROFILE_FILE).write_text(text, encoding="utf-8")


def _run_info(profile: Profile, run_id: str, base_urls: dict[str, str]) -> RunInfo:
    named = profile.named_targets
    (first, *_) = named
    return RunInfo(
        run_id=run_id,
        profile=ProfileInfo(name=profile.name, sha256=profile.sha256, file=_PROFILE_FILE),
        started_at=datetime.now(UTC).isoformat(timespec="milliseconds"),
        load_kind=profile.load.kind,
        stages=tuple(
            StageInfo(name=stage.name, for_s=_finite(stage.for_s), warmup=not stage.measured)
            for stage in stages(profile)
        ),
        workers=1,
        requests=profile.load.requests if isinstance(profile.load, BatchLoad) else None,
        base_url=base_urls[first],
        targets=_target_infos(profile, base_urls) if profile.several else {},
        paired=profile.paired,
        streaming=tuple(name for name, scenario in profile.scenarios.items() if scenario.streams),
        cautions=tuple(dict.fromkeys(caution for target in named.values() for caution in target.cautions)),
        objectives=tuple(objective.asked for objective in profile.objectives),
        written=_written(profile),
        thresholds=profile.generator.thresholds,
        prices=named[first].known_prices,
        versions={"relayload": __version__, "locust": locust_version, "python": platform.python_version()},
        platform=_platform(),
    )


def _written(profile: Profile) -> dict[str, Written]:
    """Where each objective stands, as far as that is in a file."""
    placed = zip(profile.objectives, profile.objective_locations, strict=True)
    faults = ((objective.id, profile.fault(location, "")) for objective, location in placed)
    return {
        name: Written(file=one_line(one.file), line=one.line, column=one.column) for name, one in faults if one.line
    }


def _platform() -> str:
    """`Linux-6.8.0-x86_64`; platform.platform() also asks a process, which takes longer than all the rest here."""
    machine = platform.uname()
    return "-".join((machine.system, machine.release, machine.machine))


def _target_infos(profile: Profile, base_urls: dict[str, str]) -> dict[str, TargetInfo]:
    return {
        name: TargetInfo(base_url=base_urls[name], prices=target.known_prices)
        for name, target in profile.named_targets.items()
    }


def _ended_by(ended_by: str, guardrail: str | None, broken: str | None) -> str:
    """A signal goes first, since whoever sent it wants to hear of it."""
    if ended_by not in _UNHURRIED:
        return ended_by
    return GUARDRAIL if guardrail else _OBJECTIVE if broken else ended_by


def _finite(seconds: float) -> float | None:
    return seconds if math.isfinite(seconds) else None
