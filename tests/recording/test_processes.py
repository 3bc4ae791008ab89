import os
from functools import partial

import pytest

from relayload.recording.processes import over, processes_at_hand


def _square(number: int) -> int:
    return number * number


def _fail() -> int:
    raise ValueError("the job failed")


@pytest.mark.parametrize("processes", [1, 2, 3])
@pytest.mark.parametrize("count", [0, 1, 2, 7])
def test_results_come_in_the_order_of_the_jobs(processes: int, count: int):
    jobs = [partial(_square, number) for number in range(count)]
    assert over(processes)(jobs) == [number * number for number in range(count)]


def test_jobs_see_what_the_parent_has_read_and_run_elsewhere():
    read = object()
    pids = over(2)([lambda: (os.getpid(), id(read)), lambda: (os.getpid(), id(read))])
    assert {known for _, known in pids} == {id(read)}
    assert len({pid for pid, _ in pids}) == 2


@pytest.mark.parametrize("position", [0, 1])
def test_what_a_job_raises_is_raised_here(position: int):
    jobs = [partial(_square, 2), partial(_square, 3)]
    jobs[position] = _fail
    with pytest.raises(ValueError, match="the job failed"):
        over(2)(jobs)


def test_at_least_one_process_is_at_hand():
    assert processes_at_hand() >= 1
