"""Reads the traffic to plan for from a trace: its mean, its busiest minute, and the tokens of its requests."""

from collections.abc import Iterator
from pathlib import Path

from msgspec import structs

from relayload.core.capacity.demand import Peak, peak_minute
from relayload.core.errors import AuthorError, Fault
from relayload.profile.loading import load
from relayload.profile.loads import OpenLoad
from relayload.profile.ready_profiles import names
from relayload.profile.trace import Trace, TraceRow, recognized, rows

_PROFILES = (".yaml", ".yml")


def read_peak(path: Path) -> Peak:
    """Return the busiest minute of a trace file, or of the trace that a profile replays, at its own speed.

    Raises AuthorError if it can't be read, or has no busiest minute.
    """
    trace, scenarios = _trace(path)
    tally = _Tally(rows(trace, 0, scenarios))
    peak = peak_minute(tally)
    if peak is None:
        raise AuthorError([Fault("spans less than a minute, so that it has no rate to plan for", file=str(path))])
    return structs.replace(peak, input_tokens=tally.mean_input, output_tokens=tally.mean_output)


def _trace(path: Path) -> tuple[Trace, tuple[str, ...]]:
    if path.suffix not in _PROFILES and (path.exists() or str(path) not in names()):
        return recognized(path), ()
    profile = load(path)
    if not isinstance(profile.load, OpenLoad) or not isinstance(profile.load.arrivals, Trace):
        raise AuthorError([Fault("is a profile whose load replays no trace: name a file of one", file=str(path))])
    whole = {"speed": 1.0, "sample": None, "limit": None, "loop": False}
    return profile.load.arrivals.model_copy(update=whole), tuple(profile.scenarios)


class _Tally:
    """Passes on when rows are due, and adds up their tokens."""

    def __init__(self, rows: Iterator[TraceRow]) -> None:
        self._rows = rows
        self._input = self._output = self._sized = self._answered = 0

    def __iter__(self) -> Iterator[float]:
        for row in self._rows:
            if row.input_tokens is not None:
                self._input, self._sized = self._input + row.input_tokens, self._sized + 1
            if row.output_tokens is not None:
                self._output, self._answered = self._output + row.output_tokens, self._answered + 1
            yield row.at_s

    @property
    def mean_input(self) -> float | None:
        return self._input / self._sized if self._sized else None

    @property
    def mean_output(self) -> float | None:
        return self._output / self._answered if self._answered else None
