"""The runs of a set, sorted into those to compare and those to leave out."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from relayload.core.printable import one_line

if TYPE_CHECKING:
    from relayload.core.comparison.compare import Run, Side
    from relayload.recording import Recording


class SortedRuns:
    """The runs of one side, sorted into those to compare and those to leave out. Each run counts once."""

    def __init__(self, side: "Side", recordings: "Sequence[Recording]", wanted: Sequence[str]) -> None:
        from relayload.core.comparison.compare import LeftOut
        from relayload.core.comparison.measures import chosen, measures, measures_by_tag
        from relayload.recording.sets import results, unfit

        self.side = side
        self.kept: list[Recording] = []
        self.runs: list[Run] = []
        self.left_out: list[LeftOut] = []
        each: dict[tuple[str, ...], Recording] = {}
        for recording in recordings:
            each.setdefault(recording.run.identity, recording)
        again = [recording for recording in recordings if each[recording.run.identity] is not recording]
        self.warnings = [f"more than once in {side}, and counted once: {recording.run.run_id}" for recording in again]
        for recording in each.values():
            summary, verdict = results(recording)
            why = unfit(recording, verdict)
            if why is None:
                self.kept.append(recording)
                self.runs.append(chosen(measures(summary, verdict), measures_by_tag(summary), wanted))
            else:
                self.left_out.append(LeftOut(side=side, run=one_line(str(recording.directory)), why=why))
