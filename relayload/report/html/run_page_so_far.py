"""What the page of a run is made of while the run goes on."""

from collections.abc import Iterable, Sequence

from msgspec import structs

from relayload.core.model.progress import ObjectiveSoFar, Standing
from relayload.core.model.verdict import Status, Verdict
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
    summary, doubts = run.summary_so_far, would_be_invalid(run.merged)
    status = _status(standings.values(), changed=bool(run.progress.changes))
    return RunPage(
        summary=summary,
        verdict=Verdict(
            run_id=summary.run_id,
            verdict=Status.INVALID if doubts else status,
            exit_code=0,  # which says nothing yet
            reasons=doubts,
            objectives=tuple(results),
        ),
        run=run.info,
        charts=run.charts_so_far(objectives),
        profile=profile,
        standings=standings,
    )


def _status(standings: Iterable[ObjectiveSoFar], *, changed: bool) -> Status:
    """Return the verdict if the run ended now and its numbers can be trusted."""
    counting = {each.standing for each in standings if not each.warns}
    worst = next((status for stands, status in _STATUSES.items() if stands in counting), Status.NOT_JUDGED)
    return Status.INCONCLUSIVE if changed and worst is not Status.FAIL else worst
