import pytest
from msgspec.structs import replace

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
    lasted_s = [sum(span.seconds for span in run.spans(until_s) if span.stage.name == name) for name in ("top", "rest")]
    assert lasted_s == [top_s, rest_s]
    assert run.measured_s(until_s) == top_s + rest_s


def test_a_stage_without_end_lasts_until_the_load_ended() -> None:
    assert run_of((StageInfo(name="trace", for_s=None),)).measured_s(7.5) == 7.5


WARM, STEADY, PAUSE, COOL = (
    StageInfo(name="warm", for_s=5.0, warmup=True),
    StageInfo(name="steady", for_s=2.0),
    StageInfo(name="pause", for_s=3.0, pause=True),
    StageInfo(name="cool", for_s=1.0, warmup=True),
)


@pytest.mark.parametrize(
    ("stages", "until_s", "spans"),
    [
        ((WARM, PAUSE, STEADY, COOL), 100.0, [(8.0, 10.0)]),
        ((STEADY, PAUSE), 100.0, [(0.0, 2.0)]),
        ((STEADY, PAUSE, PAUSE, STEADY, PAUSE, COOL), 100.0, [(0.0, 2.0), (2.0, 5.0), (5.0, 8.0), (8.0, 10.0)]),
        ((STEADY, PAUSE, STEADY), 4.0, [(0.0, 2.0), (2.0, 4.0), (4.0, 4.0)]),
        ((STEADY, PAUSE, WARM, PAUSE, STEADY), 100.0, [(0.0, 2.0), (13.0, 15.0)]),
    ],
)
def test_the_measured_span_holds_the_pauses_between_measured_stages(stages, until_s: float, spans) -> None:
    found = run_of(stages).measured_spans(until_s)
    assert [(span.begins_at_s, span.ends_at_s) for span in found] == spans


@pytest.mark.parametrize(
    ("changes", "load_s"),
    [
        ({"ended_at_s": 15.0}, 15.0),
        ({"ended_at_s": None}, 12.0),
        ({"ended_at_s": 15.0, "stages": (StageInfo(name="trace", for_s=None),)}, 12.0),
        ({"ended_at_s": 11.7, "stages": (StageInfo(name="trace", for_s=None),)}, 11.7),
        ({"ended_at_s": 15.0, "load_kind": "batch"}, 13.5),
    ],
)
def test_a_load_without_a_planned_end_ends_with_the_second_of_its_last_arrival(changes, load_s: float) -> None:
    assert replace(run_of(), **changes).load_s(last_due_at_s=11.5, last_end_s=13.5) == load_s


def test_a_batch_lasts_from_its_first_start() -> None:
    batch = replace(run_of((StageInfo(name="batch", for_s=None),)), load_kind="batch")
    assert batch.measured_s(13.5, from_s=0.5) == 13.0
