"""The workers of one run as the master knows them: who takes part, what each last reported, and who is awaited."""

import logging
from collections.abc import KeysView

from relayload.core.model.run import WorkerInfo
from relayload.engine.lessor import Lessor
from relayload.engine.messages import WorkerStatus

_LOG = logging.getLogger("relayload")


class RunWorkers:
    """The workers of one run, numbered as they come. Instants are the master's."""

    def __init__(self, lessor: Lessor, *, alone: bool) -> None:
        """`alone` is a master that is the only worker itself: it holds no lease that could be over."""
        self._lessor = lessor
        self._alone = alone
        self._numbers: dict[str, int] = {}
        """By client id of Locust."""
        self._client_ids: dict[int, str] = {}
        self._silent: set[int] = set()
        """Workers whose leases are over, and that did not end in order."""
        self.statuses: dict[int, WorkerStatus] = {}
        """The latest status of each worker, by its number."""

    @property
    def client_ids(self) -> KeysView[str]:
        return self._numbers.keys()

    def admit(self, client_id: str) -> int:
        """Return the number of a worker, which takes part from now on."""
        worker = self._numbers.setdefault(client_id, len(self._numbers))
        self._client_ids[worker] = client_id
        return worker

    def number(self, client_id: str) -> int | None:
        """Return the number of a worker; None for one that takes no part."""
        return self._numbers.get(client_id)

    def client_id(self, worker: int) -> str:
        """Return the client id of a worker that takes part."""
        return self._client_ids[worker]

    @property
    def started(self) -> int:
        return sum(status.started for status in self.statuses.values())

    @property
    def in_flight(self) -> int:
        return sum(status.in_flight for status in self.statuses.values())

    @property
    def guardrail(self) -> str | None:
        """The guardrail that stopped a worker, as it told; None if none did."""
        return next((status.guardrail for status in self.statuses.values() if status.guardrail), None)

    @property
    def crash(self) -> str | None:
        """A failure of our own code on a worker."""
        return next((status.crash for status in self.statuses.values() if status.crash), None)

    @property
    def infos(self) -> tuple[WorkerInfo, ...]:
        """What each worker last reported, as the recording keeps it."""
        return tuple(map(_info, self.statuses.values()))

    def fresh(self, now_s: float) -> int:
        """Return how many workers renewed lately."""
        return 1 if self._alone else self._lessor.fresh(now_s)

    def finished(self, now_s: float) -> bool:
        """Return whether every worker whose lease is not over has sent and received everything."""
        statuses = [self.statuses.get(worker) for worker in self._numbers.values() if self._is_alive(worker, now_s)]
        return bool(statuses) and all(status and status.finished for status in statuses)

    def deserted(self, now_s: float) -> bool:
        """Return whether every worker is gone."""
        return bool(self._numbers) and all(self.is_gone(worker, now_s) for worker in self._numbers.values())

    def undrained(self, now_s: float) -> bool:
        """Return whether a worker that is not gone has not closed its recording; it may come back and deliver it."""
        return any(
            not self._has_drained(worker) and not self.is_gone(worker, now_s) for worker in self._numbers.values()
        )

    def is_gone(self, worker: int, now_s: float) -> bool:
        """Return whether nothing more is to be expected of a worker."""
        return not self._alone and self._lessor.is_gone(worker, now_s)

    def log_silence(self, now_s: float) -> None:
        """Log which workers have fallen silent in the middle of a run, and which have come back."""
        for worker, status in self.statuses.items():
            silent = not (status.drained or self._is_alive(worker, now_s))
            if silent is (worker in self._silent):
                continue
            self._silent ^= {worker}
            if silent:
                _LOG.warning("worker %d on %s is silent: the others send what it was not leased", worker, status.host)
            else:
                _LOG.info("worker %d on %s is back", worker, status.host)

    def _is_alive(self, worker: int, now_s: float) -> bool:
        return self._alone or self._lessor.is_alive(worker, now_s)

    def _has_drained(self, worker: int) -> bool:
        status = self.statuses.get(worker)
        return status is not None and status.drained


def _info(status: WorkerStatus) -> WorkerInfo:
    return WorkerInfo(
        worker=status.worker,
        started=status.started,
        dropped=status.dropped,
        drained=status.drained,
        host=status.host,
        clock_offset_s=status.clock_offset_s,
        clock_error_s=status.clock_error_s,
        clock_steps=status.clock_steps,
    )
