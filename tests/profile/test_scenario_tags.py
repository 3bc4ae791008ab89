import pytest

from relayload.core.model.amounts import MOST_TAG_VALUES, MOST_TAGS
from relayload.profile.forecast import forecast

TWO = "{simple: {model: o3, prompt: simple, weight: 3, tags: {team: web}}, code: {model: o3, prompt: code}}"


@pytest.fixture
def tagged(good):
    return good[: good.index("scenarios:")] + f"scenarios: {TWO}\n"


def test_an_objective_names_a_tag_of_scenarios(read, tagged):
    profile = read(tagged + "objectives: ['errors{team=web}.rate < 50%', 'errors{team!=web}.rate < 50%']\n")
    assert profile.scenario_tags == {"simple": {"team": "web"}}
    assert [str(objective.tags[0]) for objective in profile.objectives] == ["team=web", "team!=web"]
    has, has_not = (found.samples or 0 for found in forecast(profile).objectives)
    assert has + has_not == pytest.approx(51, abs=1)
    assert has > 2 * has_not


def test_an_objective_of_a_scenario_may_name_a_tag(read, tagged):
    text = tagged.replace("tags: {team: web}", "tags: {team: web}, objectives: ['errors{team=web}.rate < 50%']")
    (objective,) = read(text).objectives
    assert objective.text == "errors{scenario=simple, team=web}.rate < 50%"


@pytest.mark.parametrize(
    ("objective", "message"),
    [
        ("errors{taem=web}.rate < 50%", "unknown tag of errors 'taem': did you mean 'team'?"),
        ("errors{team=wbe}.rate < 50%", "unknown team 'wbe': did you mean 'web'?"),
        ("errors{scenrio=simple}.rate < 50%", "unknown tag of errors 'scenrio': did you mean 'scenario'?"),
        ("breaker{team=web}.trips == 0", "unknown tag of breaker 'team': expected one of scope, target"),
    ],
)
def test_a_tag_that_no_scenario_has_is_told_with_the_nearest(faults, tagged, objective, message):
    (fault,) = faults(f"{tagged}objectives: ['{objective}']\n")
    assert fault == f"p.yaml:7:14: objectives.0 (1st objective): {message}"


def test_a_cost_is_asked_of_the_models_of_a_tag_alone(read, tagged):
    text = (
        tagged.replace("code: {model: o3", "code: {model: unpriced")
        + "target: {prices: {o3: {input: $1, output: $1}}}\n"
    )
    assert read(text + "objectives: ['cost{team=web}.usd < $1']\n").objectives


@pytest.mark.parametrize(
    ("tags", "message"),
    [
        ("{Team: web}", "expected a name of a-z, 0-9 and '_' that begins with a letter, got 'Team'"),
        ("{stage: web}", "'stage' has a meaning of its own in objectives or exports: choose another name"),
        ("{key: web}", "'key' has a meaning of its own"),
        ("{ttft: web}", "'ttft' has a meaning of its own"),
        ("{quantile: web}", "'quantile' has a meaning of its own"),
        ("{team: 'a b'}", "expected a text of up to 60 characters"),
        ("{team: 'a,b'}", "expected a text of up to 60 characters"),
        ("{team: 'a}'}", "expected a text of up to 60 characters"),
        ("{team: 7}", "expected a text of up to 60 characters"),
        ("{team: ''}", "expected a text of up to 60 characters"),
    ],
)
def test_tags_that_no_objective_could_name_are_faults(faults, tagged, tags, message):
    (fault,) = faults(tagged.replace("{team: web}", tags))
    assert message in fault
    assert "scenarios.simple.tags" in fault


@pytest.mark.parametrize("value", ["web", "o3-mini", "gpt-4.1", "team/a:b", "äöü", "50%"])
def test_what_a_value_may_be_an_objective_can_name(read, tagged, value):
    text = tagged.replace("team: web", f"team: '{value}'")
    assert read(f"{text}objectives: ['errors{{team={value}}}.rate < 50%']\n").objectives


def test_no_more_tags_than_can_have_tables_of_their_own(faults, good):
    many = {f"t{number}": "x" for number in range(MOST_TAGS + 1)}
    (fault,) = faults(good.replace("prompt: simple", f"prompt: simple, tags: {many}"))
    expected = f"expected at most {MOST_TAGS} tags, since every value has tables, and series in exports, of its own"
    assert fault.endswith(f"scenarios: {expected}, got {MOST_TAGS + 1}")
    scenarios = {
        f"s{number}": {"model": "o3", "prompt": "simple", "tags": {"t": f"v{number}"}}
        for number in range(MOST_TAG_VALUES + 1)
    }
    (fault,) = faults(good[: good.index("scenarios:")] + f"scenarios: {scenarios}\n")
    assert f"expected at most {MOST_TAG_VALUES} values of tags, since" in fault
