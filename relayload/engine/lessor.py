"""The master's side of the leases of a run: answers renewals, and remembers what it has promised to whom."""

from collections.abc import Iterator, Sequence
from decimal import Decimal

from relayload.core.resilience.allowance import Allowance, Cap
from relayload.core.resilience.division import Division
from relayload.core.resilience.guard import Bound
from relayload.core.traffic.leases import FRESH_S, LEASE_S, Members
from relayload.core.traffic.limits import LIMIT_GUARD_S
from relayload.core.units import format_usd
from relayload.engine.messages import Lease, Renewal
from relayload.engine.process_id import is_dead
from relayload.engine.workload import Workload
from relayload.profile import Profile

_MICRO = Decimal("0.000001")
_SILENT_S = 1.0
"""A worker that missed its renewal is looked for among the processes of this machine."""
_GONE_S = 15.0
"""A worker that is silent for as long is not awaited any more."""


class Lessor:
    """Leases a load to its workers. Instants are the master's; run time never goes back."""

    def __init__(self, profile: Profile, workload: Workload) -> None:
        self._workload = workload
        self._limits = profile.quota_limits
        limits = [limit for each in self._limits.values() for limit in each]
        slots = [] if workload.slots is None else [workload.slots]
        self._division = Division(
            [*slots, *(limit.amount for limit in limits)],
            [*(0.0 for _ in slots), *(limit.per_s + LIMIT_GUARD_S for limit in limits)],
        )
        caps = profile.guardrails.caps
        self._requests = None if caps.requests is None else Cap(caps.requests)
        self._micro_usd = None if caps.usd is None else Cap(int(caps.usd / _MICRO))
        self._usd = caps.usd
        self._members = Members()
        self._latest: dict[int, Renewal] = {}
        self._without_part: set[int] = set()
        self._told: set[int] = set()
        """Those that were asked to hand back, and have not renewed since."""

    def begin(self, workers: Sequence[int], now_s: float) -> None:
        """Count on these workers from the beginning. Raises ValueError if a quota is too small for so many."""
        for limit in (limit for limits in self._limits.values() for limit in limits):
            if limit.amount < len(workers):
                raise ValueError(
                    f"a quota of {limit.amount} {limit.unit} in {limit.per_s:g} s is too small for "
                    f"{len(workers)} processes"
                )
        for worker in workers:
            self._members.renew(worker, now_s)

    def renew(self, renewal: Renewal, now_s: float, elapsed_s: float) -> Iterator[Lease]:
        """Yield the answer to a renewal, and to those of others for whom it makes a difference.

        A renewal that is older than another one of its worker has no answer.
        """
        worker = renewal.worker
        if worker in self._latest and renewal.sequence <= self._latest[worker].sequence:
            return
        self._members.renew(worker, now_s)
        self._latest[worker] = renewal
        self._told.discard(worker)
        yield self._answer(renewal, now_s, elapsed_s)
        for other in self._concerned(worker, self._alive(now_s)):
            yield self._answer(self._latest[other], now_s, elapsed_s)

    def excuse(self, seconds: float) -> None:
        """Count so many seconds, in which the master itself was held up, as nobody's silence."""
        self._members.excuse(seconds)

    def end_at(self, until_s: float) -> None:
        """Grant nothing that is due after `until_s`."""
        self._workload.end_at(until_s)

    def fresh(self, now_s: float) -> int:
        """Return how many workers renewed lately."""
        return len(self._members.within(FRESH_S, now_s))

    def is_alive(self, worker: int, now_s: float) -> bool:
        """Return whether a worker's lease may not be over."""
        return worker in self._alive(now_s)

    def is_gone(self, worker: int, now_s: float) -> bool:
        """Return whether nothing more is to be expected of a worker: it is dead, or was silent for too long."""
        return self._members.silent_s(worker, now_s) > _GONE_S or self._is_dead(worker, now_s)

    @property
    def latest(self) -> int | None:
        """The worker that renewed last; None if none ever did."""
        return self._members.latest

    def used_up(self, reason: str) -> str:
        """Return the reason why the run stops, given what one worker told: of a cap it knows only its own part."""
        bound = reason.partition(":")[0]
        if bound == Bound.REQUESTS and self._requests is not None:
            spent, gone = self._requests.spent, self._requests.given - self._requests.spent
            maybe = f", and workers that are gone may have sent {gone:,} more" if gone > 0 else ""
            return f"{bound}: {spent:,} requests were sent{maybe}"
        if bound == Bound.USD and self._micro_usd is not None and self._usd is not None:
            spent_usd = format_usd(self._micro_usd.spent * _MICRO)
            return f"{bound}: {spent_usd} of {format_usd(self._usd)} are spent, or may come of requests in flight"
        return reason

    def _alive(self, now_s: float) -> list[int]:
        """Return the workers whose leases may not be over; those of dead processes are."""
        return [worker for worker in self._members.within(LEASE_S, now_s) if not self._is_dead(worker, now_s)]

    def _is_dead(self, worker: int, now_s: float) -> bool:
        silent_s = self._members.silent_s(worker, now_s)
        return silent_s > _SILENT_S and worker in self._latest and is_dead(self._latest[worker].process)

    def _answer(self, renewal: Renewal, now_s: float, elapsed_s: float) -> Lease:
        worker, sequence = renewal.worker, renewal.sequence
        alive = sorted({worker, *self._alive(now_s)})
        parts = self._division.renew(worker, renewal.in_force, sequence, alive, now_s)
        slots, quotas = self._named(parts)
        if all(parts):
            self._without_part.discard(worker)
        else:
            self._without_part.add(worker)
        grants = self._workload.grants(renewal, self._takers(now_s), alive, elapsed_s)
        return Lease(
            worker=worker,
            sequence=sequence,
            grants=grants,
            granted_to=self._workload.granted_to,
            complete=self._workload.complete,
            slots=slots,
            quotas=quotas,
            requests=self._allowance(self._requests, renewal, alive),
            micro_usd=self._allowance(self._micro_usd, renewal, alive),
        )

    def _takers(self, now_s: float) -> list[int]:
        """Return the workers that take new arrivals."""
        return [
            worker
            for worker in self._members.within(FRESH_S, now_s)
            if worker not in self._without_part and not (worker in self._latest and self._latest[worker].leaving)
        ]

    def _allowance(self, cap: Cap | None, renewal: Renewal, alive: Sequence[int]) -> Allowance | None:
        if cap is None:
            return None
        allowance = cap.renew(renewal.worker, renewal.requests if cap is self._requests else renewal.micro_usd, alive)
        if allowance.hand_back:
            self._told.add(renewal.worker)
        return allowance

    def _named(self, parts: Sequence[int]) -> tuple[int | None, dict[str, tuple[int, ...]]]:
        """Return the slots and the amounts of the limits by quota."""
        rest = iter(parts)
        slots = None if self._workload.slots is None else next(rest)
        return slots, {name: tuple(next(rest) for _ in limits) for name, limits in self._limits.items() if limits}

    def _concerned(self, worker: int, alive: Sequence[int]) -> list[int]:
        """Return the other workers that should have another answer to what they last said."""
        waiting = set(self._workload.waiting(alive)) - self._without_part
        return [
            other
            for other in alive
            if other != worker
            and other in self._latest
            and (other in waiting or any(self._is_concerned(cap, other, alive) for cap in self._caps))
        ]

    def _is_concerned(self, cap: Cap, other: int, alive: Sequence[int]) -> bool:
        return other not in self._told and cap.concerns(other, alive)

    @property
    def _caps(self) -> list[Cap]:
        return [cap for cap in (self._requests, self._micro_usd) if cap is not None]
