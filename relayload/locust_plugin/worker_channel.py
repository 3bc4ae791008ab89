"""The master's way to its workers: who of them Locust knows, and what is sent to them."""

from locust.runners import MasterRunner

from relayload.engine.messages import Assignment, EndRun, Lease, RateChanges, RecordsAck
from relayload.locust_plugin.channel import ASSIGN, END, LEASE, RATES, RECORDS_ACK, WHOLE, pack
from relayload.locust_plugin.nodes import AnyRunner

_LOCAL = "local"


class WorkerChannel:
    """Sends through Locust's runner, with which a process without workers reaches itself."""

    def __init__(self, runner: AnyRunner) -> None:
        self._runner = runner

    @property
    def alone(self) -> bool:
        """True if there are no other processes."""
        return not isinstance(self._runner, MasterRunner)

    def present(self) -> tuple[str, ...]:
        """Return the client ids of the workers that could begin now."""
        if not isinstance(self._runner, MasterRunner):
            return (_LOCAL,)
        clients = self._runner.clients
        return tuple(sorted(client.id for client in (*clients.ready, *clients.spawning, *clients.running)))

    def keep(self, client_id: str) -> None:
        """Keep Locust, which stops a test without workers, from giving up this one."""
        if not isinstance(self._runner, MasterRunner):
            return
        client = self._runner.clients.get(client_id)
        if client is not None:
            client.heartbeat = max(client.heartbeat, 1)

    def assign(self, client_id: str, assignment: Assignment) -> None:
        self._runner.send_message(ASSIGN, pack(assignment), client_id)

    def lease(self, client_id: str, lease: Lease) -> None:
        self._runner.send_message(LEASE, pack(lease), client_id)

    def change_rates(self, client_id: str, changes: RateChanges) -> None:
        self._runner.send_message(RATES, pack(changes), client_id)

    def end(self, client_id: str, end: EndRun) -> None:
        self._runner.send_message(END, pack(end), client_id)

    def ask_for_whole_snapshot(self, client_id: str) -> None:
        self._runner.send_message(WHOLE, None, client_id)

    def acknowledge(self, client_id: str, records: RecordsAck) -> None:
        self._runner.send_message(RECORDS_ACK, pack(records), client_id)
