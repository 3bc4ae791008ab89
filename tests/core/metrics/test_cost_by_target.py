from decimal import Decimal

import msgspec
import pytest

from relayload.core.metrics.cost import paid
from relayload.core.metrics.fold import account
from relayload.core.metrics.summarize import summarize
from relayload.core.metrics.summary import Summary
from relayload.core.model.record import Outcome
from relayload.core.model.run import TargetInfo
from relayload.core.price import Price

TARGETS = {
    "direct": TargetInfo(base_url="http://a/v1", prices={"o3": Price(input=Decimal(15), output=Decimal(60))}),
    "alike": TargetInfo(base_url="http://b/v1", prices={"o3": Price(input=Decimal(3), output=Decimal(6))}),
}
M = 1_000_000


@pytest.fixture
def run(make_run):
    return make_run(targets=TARGETS, paired=True)


def test_each_target_is_paid_by_its_own_prices(request_line, folded, run):
    lines = [request_line(0, target=name, input_tokens=M, output_tokens=M) for name in TARGETS]
    cost = paid(folded(lines).by_tags, run)
    assert (cost.usd, cost.by_model, cost.wasted_usd) == (84, {"o3": 84}, 0)


def test_what_one_target_wasted_or_estimated_counts_for_all(request_line, folded, run):
    lines = [
        request_line(0, target="direct", input_tokens=M, output_tokens=0, outcome=Outcome.BROKEN_STREAM),
        request_line(0, target="alike", input_tokens=M, output_tokens=0),
        request_line(1, target="alike", input_tokens=None, output_tokens=None),
    ]
    cost = paid(folded(lines).by_tags, run)
    assert (cost.usd, cost.wasted_usd, cost.estimated_usd) == (21, 15, 3)


def test_a_model_that_only_one_target_prices_is_unknown_there(request_line, folded, make_run):
    run = make_run(targets={**TARGETS, "alike": TargetInfo(base_url="http://b/v1")})
    cost = paid(folded([request_line(0, target=name) for name in TARGETS]).by_tags, run)
    assert (cost.usd, cost.unpriced) == (None, ("alike/o3",))


def test_a_target_has_its_own_metrics_tokens_and_cost_in_the_order_of_the_profile(request_line, drop_line, folded, run):
    lines = [
        request_line(0, target="direct", service_s=1.0, input_tokens=M),
        request_line(1, target="direct", outcome=Outcome.TIMED_OUT),
        request_line(0, target="alike", service_s=2.0, input_tokens=M),
        drop_line(1, target="alike"),
    ]
    summary = summarize(folded(lines), run)
    direct, alike = summary.by_target.values()
    assert list(summary.by_target) == ["direct", "alike"]
    assert (direct.started, direct.ok, direct.dropped, direct.tokens.input) == (2, 1, 0, M)
    assert (alike.started, alike.ok, alike.dropped, alike.tokens.output) == (1, 1, 1, 10)
    assert direct.metrics.service is not None
    assert direct.metrics.service.max == 1.0
    assert (direct.cost.usd, alike.cost.usd) == (Decimal("15.0006"), Decimal("3.00006"))
    assert summary.by_model["o3"].started == 3


def test_one_target_has_no_table_of_its_own(request_line, folded, make_run):
    assert summarize(folded([request_line(0)]), make_run()).by_target == {}


def test_the_tables_of_targets_survive_json(request_line, folded, run):
    summary = summarize(folded([request_line(0, target=name) for name in TARGETS]), run)
    assert msgspec.json.decode(msgspec.json.encode(summary), type=Summary) == summary


def test_an_arrival_that_goes_to_each_target_is_as_many_requests(request_line, drop_line, folded, run):
    lines = [request_line(index, target=name) for index in (0, 2) for name in TARGETS]
    lines += [request_line(1, target="direct"), drop_line(3, target="alike")]
    counted = account(folded(lines), msgspec.structs.replace(run, offered=8))
    assert (counted.offered, counted.started, counted.dropped, counted.lost, counted.faults) == (8, 5, 1, 2, ())


def test_a_request_recorded_twice_is_not_taken_for_that_of_the_other_target(request_line, folded, run):
    counted = account(folded([request_line(0, target="direct")] * 2), msgspec.structs.replace(run, offered=2))
    assert (counted.offered, counted.lost, counted.faults) == (3, 1, ("1 arrivals are recorded twice",))


def test_arrivals_shared_out_over_targets_are_one_schedule(request_line, folded, make_run):
    lines = [request_line(0, target="direct"), request_line(1, target="alike"), request_line(3, target="alike")]
    counted = account(folded(lines), make_run(targets=TARGETS, offered=5))
    assert (counted.offered, counted.lost, counted.faults) == (5, 2, ())


def test_indices_are_kept_row_by_row_where_there_are_several_targets(request_line, folded):
    lines = [request_line(7, target="direct"), request_line(7, target="direct", turn=1), request_line(9)]
    one, other = folded(lines[:1]), folded(lines[1:])
    one.merge(other)
    by_tags = {key.plan_tags.target: tagged for key, tagged in one.by_tags.items()}
    assert list(by_tags["direct"].indices) == [7, -1]
    assert not by_tags[None].indices
