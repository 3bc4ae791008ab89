import pytest

from relayload.core.model.run import ProfileInfo, RunInfo, StageInfo

STAGES = (
    StageInfo(name="warm", for_s=5.0, warmup=True),
    StageInfo(name="top", for_s=2.0),
    StageInfo(name="rest", for_s=3.0),
    StageInfo(name="top", for_s=2.0),
    StageInfo(name="rest", for_s=3.0),
)


def run_of(stages: tuple[StageInfo, ...] = STAGES) -> RunInfo:
    return RunInfo(
        run_id="r",
        profile=ProfileInfo(name="p", sha256=""),
        started_at="2026-01-01T00:00:00Z",
        load_kind="open",
        stages=stages,
        workers=1,
        base_url="http://127.0.0.1",
    )


@pytest.mark.parametrize(
    ("until_s", "top_s", "rest_s"),
    [(100.0, 4.0, 6.0), (15.0, 4.0, 6.0), (11.0, 3.0, 3.0), (6.0, 1.0, 0.0), (2.0, 0, 0)],
)
def test_a_stage_lasts_as_long_as_all_its_rounds_that_were_reached(until_s: float, top_s: float, rest_s: float) -> None:
    run = run_of()
    assert (run.stage_s("top", until_s), run.stage_s("rest", until_s)) == (top_s, rest_s)
    assert run.measured_s(until_s) == top_s + rest_s


def test_a_stage_without_end_lasts_until_the_load_ended() -> None:
    assert run_of((StageInfo(name="trace", for_s=None),)).measured_s(7.5) == 7.5
