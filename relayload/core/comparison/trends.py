"""How each objective fared over several runs."""

from collections.abc import Sequence
from dataclasses import dataclass

from relayload.core.comparison.repeats import RunLine
from relayload.core.model.verdict import ObjectiveResult, Status


@dataclass(frozen=True, slots=True)
class Trend:
    """One objective, with what came of it in each run."""

    results: tuple[ObjectiveResult | None, ...]
    """None in a run that did not have it."""

    @property
    def known(self) -> list[ObjectiveResult]:
        """What came of it in the runs that had it, one at least."""
        return [result for result in self.results if result is not None]

    @property
    def passed(self) -> int:
        """In how many runs it passed."""
        return sum(result.verdict is Status.PASS for result in self.known)

    @property
    def observed(self) -> list[float]:
        """What was observed, where something was."""
        return [result.observed for result in self.known if result.observed is not None]


def trends(runs: Sequence[RunLine]) -> list[Trend]:
    """Return a trend for each objective of any run, in the order in which they first appear.

    An objective whose condition was changed is another one: their values are held against different limits.
    """
    by_run = [{(result.id, result.expr): result for result in run.verdict.objectives} for run in runs]
    names = dict.fromkeys(name for results in by_run for name in results)
    return [Trend(tuple(results.get(name) for results in by_run)) for name in names]
