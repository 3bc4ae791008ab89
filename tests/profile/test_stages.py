import pytest

from relayload.core.traffic.stages import Stage
from relayload.profile.loads import OpenLoad
from relayload.profile.plan import plan, stages
from relayload.profile.stages import expected_arrivals

WRITTEN = "stages:\n    - {for: 10s, rate: 5/s}"


@pytest.fixture
def expand(read, good):
    """The plain stages that those of a profile stand for."""

    def expand(written: str) -> tuple[Stage, ...]:
        return stages(read(good.replace(WRITTEN, f"stages: {written}")))

    return expand


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("[{for: 10s, rate: 2/s, to: 4/s}]", [Stage("stage-1", 10.0, 2.0, 4.0)]),
        (
            "[{name: up, for: 30s, rate: 10/s, to: 30/s, steps: 3}]",
            [Stage("up.1", 10.0, 10.0), Stage("up.2", 10.0, 20.0), Stage("up.3", 10.0, 30.0)],
        ),
        (
            "[{for: 4s, rate: 5/s, to: 0/s, steps: 2, warmup: true}, {for: 1s, rate: 1/s}]",
            [
                Stage("stage-1.1", 2.0, 5.0, warmup=True),
                Stage("stage-1.2", 2.0, 0.0, warmup=True),
                Stage("stage-2", 1.0, 1.0),
            ],
        ),
        (
            "[{for: 1s, rate: 1/s}, {pause: 30s}, {for: 1s, rate: 2/s, cooldown: true}]",
            [Stage("stage-1", 1.0, 1.0), Stage("pause-2", 30.0, pause=True), Stage("stage-3", 1.0, 2.0, cooldown=True)],
        ),
        (
            "[{for: 9s, rate: 1/s}, {repeat: 2, stages: [{for: 1s, rate: 9/s}, {name: rest, pause: 5s}]}]",
            [
                Stage("stage-1", 9.0, 1.0),
                Stage("stage-2", 1.0, 9.0),
                Stage("rest", 5.0, pause=True),
                Stage("stage-2", 1.0, 9.0),
                Stage("rest", 5.0, pause=True),
            ],
        ),
        (
            "[{repeat: 2, stages: [{name: saw, for: 2s, rate: 1/s, to: 3/s, steps: 2}]}, {for: 1s, rate: 1/s}]",
            [*[Stage("saw.1", 1.0, 1.0), Stage("saw.2", 1.0, 3.0)] * 2, Stage("stage-2", 1.0, 1.0)],
        ),
    ],
)
def test_stages_stand_for_plain_ones(expand, written, expected):
    assert list(expand(written)) == expected


@pytest.mark.parametrize(
    ("stages", "expected"),
    [
        (
            "[{for: 1s, rate: 1/s, steps: 3}]",
            ["p.yaml:4:33: load.stages.0.steps: lead from one rate to another: write to:, too"],
        ),
        (
            "[{for: 1s, rate: 1/s, to: 2/s, steps: 1}]",
            ["p.yaml:4:49: load.stages.0.steps: expected greater than or equal to 2, got '1'"],
        ),
        (
            "[{for: 1s, rate: 1/s, warmup: true, cooldown: true}, {for: 1s, rate: 1/s}]",
            ["p.yaml:4:47: load.stages.0.cooldown: is a warm-up already: leave out one of them"],
        ),
        (
            "[{for: 1s, rate: 1/s, cooldown: true}, {pause: 5s}]",
            ["p.yaml:4:11: load.stages: all are warm-ups, cool-downs or pauses: nothing would be measured"],
        ),
        (
            "[{pause: 5s, rate: 1/s}, {for: 1s, rate: 1/s}]",
            ["p.yaml:4:24: load.stages.0.rate: unknown key; known: name, pause"],
        ),
        (
            "[{repeat: 1, stages: [{for: 1s, rate: 1/s}]}]",
            ["p.yaml:4:21: load.stages.0.repeat: expected greater than or equal to 2, got '1'"],
        ),
        (
            "[{repeat: 2, stages: [{for: 1s}, {for: 1s, rate: 1}]}]",
            [
                "p.yaml:4:33: load.stages.0.stages.0.rate: is required, such as '5/s' or '300/min'",
                "p.yaml:4:60: load.stages.0.stages.1.rate: expected a rate such as '5/s' or '300/min', got '1'",
            ],
        ),
        (
            "[{name: a, for: 1s, rate: 1/s}, {repeat: 2, stages: [{name: a, for: 1s, rate: 1/s}]}]",
            ["p.yaml:4:71: load.stages.1.stages.0.name: 'a' is the name of an earlier stage too"],
        ),
        (
            "[{repeat: 2, stages: []}, {for: 1s, rate: 1/s}]",
            ["p.yaml:4:32: load.stages.0.stages: expected at least one value"],
        ),
    ],
)
def test_stages_that_contradict_themselves_are_faults(faults, good, stages, expected):
    assert faults(good.replace(WRITTEN, f"stages: {stages}")) == expected


def test_repeats_are_not_repeated(faults, good):
    nested = "[{repeat: 2, stages: [{repeat: 2, stages: [{for: 1s, rate: 1/s}]}]}]"
    assert faults(good.replace(WRITTEN, f"stages: {nested}")) == [
        "p.yaml:4:33: load.stages.0.stages.0: a repeat within a repeat: write its stages out"
    ]


def test_objectives_name_a_step_or_all_rounds_of_a_stage(read, good):
    written = (
        "[{name: up, for: 2s, rate: 1/s, to: 2/s, steps: 2}, {repeat: 3, stages: [{name: top, for: 1s, rate: 9/s}]}]"
    )
    objectives = "objectives: ['ttft{stage=up.2}.p50 < 1s', 'ttft{stage=top}.p50 < 1s']\n"
    assert len(read(good.replace(WRITTEN, f"stages: {written}") + objectives).objectives) == 2


def test_the_plan_tells_the_rounds_of_a_stage_together(read, good):
    written = "[{repeat: 3, stages: [{name: top, for: 2s, rate: 5/s}, {name: rest, pause: 4s}]}, {for: 5s, rate: 1/s}]"
    planned = plan(read(good.replace(WRITTEN, f"stages: {written}"), "load.arrivals=constant"))
    told = [(stage.name, stage.for_s, stage.times, stage.volume and stage.volume.arrivals) for stage in planned.stages]
    assert told == [("top", 2.0, 3, 30), ("rest", 4.0, 3, 0), ("stage-3", 5.0, 1, 5)]
    assert planned.last_at_s == 22.0


@pytest.mark.parametrize(
    ("stages", "expected"),
    [
        ([], 0),
        ([{"for": "10s", "rate": "5/s"}], 50),
        ([{"for": "10s", "rate": "0/s", "to": "10/s"}, {"pause": "1h"}], 50),
        ([{"for": "1m", "rate": "60/min", "to": "3/s", "steps": 3}], 120),
        (
            [{"repeat": 3, "stages": [{"for": "10s", "rate": "5/s"}, {"pause": "5s"}]}, {"for": "1s", "rate": "1/s"}],
            151,
        ),
    ],
    ids=str,
)
def test_arrivals_are_expected_by_the_areas_under_the_rates(stages, expected):
    load = OpenLoad.model_validate({"kind": "open", "stages": stages})
    assert expected_arrivals(load.stages) == pytest.approx(expected)
