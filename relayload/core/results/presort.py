"""The columns of a fold sorted once, by as many processes as there are, for all tables and objectives that follow."""

from array import array
from collections.abc import Callable
from functools import partial

from relayload.core.results.cell import Cell
from relayload.core.results.fold import Fold
from relayload.core.results.jobs import RunAll
from relayload.core.results.sample import Moments

_SORTED = ("due", "latency", "service", "ttft", "ttfo", "tpot", "late")


def presort(fold: Fold, run_all: RunAll) -> None:
    """Sort what every summary needs sorted. The largest cells come first, so that they are dealt out evenly."""
    cells = sorted(fold.cells.values(), key=len, reverse=True)
    columns = [(cell, metric) for cell in cells for metric in _SORTED]
    jobs: list[Callable[[], tuple[array[float], Moments]]] = [partial(_sorted, *column) for column in columns]
    for (cell, metric), (ordered, moments) in zip(columns, run_all(jobs), strict=True):
        cell.adopt(metric, ordered, moments)


def _sorted(cell: Cell, metric: str) -> "tuple[array[float], Moments]":
    return cell.ordered(metric), cell.moments(metric)
