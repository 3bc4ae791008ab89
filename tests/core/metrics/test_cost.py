from collections import defaultdict
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from relayload.core.metrics.cost import Cost, Waste, cost_of
from relayload.core.metrics.rows import grouped
from relayload.core.metrics.tag_slots import TagCounts, TagSlots
from relayload.core.model.record import Attempt, Outcome, Record
from relayload.core.model.tags import Tags
from relayload.core.price import Price

PRICES = {
    "o3": Price(input=Decimal(2), output=Decimal(8), cached_input=Decimal(1)),
    "o4": Price(input=Decimal(4), output=Decimal(16)),
}
K = 1000


@pytest.fixture
def cost(folded):
    def of(lines, prices=PRICES) -> Cost:
        return cost_of(folded(lines).by_tags, prices)

    return of


def test_the_cost_of_each_model_adds_up(cost, request_line):
    lines = [
        request_line(0, input_tokens=100 * K, cached_input_tokens=50 * K, output_tokens=10 * K),
        request_line(1, input_tokens=100 * K, output_tokens=10 * K, model="o4", measured=False),
    ]
    found = cost(lines)
    assert found.by_model == {"o3": Decimal("0.230000"), "o4": Decimal("0.560000")}
    assert (found.usd, found.wasted_usd, found.estimated_usd) == (Decimal("0.79"), 0, 0)


def test_retries_failed_and_cancelled_requests_are_paid_for_and_shown_apart(cost, request_line):
    told: dict[str, Any] = {"input_tokens": 100 * K, "output_tokens": 10 * K}
    broken = Attempt(outcome=Outcome.BROKEN_STREAM, **told)
    answered = request_line(0, **told)
    lines = [
        replace(answered, attempts=(broken, broken, *answered.attempts)),
        request_line(1, outcome=Outcome.BROKEN_STREAM, **told),
        request_line(2, outcome=Outcome.CANCELLED, **told),
    ]
    found = cost(lines)
    each = Decimal("0.28")
    assert found.usd == 5 * each
    assert found.waste == Waste(retries_usd=2 * each, failed_usd=each, cancelled_usd=each)
    assert found.wasted_usd == 4 * each


def test_a_refused_request_costs_nothing(cost, request_line):
    found = cost([request_line(0, outcome=Outcome.RATE_LIMITED, status=429)])
    assert (found.usd, found.by_model) == (0, {})


def test_streams_that_told_no_usage_are_taken_to_have_asked_as_much_as_the_others(cost, request_line):
    lines = [
        request_line(0, input_tokens=100 * K, output_tokens=10 * K),
        request_line(1, input_tokens=300 * K, output_tokens=10 * K),
        request_line(2, outcome=Outcome.CANCELLED, counted=True, output_tokens=5 * K),
    ]
    found = cost(lines)
    assert found.waste is not None
    assert found.waste.cancelled_usd == Decimal("0.4") + Decimal("0.04")
    assert found.estimated_usd == Decimal("0.4")


def test_streams_that_told_their_usage_do_not_stand_for_those_beside_them_that_did_not(cost, request_line):
    lines = [
        request_line(0, outcome=Outcome.CANCELLED, input_tokens=100 * K, output_tokens=5 * K),
        request_line(1, outcome=Outcome.CANCELLED, counted=True, input_tokens=None, output_tokens=5 * K),
    ]
    found = cost(lines)
    assert (found.usd, found.estimated_usd) == (2 * Decimal("0.24"), Decimal("0.2"))


def test_the_input_of_a_stream_that_told_it_is_paid_once_though_its_chunks_were_counted(cost, request_line):
    told: dict[str, Any] = {"input_tokens": 100 * K, "output_tokens": 10 * K}
    broken = Attempt(outcome=Outcome.BROKEN_STREAM, counted=True, **told)
    answered = request_line(0, **told)
    lines = [replace(answered, attempts=(broken, *answered.attempts)), request_line(1, counted=True, **told)]
    found = cost([*lines, request_line(2, input_tokens=None, output_tokens=None)])
    assert (found.usd, found.estimated_usd) == (4 * Decimal("0.28"), Decimal("0.28"))


