"""The results of the objectives while a run goes on, renewed for whoever asks, at a bounded cost."""

from collections.abc import Sequence

import gevent

from relayload import clock
from relayload.core.model.verdict import ObjectiveResult
from relayload.core.objectives.objective import Objective
from relayload.core.objectives.snapshots import MergedSnapshot
from relayload.core.objectives.so_far import judge_so_far

PAUSE_S = 0.0005
"""A pause in which the loop also looks for what has arrived and what is due, as it need not in one of no length."""
_LEAST_S = 1.0
_SHARE = 0.005
"""The most of this process's time that it takes, as the process may also generate load."""


class ObjectivesSoFar:
    """The latest results. After an hour, judging an objective takes some tens of milliseconds."""

    def __init__(self, objectives: Sequence[Objective], merged: MergedSnapshot) -> None:
        self._objectives = objectives
        self._merged = merged
        self._results: tuple[ObjectiveResult, ...] = ()
        self._renewed_at_s = -_LEAST_S
        self._pause_s = 0.0
        self._renewing = False

    def results(self, elapsed_s: float) -> tuple[ObjectiveResult, ...]:
        """Return the results at that instant of the run, or from shortly before."""
        if not self._renewing and clock.now_s() >= self._renewed_at_s + self._pause_s:
            self._renewing = True
            try:
                self._results = tuple(self._renewed(elapsed_s))
            finally:
                self._renewing = False
        return self._results

    def _renewed(self, elapsed_s: float) -> list[ObjectiveResult]:
        """Judge one after the other; requests that are due in between go first."""
        found, took_s = [], 0.0
        for objective in self._objectives:
            began_at_s = clock.cpu_s()
            found.append(judge_so_far(objective, self._merged, elapsed_s))
            took_s += clock.cpu_s() - began_at_s
            gevent.sleep(PAUSE_S)
        self._renewed_at_s, self._pause_s = clock.now_s(), max(_LEAST_S, took_s / _SHARE)
        return found
