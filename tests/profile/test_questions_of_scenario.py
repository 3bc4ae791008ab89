import pytest

from relayload.profile.asked_questions import known_questions

ASKED = "questions: open, most_questions: 3"


def test_a_scenario_asks_the_first_of_its_questions_alone(read, good):
    (scenario,) = read(good.replace("prompt: simple", ASKED)).own_scenarios.values()
    asked = known_questions(scenario)
    assert [asked.of(index).question.id for index in range(4)] == ["open:0", "open:1", "open:2", "open:0"]


@pytest.mark.parametrize("default", ["nonce=true", "shared_prefix=0%", "ignore_eos=false", "language=en"])
def test_what_questions_set_may_stand_at_its_default(default: str, read, good):
    read(good.replace("prompt: simple", ASKED), f"scenarios.simple.{default}")


def test_what_questions_set_is_refused_otherwise(faults, good):
    (told,) = faults(good.replace("prompt: simple", ASKED), "scenarios.simple.nonce=false")
    assert "scenarios.simple.nonce: the questions of the audit say this: leave it out" in told


def test_a_scenario_that_is_null_is_left_out(read, good):
    profile = read(good + "  other: {model: o4, prompt: code}\n", "scenarios.simple=null")
    assert list(profile.own_scenarios) == ["other"]


def test_no_scenario_is_a_fault(faults, good):
    (told,) = faults(good, "scenarios.simple=null")
    assert "scenarios: at least one is needed" in told


def test_targets_that_are_sent_everything_may_have_a_share_of_1(read, good):
    two = "targets: {a: {share: 2, base_url: fake://direct}, b: {base_url: fake://direct}}\n"
    profile = read(good + two, "compare=randomised", "targets.a.share=1")
    assert profile.paired
