"""How many requests ended, and with how many tokens, by when they ended."""

from bisect import bisect_right
from collections import Counter
from itertools import accumulate
from typing import NamedTuple

from relayload.core.metrics.end_cells import Cells, Spans
from relayload.core.metrics.rows import Rows


class Ended(NamedTuple):
    """Requests that ended in some span of time, and the output tokens of all their attempts if they ended ok."""

    requests: int = 0
    output_tokens: int = 0

    def plus(self, other: "Ended", times: int = 1) -> "Ended":
        """Return the sum, with the other counted this many times."""
        return Ended(self.requests + times * other.requests, self.output_tokens + times * other.output_tokens)


class EndCounts:
    """The ends of requests that share every tag. Adding and merging commute."""

    __slots__ = ("_requests", "_sums", "_tokens", "cells")

    def __init__(self, cells: Cells | None = None) -> None:
        """Count in these cells; only counts in the same cells merge."""
        self.cells = Cells() if cells is None else cells
        self._requests: Counter[int] = Counter()
        self._tokens: Counter[int] = Counter()
        self._sums: tuple[list[int], list[int], list[int]] | None = None
        """The cells in order, and how many requests and tokens ended before each and in all."""

    def add(self, rows: Rows, *, ok: bool) -> None:
        """Add requests; a request's tokens count whole when it ends."""
        self._sums = None
        self._requests.update(rows.ended_in(self.cells))
        if ok:
            self._tokens.update(rows.tokens_in(self.cells))

    def add_counted(self, cell: int, ended: Ended) -> None:
        """Add requests that were counted elsewhere."""
        self._sums = None
        self._requests[cell] += ended.requests
        self._tokens[cell] += ended.output_tokens

    def merge(self, other: "EndCounts") -> None:
        self._sums = None
        self._requests.update(other._requests)
        self._tokens.update(other._tokens)

    def within(self, spans: Spans) -> Ended:
        """Return what ended in any of these spans, which do not overlap."""
        found = Ended()
        for begins_at_s, ends_at_s in spans:
            before, last = self.cells.bounds(begins_at_s, ends_at_s)
            found = found.plus(self._until(last)).plus(self._until(before), -1)
        return found

    def by_second(self) -> Counter[int]:
        """Return the number of requests that ended in each second of the run."""
        seconds: Counter[int] = Counter()
        for cell, count in self._requests.items():
            seconds[self.cells.second(cell)] += count
        return seconds

    def _until(self, cell: int) -> Ended:
        """Return what ended in all cells up to that one."""
        if self._sums is None:
            cells = sorted(self._requests)
            requests, tokens = (
                list(accumulate(map(counts.__getitem__, cells), initial=0)) for counts in (self._requests, self._tokens)
            )
            self._sums = cells, requests, tokens
        cells, requests, tokens = self._sums
        position = bisect_right(cells, cell)
        return Ended(requests[position], tokens[position])
