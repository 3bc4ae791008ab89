"""Reads a recorded trial once, for its verdict and for everything else that a capacity run reports of it."""

import dataclasses
from collections.abc import Iterable, Sequence
from pathlib import Path

from relayload.core.capacity.frontier import limit_checks, limit_objectives
from relayload.core.capacity.good_requests import good_objectives
from relayload.core.capacity.measures import Measures
from relayload.core.capacity.measuring import measure
from relayload.core.capacity.pooling import Part, judge_together
from relayload.core.model.verdict import ObjectiveResult
from relayload.core.objectives.evaluate import judge_objective
from relayload.core.objectives.indicators import Indicators
from relayload.core.objectives.recorded_run import RecordedRun
from relayload.recording import Recording

Results = tuple[ObjectiveResult, ...]


class ReadTrial:
    """A recorded trial, with its summary and the verdict of its own objectives."""

    def __init__(self, directory: Path, scenarios: Iterable[str], before: Sequence[Path] = ()) -> None:
        """Read the recording. `before` are those of the trials that it is judged together with.

        Raises AuthorError if one can't be read.
        """
        recording = Recording.open(directory)
        scenarios, self.run, own = tuple(scenarios), recording.run, tuple(recording.objectives())
        self._limits = limit_objectives(self.run.streaming, scenarios)
        self._goods = good_objectives(own, scenarios)
        everything = recording.fold([*own, *self._limits, *self._goods])
        self._fold = everything.fold
        self.summary, self.verdict = dataclasses.replace(everything, objectives=own).results()
        self.pooled: Results | None = None
        """The results of its objectives together with the trials before; None without any."""
        self._limit_results = self._alone()
        if before:
            this = Part(self.run, list(recording.lines()), self.verdict.objectives, self.summary.counts.lost)
            together = judge_together([*own, *self._limits], [*map(_part, before), this])
            self.pooled, self._limit_results = together[: len(own)], together[len(own) :]

    def measures(self) -> Measures:
        """Return what it tells besides its verdict."""
        checks = limit_checks(self._limits, self._limit_results, self.summary.saturation)
        return measure(self._fold, self.run, self.summary, self._goods, checks)

    def _alone(self) -> Results:
        indicators = Indicators(RecordedRun(self._fold, self.run), self.run, self.summary.counts.lost)
        return tuple(judge_objective(objective, indicators) for objective in self._limits)


def _part(directory: Path) -> Part:
    recording = Recording.open(directory)
    summary, verdict = recording.fold().results(tables=False)
    return Part(recording.run, list(recording.lines()), verdict.objectives, summary.counts.lost)
