import os
import signal
import time
from functools import partial
from pickle import PicklingError

import pytest

from relayload.core.metrics.tasks import Task
from relayload.recording.processes import runner, usable_processes


def _square(number: int) -> int:
    return number * number


def _fail() -> int:
    raise ValueError("the task failed")


@pytest.mark.parametrize("processes", [1, 2, 3])
@pytest.mark.parametrize("count", [0, 1, 2, 7])
def test_results_come_in_the_order_of_the_jobs(processes: int, count: int):
    tasks = [Task(partial(_square, number), about=f"number {number % 3}") for number in range(count)]
    assert runner(processes)(tasks) == [number * number for number in range(count)]


def test_more_jobs_than_a_pipe_holds_tickets_are_all_done():
    tasks = [Task(partial(_square, number)) for number in range(10_000)]
    assert runner(2)(tasks) == [number * number for number in range(10_000)]


def test_jobs_about_the_same_metric_run_in_the_same_process():
    tasks = [Task(os.getpid, about=f"metric {number % 5}") for number in range(40)]
    pids = runner(2)(tasks)
    assert all(len(set(pids[metric::5])) == 1 for metric in range(5))


def test_jobs_see_what_the_parent_has_read_and_run_elsewhere():
    read = object()
    here, there = os.pipe(), os.pipe()

    def meet(tell: int, hear: int) -> tuple[int, int]:
        os.write(tell, b"!")
        os.read(hear, 1)  # comes back once the other task runs, too
        return os.getpid(), id(read)

    pids = runner(2)([Task(partial(meet, here[1], there[0])), Task(partial(meet, there[1], here[0]))])
    for end in (*here, *there):
        os.close(end)
    assert {known for _, known in pids} == {id(read)}
    assert len({pid for pid, _ in pids}) == 2


@pytest.mark.parametrize("position", [0, 1])
def test_what_a_job_raises_is_raised_here(position: int):
    tasks = [Task(partial(_square, 2)), Task(partial(_square, 3))]
    tasks[position] = Task(_fail)
    with pytest.raises(ValueError, match="the task failed"):
        runner(2)(tasks)


def test_a_process_that_is_no_longer_needed_ends_without_a_word():
    parent, (heard, tell) = os.getpid(), os.pipe()

    def meet() -> None:
        if os.getpid() == parent:
            os.read(heard, 1)  # comes back once the other process is at work
            raise ValueError("the task failed")
        os.write(tell, b"!")
        time.sleep(10)

    before = signal.signal(signal.SIGTERM, lambda *_: os.write(tell, b"ended by SIGTERM"))
    try:
        with pytest.raises(ValueError, match="the task failed"):
            runner(2)([Task(meet), Task(meet)])
    finally:
        signal.signal(signal.SIGTERM, before)
        os.close(tell)
    assert os.read(heard, 100) == b""
    os.close(heard)


def test_a_process_that_is_killed_ends_the_work():
    parent, (heard, tell) = os.getpid(), os.pipe()

    def meet() -> None:
        if os.getpid() == parent:
            os.read(heard, 1)  # comes back once the other process is at work
            return
        os.write(tell, b"!")
        os.kill(os.getpid(), signal.SIGKILL)

    with pytest.raises(EOFError):
        runner(2)([Task(meet), Task(meet)])
    os.close(tell)
    os.close(heard)


def test_a_result_that_cannot_be_sent_is_told():
    here, there = os.pipe(), os.pipe()

    def meet(tell: int, hear: int) -> object:
        os.write(tell, b"!")
        os.read(hear, 1)
        return lambda: None

    with pytest.raises((AttributeError, PicklingError)):
        runner(2)([Task(partial(meet, here[1], there[0])), Task(partial(meet, there[1], here[0]))])
    for end in (*here, *there):
        os.close(end)


def test_at_least_one_process_is_at_hand():
    assert usable_processes() >= 1
