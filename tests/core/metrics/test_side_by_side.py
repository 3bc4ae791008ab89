from decimal import Decimal
from random import Random

import msgspec
import pytest
from support import present

from relayload.core.metrics.side_by_side import side_by_side
from relayload.core.metrics.summarize import summarize
from relayload.core.metrics.summary import Summary
from relayload.core.model.record import Outcome
from relayload.core.model.run import TargetInfo
from relayload.core.price import Price


def _target(input_usd: int) -> TargetInfo:
    return TargetInfo(base_url="http://a/v1", prices={"o3": Price(input=Decimal(input_usd), output=Decimal(0))})


@pytest.fixture
def run(make_run):
    return make_run(targets={"direct": _target(10), "relay": _target(3)}, paired=True)


@pytest.fixture
def pairs(request_line):
    """A hundred: 200 to 299 ms directly, and 50 ms more by the relay, whose first token comes 20 ms later."""

    def lines(count: int = 100, **relay):
        return [
            line
            for index in range(count)
            for after_s in [index * 37 % 100 / 1000]
            for line in (
                request_line(index, target="direct", service_s=0.2 + after_s, late_s=0.0),
                request_line(index, target="relay", service_s=0.25 + after_s, late_s=0.0, **({"ttft_s": 0.12} | relay)),
            )
        ]

    return lines


def test_what_a_target_adds_is_told_at_each_percentile_of_the_pairs(pairs, folded, run):
    found = present(side_by_side(folded(pairs()), run))
    assert (found.base, [beside.target for beside in found.targets]) == ("direct", ["relay"])
    (relay,) = found.targets
    assert relay.pairs == 100
    assert [(at.p, at.base, at.new) for at in relay.latency] == [
        (50.0, pytest.approx(0.249), pytest.approx(0.299)),
        (95.0, pytest.approx(0.294), pytest.approx(0.344)),
        (99.0, pytest.approx(0.298), pytest.approx(0.348)),
    ]
    for percentiles, added_s in ((relay.latency, 0.05), (relay.ttft, 0.02)):
        assert [at.added for at in percentiles] == pytest.approx([added_s] * 3)
        assert added_s - 0.01 < present(percentiles[0].low) <= percentiles[0].added <= present(percentiles[0].high)
        assert present(percentiles[0].high) < added_s + 0.01
        assert (percentiles[2].low, percentiles[2].high) == (None, None)  # one pair beyond the p99 tells nothing
        assert [at.pairs_needed for at in percentiles] == [None, None, 368]


def test_pairs_are_found_in_whatever_order_they_were_recorded(pairs, folded, run):
    lines = pairs()
    shuffled = Random(1).sample(lines, len(lines))
    assert side_by_side(folded(shuffled), run) == side_by_side(folded(lines), run)


def test_an_arrival_that_was_recorded_twice_is_one_pair(pairs, folded, run):
    lines = pairs()
    (relay,) = present(side_by_side(folded([*lines, lines[0]]), run)).targets
    assert (relay.pairs, relay.ok_here_only, relay.ok_there_only) == (100, 0, 1)


def test_what_is_saved_is_of_the_whole_run(pairs, folded, run):
    found = present(side_by_side(folded(pairs(input_tokens=20)), run))
    (relay,) = found.targets
    assert (found.base_usd, relay.usd) == (Decimal("0.02"), Decimal("0.006"))
    assert (relay.saved_usd, relay.saved_share) == (Decimal("0.014"), Decimal("0.7"))


def test_only_what_both_answered_in_measured_stages_is_compared(request_line, folded, run):
    lines = [
        request_line(0, target="direct"),
        request_line(0, target="relay", outcome=Outcome.SERVER_ERROR),
        request_line(1, target="direct", outcome=Outcome.TIMED_OUT),
        request_line(1, target="relay"),
        request_line(2, target="direct"),
        *(request_line(3, target=name, measured=False, stage="warm") for name in run.targets),
        *(request_line(4, target=name) for name in run.targets),
        *(request_line(4, target=name, turn=1) for name in run.targets),
    ]
    (relay,) = present(side_by_side(folded(lines), run)).targets
    assert (relay.pairs, relay.ok_here_only, relay.ok_there_only) == (1, 1, 2)
    assert relay.latency[0].low is None


def test_answers_without_a_first_token_are_left_out_of_its_comparison(pairs, folded, run):
    (relay,) = present(side_by_side(folded(pairs(ttft_s=None)), run)).targets
    assert (relay.ttft, len(relay.latency)) == ((), 3)


def test_without_prices_there_is_no_cost(pairs, folded, make_run):
    free = TargetInfo(base_url="http://a/v1")
    found = present(side_by_side(folded(pairs()), make_run(targets={"direct": free, "relay": free}, paired=True)))
    assert (found.base_usd, found.targets[0].usd, found.targets[0].saved_usd) == (None, None, None)


def test_pairs_that_were_recorded_by_several_workers_are_found(pairs, folded, run):
    lines = pairs()
    one, other = folded(lines[:61]), folded(lines[61:])
    one.merge(other)
    assert side_by_side(one, run) == side_by_side(folded(lines), run)


def test_each_target_is_compared_with_the_first(request_line, folded, make_run):
    run = make_run(targets=dict.fromkeys("abc", _target(1)), paired=True)
    lines = [request_line(0, target=name, service_s=place + 1.0) for place, name in enumerate("abc")]
    found = present(side_by_side(folded(lines), run))
    assert [(beside.target, beside.latency[0].added) for beside in found.targets] == [("b", 1.0), ("c", 2.0)]


def test_where_arrivals_went_to_one_target_each_there_are_no_pairs(pairs, folded, run, make_run):
    assert side_by_side(folded(pairs()), msgspec.structs.replace(run, paired=False)) is None
    assert summarize(folded(pairs()), make_run()).comparison is None


def test_a_summary_keeps_the_comparison(pairs, folded, run):
    summary = summarize(folded(pairs()), run)
    assert summary.comparison == side_by_side(folded(pairs()), run)
    assert msgspec.json.decode(msgspec.json.encode(summary), type=Summary) == summary
