"""A worker's side of its leases: asks for them, and applies them to what sends."""

from collections import deque
from collections.abc import Callable

from relayload import clock
from relayload.core.traffic.leases import LEASE_S
from relayload.engine.clients import Clients
from relayload.engine.executor import Executor
from relayload.engine.messages import Lease, Renewal, WorkerStatus
from relayload.engine.permit import Permit
from relayload.engine.process_id import process_id
from relayload.engine.spend_guard import SpendGuard


class Leaseholder:
    """Keeps the permit of one process in force, and hands what is leased to executor, clients and guard."""

    def __init__(
        self,
        run_id: str,
        worker: int,
        permit: Permit,
        executor: Executor,
        clients: Clients,
        spend_guard: SpendGuard,
    ) -> None:
        self._run_id, self._worker = run_id, worker
        self._process = process_id()
        self._permit = permit
        self._executor = executor
        self._clients = clients
        self._spend_guard = spend_guard
        self._sent_at_s: dict[int, float] = {}
        self._sequence = self._applied = self._held = self._in_force = 0
        self._applying: deque[tuple[int, float, int]] = deque()
        """Leases that are not in force yet: number, when the last call under the quota before starts, and slots."""
        self._asking = False
        self.leaving = False
        """Nothing more is to be granted to this process."""
        self._leaves_from = 0
        """The first renewal that says so."""
        self.rate_changes = 0
        """How many changes of the rate are in the schedule of this process."""
        self.answered_at_s = clock.now_s()
        """When the master last answered."""
        self.ask: Callable[[], None] = lambda: None
        """Sends a renewal at once."""

    def renewal(self, status: WorkerStatus | None = None) -> Renewal:
        """Return the next renewal; its lease is counted from now, so send it at once."""
        now_s = clock.now_s()
        self._sequence += 1
        self._sent_at_s[self._sequence] = now_s
        while self._applying and self._is_in_force(self._applying[0], now_s):
            self._in_force = self._applying.popleft()[0]
        requests, micro_usd = self._spend_guard.draws(self._executor.ahead, regular=status is not None)
        return Renewal(
            run_id=self._run_id,
            worker=self._worker,
            sequence=self._sequence,
            held=self._held,
            in_force=self._in_force,
            wanted=0 if self.leaving else self._executor.wanted,
            ended=self._executor.ended,
            requests=requests,
            micro_usd=micro_usd,
            rate_changes=self.rate_changes,
            leaving=self.leaving,
            process=self._process,
            status=status,
        )

    def apply(self, lease: Lease) -> None:
        """Put a lease into force, unless a later one is."""
        if lease.sequence < self._applied or lease.sequence not in self._sent_at_s:
            return
        self.answered_at_s = clock.now_s()
        self._applied, self._asking = lease.sequence, False
        new = [grant for grant in lease.grants if grant.number > self._held]
        self._held = max([self._held, *(grant.number for grant in new)])
        self._resize(lease)
        self._executor.take(new, lease.granted_to, complete=lease.complete, slots=lease.slots)
        if may_send(lease):
            self._permit.extend(self._sent_at_s[lease.sequence] + LEASE_S)
        for sequence in [number for number in self._sent_at_s if number < lease.sequence]:
            del self._sent_at_s[sequence]
        if self._spend_guard.take(lease.requests, lease.micro_usd):
            self.ask_once()

    def leave(self) -> None:
        """Ask for nothing more, and say so at once."""
        self.leaving, self._leaves_from = True, self._sequence + 1
        self.ask()

    @property
    def left(self) -> bool:
        """Whether the master has answered since it knows: no grant is on its way any more."""
        return self.leaving and self._applied >= self._leaves_from

    def ask_once(self) -> None:
        """Ask at once for what is lacking, unless that was asked already."""
        if not self._asking:
            self._asking = True
            self.ask()

    def _resize(self, lease: Lease) -> None:
        last_start_s = self._clients.resize(lease.quotas) if may_send(lease) else self._permit.until_s
        if self._applying and self._applying[-1][0] == lease.sequence:
            self._applying.pop()
        slots = 1 << 40 if lease.slots is None else lease.slots
        self._applying.append((lease.sequence, last_start_s, slots))

    def _is_in_force(self, applying: tuple[int, float, int], now_s: float) -> bool:
        _, last_start_s, slots = applying
        return now_s >= last_start_s and self._executor.in_flight <= slots


def may_send(lease: Lease) -> bool:
    """Return whether the lease has a slot and a part of each quota."""
    return lease.slots != 0 and all(all(amounts) for amounts in lease.quotas.values())
