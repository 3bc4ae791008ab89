"""Makes what displays show of a run that goes on: its totals, its objectives, its trouble and its cost."""

import logging
import math
from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import accumulate

from relayload.core.model.progress import Details, ObjectiveSoFar, Progress, StageSoFar
from relayload.core.model.tags import DROPPED, REFUSED
from relayload.core.model.verdict import ObjectiveResult
from relayload.core.objectives.details_so_far import details_so_far
from relayload.core.objectives.snapshots import MergedSnapshot
from relayload.core.objectives.standing import standing
from relayload.core.traffic.stages import stage_at
from relayload.engine.run_workers import RunWorkers
from relayload.engine.workload import Workload
from relayload.locust_plugin.objectives_so_far import ObjectivesSoFar
from relayload.profile import Profile
from relayload.profile.plan import stages
from relayload.recording import Recording

_LOG = logging.getLogger("relayload")
_MOST_STAGES = 50
"""Stages beyond this are too many for a display."""


class ProgressMaker:
    """Tells how far one run is. `load_s` is for how long its load has gone on."""

    def __init__(
        self,
        profile: Profile,
        recording: Recording,
        merged: MergedSnapshot,
        workload: Workload,
        workers: RunWorkers,
    ) -> None:
        self._profile = profile
        self._recording = recording
        self._merged = merged
        self._workload = workload
        self._workers = workers
        self._stages = stages(profile)
        self._objectives_so_far = ObjectivesSoFar(profile.objectives, merged)
        self._displays = True
        """False once the details for a display could not be made."""

    def objectives(self, load_s: float) -> Sequence[ObjectiveResult]:
        """Return the results of the objectives by what has ended, or had ended shortly before."""
        return self._objectives_so_far.results(load_s)

    def standings(self, load_s: float) -> Iterator[tuple[ObjectiveResult, ObjectiveSoFar]]:
        """Yield the results so far, each with how its objective stands."""
        results = self.objectives(load_s)
        yield from zip(results, map(standing, self._profile.objectives, results), strict=False)

    def progress(self, load_s: float, now_s: float) -> Progress:
        """Return the totals so far."""
        total_s = sum(stage.for_s for stage in self._stages)
        ttft, latency = (self._merged.total(metric, lambda key: key.ok) for metric in ("ttft", "latency"))
        return Progress(
            stage=self._stages[stage_at(self._stages, load_s)].name,
            elapsed_s=load_s,
            total_s=total_s if math.isfinite(total_s) else None,
            offered=self._workload.due(load_s, self._workers.statuses),
            started=self._workers.started,
            dropped=self._merged.count(lambda key: key.outcome in (DROPPED, REFUSED)),
            in_flight=self._workers.in_flight,
            ok=self._merged.count(lambda key: key.ok),
            failed=self._merged.count(lambda key: key.failed),
            workers=self._workers.fresh(now_s),
            told=self._workers.infos,
            requests=self._workload.requests,
            ttft_p50_s=ttft.quantile_s(0.5),
            ttft_p99_s=ttft.quantile_s(0.99),
            latency_p50_s=latency.quantile_s(0.5),
            latency_p99_s=latency.quantile_s(0.99),
            stages=self._stages_so_far,
            details=self._details(load_s),
            changes=self._recording.run.changes,
        )

    @cached_property
    def _stages_so_far(self) -> tuple[StageSoFar, ...]:
        ends_s = accumulate(stage.for_s for stage in self._stages)
        found = tuple(
            StageSoFar(name=stage.name, ends_at_s=end_s if math.isfinite(end_s) else None, measured=stage.measured)
            for stage, end_s in zip(self._stages, ends_s, strict=True)
        )
        return found if len(found) <= _MOST_STAGES else ()

    def _details(self, load_s: float) -> Details | None:
        """Return the details for a display. Whatever goes wrong here is told, and no more."""
        if not self._displays:
            return None
        try:
            caps = self._profile.guardrails.caps
            return details_so_far(self._merged, caps, (stands for _, stands in self.standings(load_s)))
        except Exception as error:
            self._displays = False
            _LOG.warning("the display lacks objectives, errors and cost: %r; the run goes on without them", error)
            return None
