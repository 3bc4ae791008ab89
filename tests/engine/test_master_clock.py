from dataclasses import dataclass, field

import gevent
import pytest
from msgspec import structs
from support import present, until

from relayload import clock
from relayload.core.model.run import ProfileInfo, RunInfo
from relayload.engine import master_clock
from relayload.engine.host import host_id
from relayload.engine.master_clock import MasterClock, answered
from relayload.engine.messages import Assignment, ClockReading
from relayload.engine.run_clock import RunClock
from relayload.recording.compression import Compression

AHEAD_S = 86_400.0
ELSEWHERE = "another boot/1"


@dataclass
class Master:
    """Answers at once, from a host whose clock is a day ahead, or from this one."""

    host_id: str = ELSEWHERE
    asked: list[ClockReading] = field(default_factory=list)

    def listen(self) -> MasterClock:
        worker = MasterClock(self.ask)
        self.answer = worker.on_answer
        return worker

    def ask(self, reading: ClockReading) -> None:
        self.asked.append(reading)
        ahead_s = 0.0 if self.host_id == host_id() else AHEAD_S
        now_s = clock.now_s() + ahead_s
        self.answer(structs.replace(reading, received_at_s=now_s, answered_at_s=now_s, host_id=self.host_id))


RUN = RunInfo(
    run_id="run",
    profile=ProfileInfo(name="trial", sha256=""),
    started_at="2026-01-02T03:04:05Z",
    load_kind="open",
    stages=(),
    workers=2,
    base_url="",
)


def assignment(host: str, begins_at_s: float) -> Assignment:
    return Assignment(
        run_id="run",
        version="",
        run=RUN,
        compression=Compression.GZIP,
        run_dir="",
        base_urls={},
        profile_sha256="",
        worker=0,
        begins_at_s=begins_at_s,
        host_id=host,
        alone=False,
    )


def joined(worker: MasterClock, host: str, begins_at_s: float) -> RunClock:
    following = gevent.spawn(worker.follow)
    until(lambda: worker.run_clock(assignment(host, begins_at_s)))
    following.kill()
    return present(worker.run_clock(assignment(host, begins_at_s)))


def test_on_the_masters_host_the_beginning_is_exact_and_needs_no_answer() -> None:
    worker = Master().listen()
    run_clock = worker.run_clock(assignment(host_id(), 123.25))
    assert run_clock is not None
    assert (run_clock.begins_at_s, run_clock.offset_s, run_clock.error_s) == (123.25, 0.0, 0.0)


def test_a_master_on_this_host_is_asked_once() -> None:
    master = Master(host_id())
    master.listen().follow()
    assert len(master.asked) == 1


def test_a_run_of_a_master_elsewhere_is_joined_after_some_answers() -> None:
    master = Master()
    worker = master.listen()
    begins_at_s = clock.now_s() + 60.0
    assert worker.run_clock(assignment(ELSEWHERE, begins_at_s + AHEAD_S)) is None
    run_clock = joined(worker, ELSEWHERE, begins_at_s + AHEAD_S)
    assert abs(run_clock.begins_at_s - begins_at_s) <= run_clock.error_s + 1e-6
    assert 0.0 < run_clock.error_s < 1.0
    assert len(master.asked) >= 5


def test_what_one_master_answered_does_not_hold_for_another() -> None:
    master = Master()
    worker = master.listen()
    joined(worker, ELSEWHERE, AHEAD_S)
    assert worker.run_clock(assignment("a third/1", AHEAD_S)) is None


def test_a_run_is_kept_right_by_later_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(master_clock, "_PAUSE_S", 0.005)
    worker = Master().listen()
    begins_at_s = clock.now_s() + 3600.0
    run_clock = joined(worker, ELSEWHERE, begins_at_s + AHEAD_S)
    run_clock.correct(AHEAD_S + 5.0, 1.0)
    following = gevent.spawn(worker.follow)
    until(lambda: abs(run_clock.begins_at_s - begins_at_s) <= run_clock.error_s + 1e-6 < 0.5)
    following.kill()


def test_an_answer_tells_when_the_question_came_and_whose_clock_it_is() -> None:
    answer = answered(ClockReading(asked_at_s=1.5), received_at_s=2.5)
    assert (answer.asked_at_s, answer.received_at_s, answer.host_id) == (1.5, 2.5, host_id())
    assert answer.answered_at_s > 2.5
