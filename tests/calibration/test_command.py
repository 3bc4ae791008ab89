"""`relayload calibrate` as a process."""

import json
import signal
from pathlib import Path

import pytest
from support import Start, wait_for


def test_measures_against_the_truth_and_prints_json(start: Start) -> None:
    run = start(
        *("relayload", "calibrate", "--no-search", "--json"),
        *("--streams", "10", "--rate", "50", "--seconds", "2"),
    )
    assert run.wait() in (0, 4), run.output  # 4 where this machine has no time to spare
    found = json.loads(run.output[run.output.index("{") :])
    assert found["plain"]["requests"] == pytest.approx(150, abs=2)
    assert found["streamed"]["chunks"] == found["streamed"]["requests"] * 200
    assert found["streamed"]["ttft_error"]["p50_s"] > -0.001
    assert found["plain"]["failed"] == found["streamed"]["failed"] == 0
    assert found["highest_streams"] is None


def test_a_rate_of_nothing_is_refused(start: Start) -> None:
    run = start("relayload", "calibrate", "--rate", "0")
    assert run.wait() == 2
    assert "--rate" in run.output


@pytest.mark.parametrize(("number", "code", "name"), [(signal.SIGINT, 130, "Ctrl-C"), (signal.SIGTERM, 143, "SIGTERM")])
def test_a_signal_ends_it_with_the_trial_that_goes_on(
    start: Start, tmp_path: Path, number: signal.Signals, code: int, name: str
) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    run = start("relayload", "calibrate", "--seconds", "600", TMPDIR=str(temporary))
    wait_for(lambda: list(temporary.glob("*/trial-1/progress.json")))
    run.signal(number)
    assert run.wait() == code, run.output
    assert f"ending the load; what is in flight may take 5s, and a second {name} does not wait\n" in run.output
    assert run.output.endswith(f"\n{name} ended the calibration\n")
    assert run.output.count("trying") == 1
    assert list(temporary.iterdir()) == []