@pytest.mark.parametrize(
    ("attempt", "usd"),
    [
        (Attempt(outcome=Outcome.CANCELLED, sent_at_s=1.0, status=200), "0.2"),
        (Attempt(outcome=Outcome.TIMED_OUT, sent_at_s=1.0), "0.2"),
        (Attempt(outcome=Outcome.BROKEN_STREAM, sent_at_s=1.0, status=200), "0.2"),
        (Attempt(outcome=Outcome.UNREACHABLE, sent_at_s=1.0, error="reset_unanswered"), "0.2"),
        (Attempt(outcome=Outcome.ABANDONED, error="run_ended"), "0.2"),
        (Attempt(outcome=Outcome.TIMED_OUT, error="total_timeout"), "0"),
        (Attempt(outcome=Outcome.UNREACHABLE, error="connect"), "0"),
        (Attempt(outcome=Outcome.RATE_LIMITED, sent_at_s=1.0, status=429), "0"),
        (Attempt(outcome=Outcome.REJECTED, sent_at_s=1.0, status=400), "0"),
        (Attempt(outcome=Outcome.SERVER_ERROR, sent_at_s=1.0, status=500), "0"),
        (Attempt(outcome=Outcome.TIMED_OUT, sent_at_s=1.0, status=503), "0"),
    ],
)
def test_what_was_sent_and_got_no_answer_is_taken_for_its_input(cost, folded, request_line, attempt, usd):
    """Whether the attempt was retried or the last; by records, and by the counts that snapshots carry."""
    answered = request_line(0, input_tokens=100 * K, output_tokens=10 * K)
    last = replace(request_line(1, outcome=attempt.outcome), attempts=(attempt,))
    retried = replace(answered, attempts=(attempt, *answered.attempts))
    for lines in ([answered, last], [retried]):
        found = cost(lines)
        assert (found.usd, found.estimated_usd, found.wasted_usd) == (
            Decimal("0.28") + Decimal(usd),
            Decimal(usd),
            Decimal(usd),
        )
        by_tags = folded(lines).by_tags
        for tagged in by_tags.values():
            tagged.condense(60.0)
        assert cost_of(by_tags, PRICES) == cost_of(_counts(lines), PRICES) == found


def _counts(lines: list[Record]) -> dict[Tags, TagCounts]:
    """The requests as snapshots count them."""
    slots, counts = TagSlots(()), defaultdict[Tags, TagCounts](TagCounts)
    for tags, rows in grouped(lines):
        slots.add(tags, rows)
    for slot in slots.changed(0.0):
        counts[slot.tags].add(slot)
    return counts


def test_a_model_that_answered_nothing_it_was_sent_has_no_cost(cost, request_line):
    found = cost([request_line(0, outcome=Outcome.TIMED_OUT, sent_at_s=1.0), request_line(1, model="o4")])
    assert (found.usd, found.untold) == (None, ("o3",))


def test_answers_that_told_nothing_are_taken_for_the_mean_of_the_others(cost, request_line):
    lines = [
        request_line(0, input_tokens=100 * K, output_tokens=10 * K),
        request_line(1, input_tokens=None, output_tokens=None),
    ]
    found = cost(lines)
    assert (found.usd, found.estimated_usd) == (Decimal("0.56"), Decimal("0.28"))


def test_a_model_that_never_told_its_tokens_has_no_cost(cost, request_line):
    found = cost([request_line(0, input_tokens=None, output_tokens=None), request_line(1, model="o4")])
    assert (found.usd, found.untold) == (None, ("o3",))


def test_a_model_without_a_price_leaves_the_cost_unknown(cost, request_line):
    found = cost([request_line(0, input_tokens=K, output_tokens=0), request_line(1, model="o9")])
    assert (found.usd, found.wasted_usd, found.unpriced) == (None, None, ("o9",))
    assert found.by_model == {"o3": Decimal("0.002")}


def test_money_is_decimal_text_in_json(cost, request_line):
    found = cost([request_line(0, input_tokens=1, output_tokens=0)])
    assert msgspec.to_builtins(found)["usd"] == "0.000002"
    assert msgspec.json.decode(msgspec.json.encode(found), type=Cost) == found


def test_the_cost_of_merged_folds_is_that_of_all_their_lines(cost, folded, request_line):
    lines = [request_line(index, input_tokens=index, output_tokens=1) for index in range(20)]
    one, other = folded(lines[:7]), folded(lines[7:])
    one.merge(other)
    assert cost_of(one.by_tags, PRICES) == cost(lines)
