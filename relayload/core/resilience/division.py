"""Divides amounts, such as slots and quotas, among workers that come and go, so that together they never hold more.

A worker that is to get a larger part waits until the others have confirmed their smaller ones. A part counts until it
is confirmed to be replaced, or its holder's lease is over, and then for `lingers_s` more: what started under a limit
per minute counts for another minute.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from relayload.core.traffic.arrivals import Share


@dataclass(slots=True)
class _Part:
    """What a reply to a worker allows it."""

    sequence: int
    amounts: tuple[int, ...]
    ended_at_s: float | None = None


class Division:
    """The parts of the workers. Instants are the master's."""

    def __init__(self, totals: Sequence[int], lingers_s: Sequence[float]) -> None:
        self._totals = tuple(totals)
        self._lingers_s = tuple(lingers_s)
        self._parts: dict[int, list[_Part]] = {}

    def renew(self, worker: int, applied: int, sequence: int, alive: Sequence[int], now_s: float) -> tuple[int, ...]:
        """Return the parts of a worker that go into reply number `sequence`; it has applied those of `applied`.

        `alive` are the workers whose leases are not over, in ascending order, this one among them.
        """
        self._expire(alive, now_s)
        parts = self._parts.setdefault(worker, [])
        for part in parts:
            if part.sequence < applied and part.ended_at_s is None:
                part.ended_at_s = now_s
        share = Share(alive.index(worker), len(alive))
        amounts = tuple(
            max(0, min(share.part_of(total), total - self._held(number, worker, now_s)))
            for number, total in enumerate(self._totals)
        )
        parts.append(_Part(sequence, amounts))
        return amounts

    def _held(self, number: int, but: int, now_s: float) -> int:
        """Return the most that the workers but one may hold of an amount."""
        return sum(self._most(number, parts, now_s) for worker, parts in self._parts.items() if worker != but)

    def _most(self, number: int, parts: Sequence[_Part], now_s: float) -> int:
        lingers_s = self._lingers_s[number]
        return max(
            (part.amounts[number] for part in parts if part.ended_at_s is None or now_s < part.ended_at_s + lingers_s),
            default=0,
        )

    def _expire(self, alive: Sequence[int], now_s: float) -> None:
        longest_s = max(self._lingers_s, default=0.0)
        for worker, parts in self._parts.items():
            if worker not in alive:
                for part in parts:
                    part.ended_at_s = now_s if part.ended_at_s is None else part.ended_at_s
            parts[:] = [part for part in parts if part.ended_at_s is None or now_s < part.ended_at_s + longest_s]
