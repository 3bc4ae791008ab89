from decimal import Decimal

import pytest
from live import LiveRun

from relayload.core.metrics.summarize import summarize
from relayload.core.model.record import Outcome
from relayload.core.model.tags import values_of
from relayload.core.objectives.evaluate import judge_objective
from relayload.core.objectives.grammar import meant, parse
from relayload.core.objectives.indicators import Indicators
from relayload.core.objectives.scenario_tags import on_scenarios
from relayload.core.price import Price

TAGS = {"chat": {"team": "web", "tier": "gold"}, "code": {"team": "ide"}, "mail": {"team": "web"}}


def test_the_values_of_a_tag_are_in_the_order_of_the_scenarios():
    assert values_of(TAGS) == {"team": ["web", "ide"], "tier": ["gold"]}


@pytest.mark.parametrize(
    ("text", "scenarios"),
    [
        ("ttft{team=web}.p99 < 1s", {"chat", "mail"}),
        ("ttft{team!=web}.p99 < 1s", {"code", "plain"}),
        ("ttft{team=web, tier!=gold}.p99 < 1s", {"mail"}),
        ("ttft{team=web, scenario!=mail}.p99 < 1s", {"chat"}),
        ("ttft{tier=gold}.p99 < 1s", {"chat"}),
    ],
)
def test_an_objective_on_a_tag_is_one_on_the_scenarios_that_have_it(text, scenarios):
    objective = on_scenarios(parse(text), TAGS)
    admitted = {
        name
        for name in ("chat", "code", "mail", "plain")
        if all(tag.admits(name) for tag in objective.tagged("scenario"))
    }
    assert admitted == scenarios
    assert objective.text == text
    assert [str(tag) for tag in objective.tags] == [str(tag) for tag in parse(text).tags]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("ttft{taem=web}.p99 < 1s", "unknown tag of ttft 'taem': did you mean 'team'?"),
        ("ttft{scenrio=a}.p99 < 1s", "unknown tag of ttft 'scenrio': did you mean 'scenario'?"),
        ("errors{team=wbe}.rate < 1%", "unknown team 'wbe': did you mean 'web'?"),
        ("errors{tier=x}.rate < 1%", "unknown tier 'x': expected one of gold"),
        (
            "cost{zzz=x}.usd < $1",
            "unknown tag of cost 'zzz': expected one of scenario, model, stage, target, key, team, tier",
        ),
    ],
)
def test_a_tag_or_a_value_that_no_scenario_has_is_a_fault(text, message):
    with pytest.raises(ValueError, match="unknown") as caught:
        on_scenarios(parse(text), TAGS)
    assert str(caught.value) == message


def test_what_is_not_told_by_scenario_has_no_free_tags():
    with pytest.raises(ValueError, match="unknown tag of breaker 'team': expected one of scope, target"):
        parse("breaker{team=web}.trips == 0")
    assert meant("http_req_duration{group:main}: p(95)<500") is None, "no suggestion has an unknown tag"


@pytest.fixture
def run(make_run):
    return make_run(tags=TAGS, prices={"o3": Price(input=Decimal(2), output=Decimal(8))})


@pytest.fixture
def lines(request_line):
    return [
        request_line(0, scenario="chat", service_s=1.0, input_tokens=1_000_000, output_tokens=0),
        request_line(1, scenario="chat", outcome=Outcome.TIMED_OUT),
        request_line(2, scenario="code", service_s=2.0),
        request_line(3, scenario="mail", service_s=3.0),
        request_line(4, scenario="plain", outcome=Outcome.TIMED_OUT),
    ]


@pytest.mark.parametrize(
    ("text", "observed"),
    [
        ("errors{team=web}.count < 9", 1),
        ("errors{team!=web}.count < 9", 1),
        ("requests{team=web}.count > 0", 3),
        ("latency{tier=gold, outcome=ok}.max < 9s", 1.001),
        ("cost{tier=gold}.usd < $9", 2.0),
    ],
)
def test_the_gate_and_a_run_that_goes_on_count_the_requests_of_a_tag(text, observed, lines, run, indicators):
    objective = on_scenarios(parse(text), TAGS)
    assert judge_objective(objective, indicators([objective], lines, run)).observed == pytest.approx(observed)
    live = LiveRun([objective], run)
    live.add(lines)
    assert judge_objective(objective, Indicators(live.so_far, run, 0)).observed == pytest.approx(observed, rel=0.01)


def test_each_value_of_a_tag_has_a_table(lines, folded, run):
    by_tag = summarize(folded(lines), run).by_tag
    assert {tag: {value: group.started for value, group in groups.items()} for tag, groups in by_tag.items()} == {
        "team": {"web": 3, "ide": 1},
        "tier": {"gold": 2},
    }
    gold = by_tag["tier"]["gold"]
    assert (gold.ok, gold.failed, gold.tokens.input, gold.cost.usd) == (1, 1, 1_000_000, 2)
    assert by_tag["team"]["web"].metrics.service is not None
    assert by_tag["team"]["web"].metrics.service.max == 3.0
