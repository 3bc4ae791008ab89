"""What workers send to the master: answered here, or passed on to the current or latest run."""

from locust.rpc import Message
from locust.runners import MasterRunner

import logging
from collections.abc import Callable
from typing import Any

import relayload
from relayload import clock
from relayload.core.model.snapshot import Snapshot
from relayload.engine import host
from relayload.engine.master_clock import answered
from relayload.engine.messages import ClockReading, ContentWanted, Hello, RecordsPiece, Refusal, Renewal
from relayload.engine.profile_sender import ProfileSender
from relayload.engine.versions import other_version
from relayload.locust_plugin.channel import (
    CLOCK,
    CONTENT,
    CONTENT_WANTED,
    READY,
    RECORDS,
    REFUSED,
    RENEW,
    SNAPSHOT,
    pack,
    packed,
    unpack,
)
from relayload.locust_plugin.controller import Controller
from relayload.locust_plugin.nodes import AnyRunner
from relayload.profile import Profile

_LOG = logging.getLogger("relayload")


class WorkerMessages:
    """Takes the messages of all workers, among which a process without workers is one."""

    def __init__(
        self,
        runner: AnyRunner,
        profile: Profile,
        latest: Callable[[], Controller | None],
        told: Callable[[bytes], None],
    ) -> None:
        """`profile` is the one that the master was started with; `told` is given each snapshot of a run, as it came."""
        self._runner = runner
        self._profile = profile
        self._profile_sender = ProfileSender(profile)
        self._latest = latest
        self._told = told
        self._elsewhere: dict[str, str] = {}
        """The hosts of workers that are not on this one, by their ids."""

    def listen(self) -> None:
        """Take messages from now on."""
        self._runner.register_message(CONTENT_WANTED, self._on_content_wanted, concurrent=True)
        self._runner.register_message(READY, self._on_ready)
        self._runner.register_message(RENEW, self._on_renewal)
        self._runner.register_message(SNAPSHOT, self._on_snapshot)
        self._runner.register_message(RECORDS, self._on_records)
        if isinstance(self._runner, MasterRunner):
            self._runner.register_message(CLOCK, self._on_clock)

    @property
    def other_hosts(self) -> list[str]:
        """The other hosts on which there are workers now."""
        return sorted({where for node, where in self._elsewhere.items() if self._is_there(node)})

    def _is_there(self, node: str) -> bool:
        return isinstance(self._runner, MasterRunner) and node in self._runner.clients

    def _on_content_wanted(self, msg: Message, **_: Any) -> None:
        content = self._profile_sender.answer(unpack(msg.data, ContentWanted))
        if content.refusal is not None:
            _LOG.error("%s asked for the profile: %s", msg.node_id, content.refusal)
        self._runner.send_message(CONTENT, pack(content), msg.node_id)

    def _on_ready(self, msg: Message, **_: Any) -> None:
        hello = unpack(msg.data, Hello)
        if hello.host_id != host.host_id():
            self._elsewhere[msg.node_id] = hello.host
        run = self._latest()
        if refusal := self._refusal_of(hello):
            _LOG.error("%s takes no part: %s", msg.node_id, refusal)
            self._runner.send_message(REFUSED, pack(Refusal(reason=refusal)), msg.node_id)
        elif run is not None:
            run.on_ready(msg.node_id)

    def _refusal_of(self, worker: Hello) -> str | None:
        """Return why a worker can't take part in the runs of this profile; None if it can."""
        if worker.profile_sha256 != self._profile.sha256:
            return f"the worker on {worker.host} was started with another profile than the master: leave out its own"
        return other_version(worker.version, relayload.__version__)

    def _on_renewal(self, msg: Message, **_: Any) -> None:
        run = self._latest()
        if run is not None:
            run.on_renewal(msg.node_id, unpack(msg.data, Renewal))

    def _on_snapshot(self, msg: Message, **_: Any) -> None:
        run = self._latest()
        if run is not None and run.on_snapshot(msg.node_id, unpack(msg.data, Snapshot)):
            self._told(packed(msg.data))

    def _on_clock(self, msg: Message, **_: Any) -> None:
        received_at_s = clock.now_s()
        answer = answered(unpack(msg.data, ClockReading), received_at_s)
        self._runner.send_message(CLOCK, pack(answer), msg.node_id)

    def _on_records(self, msg: Message, **_: Any) -> None:
        run = self._latest()
        if run is not None:
            run.on_records(msg.node_id, unpack(msg.data, RecordsPiece))
