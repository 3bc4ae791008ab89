import pytest

from relayload.core.traffic.process import CONSTANT, POISSON, Bursts, Process, Spacing
from relayload.profile.arrivals import process
from relayload.profile.plan import arrivals


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("constant", CONSTANT),
        ("poisson", POISSON),
        ("{gamma: {cv: 2}}", Process(Spacing.GAMMA, 2.0)),
        ("{bursts: {on: 5s, off: 10s}}", Process(Spacing.POISSON, bursts=Bursts(5.0, 10.0))),
        (
            "{bursts: {on: 5s, off: 10s, lengths: exponential, within: constant}}",
            Process(Spacing.CONSTANT, bursts=Bursts(5.0, 10.0, exponential=True)),
        ),
        (
            "{bursts: {on: 1s, off: 100ms, within: {gamma: {cv: 0.5}}}}",
            Process(Spacing.GAMMA, 0.5, Bursts(1.0, 0.1)),
        ),
    ],
)
def test_arrivals_are_spaced_as_they_are_written(read, good, written, expected):
    assert process(read(good, f"load.arrivals={written}").load.arrivals) == expected


def test_poisson_is_what_is_not_written(read, good):
    assert process(read(good).load.arrivals) == POISSON


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (
            "constnat",
            "arrivals: unknown arrivals 'constnat'; did you mean 'constant'?",
        ),
        ("{gamma: {}}", "arrivals.gamma.cv: is required"),
        ("{gamma: {cv: 0}}", "arrivals.gamma.cv: expected greater than or equal to 0.01, got '0'"),
        ("{gamma: 2}", "arrivals.gamma: expected a mapping, got '2'"),
        ("{bursts: {on: 5s}}", "arrivals.bursts.off: is required"),
        (
            "{bursts: {on: 5, off: 1s}}",
            "arrivals.bursts.on: expected a duration such as '800ms', '30s' or '1h30m', got '5'",
        ),
        ("{bursts: {on: 1ms, off: 1s}}", "arrivals.bursts.on: expected greater than or equal to 0.01, got '1ms'"),
        (
            "{bursts: {on: 1s, off: 1s, lengths: fix}}",
            "arrivals.bursts.lengths: expected 'fixed' or 'exponential', got 'fix'; did you mean 'fixed'?",
        ),
        (
            "{bursts: {on: 1s, off: 1s, within: poison}}",
            "arrivals.bursts.within: unknown arrivals 'poison'; did you mean 'poisson'?",
        ),
        (
            "{bursts: {on: 1s, off: 1s, rate: 5/s}}",
            "arrivals.bursts.rate: unknown key; known: lengths, off, on, within",
        ),
    ],
)
def test_faults_of_arrivals_say_what_to_write(faults, good, written, expected):
    text = good.replace("kind: open", f"kind: open\n  arrivals: {written}")
    (told,) = faults(text)
    assert told.split(": ", 1)[1].removeprefix("load.") == expected


def test_bursts_and_gamma_need_rates_and_prompts_as_every_load_without_a_trace(faults, good):
    text = good.replace(", rate: 5/s", "").replace(", prompt: simple", "")
    told = faults(text.replace("kind: open", "kind: open\n  arrivals: {gamma: {cv: 2}}"))
    assert [fault.split(": ")[1] for fault in told] == ["load.stages.0.rate", "scenarios.simple.prompt"]


@pytest.mark.parametrize(
    "process", ["poisson", "{gamma: {cv: 2}}", "{bursts: {on: 1s, off: 1s, lengths: exponential}}"]
)
def test_prompts_and_scenarios_do_not_change_when_arrivals_come(read, good, process):
    other = good.replace("{model: o3, prompt: simple}", "{model: gpt-4o, prompt: code, weight: 2}")
    other += "  rare: {model: o3, input_tokens: 50}\n"
    one, changed = (
        [arrival.intended_at_s for arrival in arrivals(read(text, f"load.arrivals={process}"))]
        for text in (good, other)
    )
    assert one == changed
    assert len(one) > 20
