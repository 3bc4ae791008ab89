"""The rows of a trace that are sent: once, or round after round."""

import math
from collections.abc import Iterator, Sequence
from itertools import count, islice

from msgspec import structs

from relayload.profile.trace.files import fault
from relayload.profile.trace.options import Trace
from relayload.profile.trace.reading import TraceRow, read

_ROUND = 1 << 40
"""Added to the numbers of blocks in each round of a loop, so that no cache knows them from the round before."""


def rows(trace: Trace, seed: int, scenarios: Sequence[str]) -> Iterator[TraceRow]:
    """Yield the rows to send, in order. Raises AuthorError if the file, or the next row, can't be read.

    `scenarios` are the names that rows may have.
    """
    return _rounds(trace, seed, scenarios) if trace.loop else _once(trace, seed, scenarios)


def check(trace: Trace, scenarios: Sequence[str], most: int, until_s: float = math.inf) -> list[str]:
    """Read the rows due before `until_s`, at most that many; return the models that they name.

    Raises AuthorError, also if there is no row.
    """
    models: dict[str, None] = {}
    row = None
    for row in islice(_once(_whole(trace), 0, scenarios), most):
        if row.at_s >= until_s:
            break
        if row.model is not None:
            models[row.model] = None
    if row is None:
        raise fault(trace.trace, "holds no rows after 'from'" if trace.from_s else "holds no rows")
    return list(models)


def _whole(trace: Trace) -> Trace:
    """Return the trace without sampling."""
    return trace.model_copy(update={"sample": None})


def _once(trace: Trace, seed: int, scenarios: Sequence[str]) -> Iterator[TraceRow]:
    return islice(read(trace, seed, scenarios), trace.limit)


def _rounds(trace: Trace, seed: int, scenarios: Sequence[str]) -> Iterator[TraceRow]:
    """Yield the rows again and again. Unless `to` ends a round, the next one follows after the mean gap."""
    begins_s = 0.0
    for number in count():
        sent, first_s, last_s = 0, 0.0, 0.0
        for row in _once(trace, seed, scenarios):
            first_s = first_s if sent else row.at_s
            sent, last_s = sent + 1, row.at_s
            yield _of_round(row, number, begins_s) if number else row
        if not sent and trace.sample:
            raise fault(trace.trace, "none of the rows to repeat was drawn: write a larger sample")
        lasts_s = _lasts_s(trace, sent, last_s - first_s)
        if not sent or lasts_s <= 0:
            raise fault(trace.trace, "the rows to repeat take no time: write where they end, such as to: 10m")
        begins_s += lasts_s


def _lasts_s(trace: Trace, sent: int, span_s: float) -> float:
    if trace.to_s is not None and trace.limit is None:
        return (trace.to_s - trace.from_s) / trace.speed
    return span_s * sent / (sent - 1) if sent > 1 else 0.0


def _of_round(row: TraceRow, number: int, begins_s: float) -> TraceRow:
    return structs.replace(
        row,
        at_s=begins_s + row.at_s,
        session=row.session and f"{row.session}/{number}",
        blocks=tuple([block + number * _ROUND for block in row.blocks]),
    )
