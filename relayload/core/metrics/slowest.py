"""The slowest requests of a run, whole, as a fold meets them."""

from relayload.core.metrics.rows import Rows
from relayload.core.model.record import Record

MOST = 50


class Slowest:
    """The requests with the highest latency, at most 50. Adding and merging commute."""

    __slots__ = ("_floor_s", "_kept")

    def __init__(self) -> None:
        self._kept: list[Record] = []
        self._floor_s = -1.0
        """No request below this is among the slowest."""

    def add(self, rows: Rows) -> None:
        """Add requests; mostly none of them is slow enough, which one look at the slowest tells."""
        latencies_s, floor_s = rows["latency"], self._floor_s
        if max(latencies_s) >= floor_s:
            pairs = zip(rows.records, latencies_s, strict=True)
            self._keep([record for record, latency_s in pairs if latency_s >= floor_s])

    def merge(self, other: "Slowest") -> None:
        self._keep(other._kept)

    @property
    def records(self) -> tuple[Record, ...]:
        """The slowest requests, the slowest first."""
        return tuple(self._kept)

    def _keep(self, more: list[Record]) -> None:
        self._kept = sorted([*self._kept, *more], key=_rank)[:MOST]
        if len(self._kept) == MOST:
            self._floor_s = self._kept[-1].latency_s


def _rank(record: Record) -> tuple[float, float, int, int, str]:
    return (-record.latency_s, record.intended_at_s, record.index, record.turn, record.target or "")
