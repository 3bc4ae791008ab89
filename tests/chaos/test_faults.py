"""Workers that die, hang, are cut off or come late, and a master that dies: what the relay saw, and the recording."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from signal import SIGCONT, SIGKILL, SIGSTOP
from typing import Any

import pytest
from distributed_run import USD, Account, DistributedRun, check_sums, reported
from hosts import Network, need

pytestmark = pytest.mark.slow

RATE_PER_S, SECONDS, WORKERS = 50, 25, 4
FAULT_AFTER = 6 * RATE_PER_S
"""The requests that the relay has received when something goes wrong."""
FAULT_S = 10.0
TAKEN_OVER_S = 5.0
"""Seconds after which the others have taken over what a worker no longer sends."""
NOTICED_S = 1.0
"""The tolerance for when the fault really was, on a busy machine."""
LIMIT_PER_S = 55
BLUR_S = 0.05
"""Of the way from a start to the relay: a window is shorter there than at the starts."""

NewRun = Callable[..., DistributedRun]
Fault = Callable[[DistributedRun], None]


@pytest.fixture
def network() -> Iterator[Network]:
    with Network() as made:
        yield made


@pytest.fixture
def new_run(network: Network, tmp_path: Path) -> Iterator[NewRun]:
    made: list[DistributedRun] = []

    def new(**profile: Any) -> DistributedRun:
        made.append(DistributedRun(network, tmp_path, rate=f"{RATE_PER_S}/s", seconds=SECONDS, **profile))
        return made[-1]

    yield new
    for each in made:
        each.close()


def killed(run: DistributedRun) -> None:
    run.workers[1].signal(SIGKILL)


def stopped(run: DistributedRun) -> None:
    run.workers[1].signal(SIGSTOP)
    time.sleep(FAULT_S)
    run.workers[1].signal(SIGCONT)


def hung(run: DistributedRun) -> None:
    """The messages of one worker and its master stand still; both reach the relay."""
    assert run.link is not None
    run.link.signal(SIGSTOP)
    time.sleep(FAULT_S)
    run.link.signal(SIGCONT)


def cut_off(run: DistributedRun) -> None:
    """The master is cut off from all workers, which reach the relay."""
    run.master_host.link("down")
    time.sleep(FAULT_S)
    run.master_host.link("up")


OF_ONE = [killed, stopped, hung]
FAULTS = [*OF_ONE, cut_off]


def faulted(network: Network, run: DistributedRun, fault: Fault) -> Account:
    if fault in (hung, cut_off):
        need(network)
    run.begin(WORKERS)
    run.wait_until_sent(FAULT_AFTER)
    fault(run)
    return run.account()


@pytest.mark.parametrize("fault", FAULTS)
def test_no_limit_is_passed_and_nothing_is_sent_twice(network: Network, new_run: NewRun, fault: Fault) -> None:
    account = faulted(network, new_run(load={"limits": {"per_second": LIMIT_PER_S}}), fault)
    check_sums(account)
    assert account.most_seen_in(1.0 - BLUR_S) <= LIMIT_PER_S
    assert account.counts["offered"] == len(account.planned)


@pytest.mark.parametrize("fault", OF_ONE)
def test_the_others_take_over_in_five_seconds(network: Network, new_run: NewRun, fault: Fault) -> None:
    account = faulted(network, new_run(), fault)
    check_sums(account)
    fault_at_s = FAULT_AFTER / RATE_PER_S
    assert account.missing(0.0, fault_at_s - NOTICED_S) == []
    assert account.missing(fault_at_s + TAKEN_OVER_S + NOTICED_S) == []


@pytest.mark.parametrize("fault", FAULTS)
def test_no_cap_on_requests_is_passed(network: Network, new_run: NewRun, fault: Fault) -> None:
    most = 20 * RATE_PER_S
    account = faulted(network, new_run(guardrails={"max_requests": most}), fault)
    check_sums(account)
    assert len(account.seen) <= most
    assert len(account.seen) > FAULT_AFTER


@pytest.mark.parametrize("fault", FAULTS)
def test_no_cap_on_dollars_is_passed(network: Network, new_run: NewRun, fault: Fault) -> None:
    most_usd = 20 * RATE_PER_S * USD
    account = faulted(network, new_run(guardrails={"max_usd": f"${most_usd:.4f}"}), fault)
    check_sums(account)
    assert len(account.seen) * USD <= most_usd
    assert len(account.seen) > FAULT_AFTER


@pytest.mark.parametrize("limited", [False, True])
def test_a_worker_that_joins_late_gets_a_share_and_nothing_is_lost(new_run: NewRun, limited: bool) -> None:
    run = new_run(load={"limits": {"per_second": LIMIT_PER_S}} if limited else {})
    run.begin(WORKERS - 1)
    run.wait_until_sent(FAULT_AFTER)
    run.join(WORKERS - 1)
    account = run.account()
    check_sums(account)
    assert account.counts["lost"] == 0
    if limited:  # a busy machine is late, and what is late for a limit is dropped
        assert account.most_seen_in(1.0 - BLUR_S) <= LIMIT_PER_S
    else:
        assert sorted(account.numbers_seen) == sorted(account.planned)
    assert len({line["worker"] for line in account.started}) == WORKERS


def test_what_a_killed_worker_had_finished_a_second_before_is_in_the_result(new_run: NewRun) -> None:
    run = new_run(generator={"lost_share": "0%"})
    run.begin(WORKERS)
    run.wait_until_sent(FAULT_AFTER)
    sent = len(run.seen())
    killed(run)
    account = run.account()
    check_sums(account)
    recorded = {line["index"] for line in account.started}
    finished = [line["index"] for line in account.seen[: sent - 2 * RATE_PER_S]]  # two seconds on a busy machine
    assert set(finished) <= recorded
    assert account.counts["lost"] > 0
    assert "lost" in " ".join(account.verdict["reasons"])


def test_without_their_master_workers_stop_and_what_is_there_can_be_read(new_run: NewRun) -> None:
    run = new_run()
    run.begin(WORKERS)
    run.wait_until_sent(FAULT_AFTER)
    assert run.master is not None
    run.master.signal(SIGKILL)
    run.master.wait()
    killed_at_ns = time.time_ns()
    assert [worker.wait(60.0) != 0 for worker in run.workers] == [True] * WORKERS
    account = Account(run)
    assert account.twice() == []
    assert max(line["at_ns"] for line in account.seen) - killed_at_ns <= (TAKEN_OVER_S + NOTICED_S) * 1e9
    report = reported(run.out)
    assert report.returncode == 0, report.stderr
    assert "the run was killed" in report.stdout
