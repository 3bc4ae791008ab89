import pytest

from relayload import clock
from relayload.engine.wall_clock import WallClock

MS = 1_000_000


@pytest.mark.parametrize(("step_ns", "steps"), [(0, 0), (4 * MS, 0), (-4 * MS, 0), (6 * MS, 1), (-3_600_000 * MS, 1)])
def test_a_wall_clock_that_leaves_the_monotonic_one_was_stepped(monkeypatch, step_ns: int, steps: int) -> None:
    monkeypatch.setattr(clock, "now_s", lambda: 100.0)
    monkeypatch.setattr(clock, "wall_ns", lambda: 1_700_000_000_000 * MS)
    wall = WallClock()
    monkeypatch.setattr(clock, "now_s", lambda: 101.0)
    monkeypatch.setattr(clock, "wall_ns", lambda: 1_700_000_001_000 * MS + step_ns)
    wall.look()
    wall.look()
    assert wall.steps == steps
