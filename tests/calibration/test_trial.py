"""The generator against a relay that knows the truth, while something else wants its core."""

import os
import subprocess
import sys

import pytest

from relayload.calibration.trial import bench


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system pins no process to a core")
def test_a_busy_loop_on_its_core_moves_no_first_token_or_makes_the_run_invalid() -> None:
    with bench() as at:
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
        with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as burner:
            try:
                trial = at.streams(20, 3.0)
            finally:
                burner.kill()
    assert trial.failed == 0
    assert trial.ttft_error is not None
    assert not trial.valid or trial.ttft_error.p99_s < 0.005, trial
