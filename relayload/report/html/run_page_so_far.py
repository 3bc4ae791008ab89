"""What the page of a run is made of while the run goes on."""

from collections.abc import Iterable, Sequence

from msgspec import structs

from relayload.core.model.progress import ObjectiveSoFar, Standing
from relayload.core.model.verdict import ObjectiveResult, Status, Verdict
from relayload.core.objectives.details_so_far import would_be_invalid
from relayload.core.objectives.objective import Objective
from relayload.core.objectives.run_so_far import RunSoFar
from relayload.core.objectives.standing import standing
from relayload.report.html.page import RunPage

_STATUSES = {
    Standing.BROKEN: Status.FAIL,
    Standing.UNDECIDED: Status.INCONCLUSIVE,
    Standing.PASSING: Status.PASS,
}
"""The worst first."""


def page_so_far(run: RunSoFar, objectives: Sequence[Objective], profile: str | None) -> RunPage:
    """Return the page of what has ended so far, with the results of these objectives."""
    judged = zip(objectives, run.objectives, strict=True)
    standings = {result.id: standing(objective, result) for objective, result in judged}
    results = [structs.replace(result, verdict=_STATUSES[standings[result.id].standing]) for result in run.objectives]
    summary = run.summary_so_far
    return RunPage(
        summary=summary,
        verdict=_verdict(summary.run_id, results, standings.values(), would_be_invalid(run.merged)),
        run=run.info,
        charts=run.charts_so_far(objectives),
        profile=profile,
        standings=standings,
    )


def _verdict(
    run_id: str, results: Sequence[ObjectiveResult], standings: Iterable[ObjectiveSoFar], doubts: tuple[str, ...]
) -> Verdict:
    """Return the verdict if the run ended now; its exit code says nothing."""
    counting = {each.standing for each in standings if not each.warns}
    worst = (status for stands, status in _STATUSES.items() if stands in counting)
    status = Status.INVALID if doubts else next(worst, Status.NOT_JUDGED)
    return Verdict(run_id=run_id, verdict=status, exit_code=0, reasons=doubts, objectives=tuple(results))
