import pytest

from relayload import clock
from relayload.engine.run_clock import RunClock


@pytest.fixture
def now(monkeypatch):
    """Sets this process's clock."""

    def at(now_s: float) -> None:
        monkeypatch.setattr(clock, "now_s", lambda: now_s)

    return at


def test_on_the_masters_host_the_run_begins_at_the_very_instant(now) -> None:
    now(103.0)
    alone = RunClock(100.0)
    assert (alone.begins_at_s, alone.elapsed_s(), alone.error_s) == (100.0, 3.0, 0.0)


def test_a_clock_behind_the_masters_begins_at_an_earlier_number(now) -> None:
    now(10.0)
    remote = RunClock(86_412.0, 86_400.0, 0.002)
    assert (remote.begins_at_s, remote.elapsed_s(), remote.error_s) == (12.0, -2.0, 0.002)


def test_before_the_run_a_better_estimate_is_taken_whole_and_a_worse_error_forgotten(now) -> None:
    now(10.0)
    remote = RunClock(112.0, 100.0, 0.080)
    remote.correct(99.95, 0.001)
    assert remote.begins_at_s == pytest.approx(12.05)
    assert remote.error_s == 0.001


def test_during_the_run_it_is_approached_gently_and_the_worst_error_kept(now) -> None:
    now(20.0)
    remote = RunClock(112.0, 100.0, 0.010)
    remote.correct(100.0035, 0.001)
    assert remote.begins_at_s == pytest.approx(12.0 - 0.001)
    assert remote.error_s == 0.010
    for _ in range(5):
        remote.correct(100.0035, 0.001)
    assert remote.offset_s == pytest.approx(100.0035)
    assert remote.begins_at_s == pytest.approx(12.0 - 0.0035)
    remote.correct(99.9, 0.001)
    assert remote.begins_at_s == pytest.approx(12.0 - 0.0025)
    assert remote.error_s == pytest.approx(0.1035 + 0.001)
