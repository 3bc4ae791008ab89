"""What stops a run before its load is over: a crash, a broken objective, a guardrail, or the loss of every worker."""

import logging

from relayload.core.model.record import GUARDRAIL
from relayload.core.model.run import CRASH
from relayload.core.objectives.abort import AbortMonitor, Breach
from relayload.core.objectives.snapshots import MergedSnapshot
from relayload.core.resilience.guard import Bound
from relayload.core.units import format_duration
from relayload.engine.lessor import Lessor
from relayload.engine.received_records import ReceivedRecords
from relayload.engine.run_workers import RunWorkers
from relayload.engine.workload import Workload
from relayload.profile import Profile

_LOG = logging.getLogger("relayload")
_OBJECTIVE = "objective"
_UNHURRIED = ("schedule", "stop")
"""The ends that no signal caused."""


class StopCauses:
    """The causes of one run, as far as they have come up. Instants of the run are seconds since its load began."""

    def __init__(
        self,
        profile: Profile,
        merged: MergedSnapshot,
        received: ReceivedRecords,
        workload: Workload,
        lessor: Lessor,
        workers: RunWorkers,
        *,
        alone: bool,
    ) -> None:
        """`alone` is a master that is the only worker itself: what it tells of a cap is true of the whole run."""
        self._bounds = profile.guardrails
        self._merged = merged
        self._received = received
        self._workload = workload
        self._lessor = lessor
        self._workers = workers
        self._alone = alone
        self._abort = AbortMonitor(profile.objectives)
        self._breach: Breach | None = None
        self.own_crash: str | None = None
        """A failure of our own code on the master."""

    @property
    def crash(self) -> str | None:
        """A failure of our own code, on any node."""
        return self.own_crash or self._received.failure or self._workers.crash

    @property
    def broken(self) -> str | None:
        """The objective with `abort` that was proven broken; None if none was."""
        return str(self._breach) if self._breach else None

    def look_at_objectives(self, elapsed_s: float) -> None:
        """Look whether an objective with `abort` is proven broken by now."""
        if self._breach is None:
            self._breach = self._abort.breach(self._merged, elapsed_s, self._workers.in_flight)
            if self._breach is not None:
                _LOG.warning("ending the run early: %s", self._breach)

    def any(self, elapsed_s: float, now_s: float) -> bool:
        """Return whether the load must end now."""
        return self.cuts_load or elapsed_s >= self._bounds.until_s or self._workers.deserted(now_s)

    @property
    def cuts_load(self) -> bool:
        """True if the load is not complete, even if nothing of it seems left."""
        return self.crash is not None or self._breach is not None or bool(self._workers.guardrail)

    def guardrail(self, until_s: float | None) -> str | None:
        """Return the guardrail that stopped a run, the load of which ended at `until_s`, and what passed it."""
        told = self._workers.guardrail
        if told is not None:
            return told if self._alone else self._lessor.used_up(told)
        if until_s == self._bounds.until_s and self._workload.cut_short(self._workers.statuses):
            return f"{Bound.DURATION.value}: {format_duration(self._bounds.until_s)} are over, and the load is not"
        return None

    def ended_by(self, ended_by: str, guardrail: str | None) -> str:
        """Return what ended the run; a signal comes first, since its sender expects its exit code."""
        if ended_by not in _UNHURRIED:
            return ended_by
        if self.crash:
            return CRASH
        return GUARDRAIL if guardrail else _OBJECTIVE if self.broken else ended_by
