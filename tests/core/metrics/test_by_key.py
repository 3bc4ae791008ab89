"""Requests that went with several keys: each key has a table of its own, and objectives may name one."""

from decimal import Decimal

import pytest
from live import LiveRun

from relayload.core.metrics.summarize import summarize
from relayload.core.model.record import Outcome
from relayload.core.model.run import TargetInfo
from relayload.core.objectives.evaluate import judge_objective
from relayload.core.objectives.grammar import parse
from relayload.core.objectives.indicators import Indicators
from relayload.core.price import Price

M = 1_000_000
PRICE = {"o3": Price(input=Decimal(2), output=Decimal(8))}


@pytest.fixture
def run(make_run):
    return make_run(keys=("quiet", "bursts"), prices=PRICE)


@pytest.fixture
def lines(request_line, drop_line):
    return [
        request_line(0, key="bursts", service_s=2.0, input_tokens=M, output_tokens=0),
        request_line(1, key="bursts", outcome=Outcome.RATE_LIMITED, status=429),
        request_line(2, key="quiet", service_s=1.0, input_tokens=2 * M, output_tokens=0),
        drop_line(3, key="quiet"),
    ]


def test_a_key_has_its_own_counts_metrics_tokens_and_cost_in_the_order_of_the_profile(lines, folded, run):
    summary = summarize(folded(lines), run)
    assert list(summary.by_key) == ["quiet", "bursts"]
    quiet, bursts = summary.by_key.values()
    assert (quiet.started, quiet.ok, quiet.dropped, quiet.failed, quiet.tokens.input) == (1, 1, 1, 0, 2 * M)
    assert (bursts.started, bursts.ok, bursts.dropped, bursts.failed, bursts.tokens.input) == (2, 1, 0, 1, M)
    assert (quiet.cost.usd, bursts.cost.usd, summary.cost.usd) == (4, 2, 6)
    assert quiet.metrics.service is not None
    assert quiet.metrics.service.max == 1.0


def test_a_key_is_paid_by_the_prices_of_each_target(request_line, folded, make_run):
    targets = {
        "direct": TargetInfo(base_url="http://a/v1", prices={"o3": Price(input=Decimal(15), output=Decimal(60))}),
        "relay": TargetInfo(base_url="http://b/v1", prices=PRICE),
    }
    lines = [request_line(n, target=name, key="a", input_tokens=M, output_tokens=0) for n, name in enumerate(targets)]
    lines.append(request_line(2, target="relay", key="b", input_tokens=M, output_tokens=0))
    summary = summarize(folded(lines), make_run(targets=targets, keys=("a", "b")))
    assert {name: group.cost.usd for name, group in summary.by_key.items()} == {"a": 17, "b": 2}


def test_there_is_no_table_of_a_key_without_a_name(request_line, folded, make_run):
    assert summarize(folded([request_line(0)]), make_run()).by_key == {}


@pytest.mark.parametrize(
    ("objective", "observed"),
    [
        ("errors{key=bursts}.count < 9", 1),
        ("errors{key=quiet}.count < 9", 0),  # nor does the one that was dropped fail
        ("errors{key!=quiet, kind=429}.count < 9", 1),
        ("requests{key=quiet}.count > 0", 1),
        ("latency{key=bursts, outcome=ok}.max < 9s", 2.001),
        ("cost{key=bursts}.usd < $9", 2.0),
    ],
)
def test_an_objective_counts_the_requests_of_its_key(objective, observed, lines, run, indicators):
    wanted = parse(objective)
    assert judge_objective(wanted, indicators([wanted], lines, run)).observed == pytest.approx(observed)
    live = LiveRun([wanted], run)
    live.add(lines)
    so_far = judge_objective(wanted, Indicators(live.so_far, run, 0))
    assert so_far.observed == pytest.approx(observed, rel=0.01)
