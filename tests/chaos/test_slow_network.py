"""A network between master and worker that is too slow to keep their clocks together."""

from pathlib import Path

import pytest
from distributed_run import DistributedRun, check_sums
from hosts import Network, need
from support import saved

pytestmark = pytest.mark.slow


def test_a_worker_whose_clock_is_known_too_badly_makes_the_run_invalid_with_its_host(tmp_path: Path) -> None:
    with Network() as network:
        need(network)
        run = DistributedRun(network, tmp_path, rate="20/s", seconds=6, delay_s=0.06, generator={"late": "55ms"})
        try:
            run.begin(2)
            account = run.account()
        finally:
            run.close()
    check_sums(account)
    assert account.verdict["verdict"] == "INVALID"
    (reason,) = [reason for reason in account.verdict["reasons"] if "(worker-0)" in reason]
    assert "more than generator.late (55.0ms)" in reason
    slow, *others = sorted(saved(run.out, "run.json")["last_told"], key=lambda info: -info["clock_error_s"])
    assert slow["clock_error_s"] > 0.06
    assert all(info["clock_error_s"] < slow["clock_error_s"] for info in others)
