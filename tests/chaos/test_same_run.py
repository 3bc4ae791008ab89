"""One seed with one worker, with many, and on many hosts: the same requests, and percentiles as of one pool."""

import math
from pathlib import Path

import pytest
from distributed_run import DAY_S, Account, DistributedRun, check_sums
from hosts import Network
from support import saved

pytestmark = pytest.mark.slow


def sent(folder: Path, workers: int, *, at_home: bool) -> Account:
    folder.mkdir()
    with Network() as network:
        run = DistributedRun(network, folder, rate="40/s", seconds=6, load={"arrivals": "poisson"})
        try:
            run.begin(workers, at_home=at_home)
            return run.account()
        finally:
            run.close()


def test_the_same_seed_sends_the_same_whatever_sends_it(tmp_path: Path) -> None:
    accounts = [
        sent(tmp_path / name, workers, at_home=at_home)
        for name, workers, at_home in [("one", 1, True), ("eight", 8, True), ("hosts", 4, False)]
    ]
    for account in accounts:
        check_sums(account)
        assert account.counts["offered"] == account.counts["started"] == len(account.planned)
    requests = [sorted((line["index"], line["sha"]) for line in account.seen) for account in accounts]
    assert requests[0] == requests[1] == requests[2]
    due = [sorted((line["index"], line["intended_at_s"]) for line in account.started) for account in accounts]
    assert due[0] == due[1] == due[2] == sorted(accounts[0].planned.items())
    for account in accounts:
        check_percentiles(account)
    check_clocks(accounts[2])


def check_percentiles(account: Account) -> None:
    """The summary of all workers has the very values that lie at those ranks among all their records."""
    metrics = saved(account.run.out, "summary.json")["metrics"]
    service = [attempt["service_s"] for line in account.started for attempt in line["attempts"]]
    for name, values in {"latency": [line["latency_s"] for line in account.started], "service": service}.items():
        ordered = sorted(values)
        assert metrics[name]["count"] == len(ordered)
        for percentile in metrics[name]["percentiles"]:
            rank = max(1, math.ceil(round(percentile["p"] / 100 * len(ordered), 6)))
            assert percentile["value"] == ordered[rank - 1], (name, percentile)


def check_clocks(account: Account) -> None:
    """Each worker is on a host of its own, whose clock is days ahead of its master's."""
    told = saved(account.run.out, "run.json")["last_told"]
    if account.run.apart:
        assert sorted(round(info["clock_offset_s"] / DAY_S) for info in told) == [-4, -3, -2, -1]
        assert sorted(info["host"] for info in told) == [f"worker-{number}" for number in range(4)]
        for info in told:
            days = round(info["clock_offset_s"] / DAY_S)
            assert abs(info["clock_offset_s"] - days * DAY_S) <= info["clock_error_s"]
