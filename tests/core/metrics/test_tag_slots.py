from collections import Counter
from random import Random

import pytest

from relayload.core.metrics.rows import grouped
from relayload.core.metrics.tag_slots import TagCounts, TagSlots
from relayload.core.model.record import Attempt, Outcome
from relayload.core.model.tags import DROPPED, PlanTags, Tags
from relayload.core.stats.histogram import unpacked

_LIMITED = Attempt(outcome=Outcome.RATE_LIMITED, status=429, input_tokens=3)
_DAY_S = 86_400


def _add(slots: TagSlots, *lines) -> None:
    for key, rows in grouped(lines):
        slots.add(key, rows)


def _values(slot, metric: str) -> int:
    return sum(count for _, count in unpacked(slot.histograms.get(metric, b"")))


def test_latencies_belong_to_the_second_of_the_schedule_and_tokens_to_that_of_the_end(request_line):
    slots = TagSlots(["latency", "ttft"])
    _add(slots, request_line(3, service_s=2.5, retried=(_LIMITED,)), request_line(3, service_s=0.1))
    found = {slot.span.begins_s: slot for slot in slots.changed(6.0)}
    assert {second: (slot.due, slot.ended) for second, slot in found.items()} == {3: (2, 1), 5: (0, 1)}
    assert (_values(found[3], "latency"), _values(found[3], "ttft"), _values(found[5], "latency")) == (2, 2, 0)
    first, last = TagCounts(), TagCounts()
    first.add(found[3])
    last.add(found[5])
    assert (first.tokens.input, last.tokens.input, last.retried.input, last.retries) == (20, 23, 3, 1)


def test_a_slot_that_changes_is_told_whole_with_a_later_version(request_line):
    slots = TagSlots(["latency"])
    _add(slots, request_line(0), request_line(0))
    (first,) = slots.changed(1.0)
    assert slots.changed(1.5) == []
    _add(slots, request_line(0))
    (again,) = slots.changed(100.0)
    assert (first.due, again.due, _values(again, "latency")) == (2, 3, 3)
    assert again.version > first.version
    _add(slots, request_line(0))
    (late,) = slots.changed(200.0)
    assert (late.due, late.version) == (4, again.version + 1), "it was put away meanwhile"
    assert slots.whole == [late]


def test_arrivals_that_were_not_started_are_counted_apart():
    slots, key = TagSlots([]), Tags(PlanTags("simple", "o3", "steady", True), DROPPED, None, None)
    slots.add_drop(key, 7.9)
    slots.add_drop(key, 7.1)
    (slot,) = slots.changed(8.0)
    assert (slot.tags.outcome, slot.span.begins_s, slot.due, slot.ended) == (DROPPED, 7, 2, 0)
    assert not slot.tags.failed


@pytest.mark.parametrize(
    ("now_s", "widths"),
    [
        (599.0, {1}),
        (620.0, {1, 10}),
        (3700.0, {1, 10, 60}),
        (_DAY_S + 60.0, {1, 10, 120}),
        (4.0 * _DAY_S, {1, 10, 240}),
    ],
)
def test_what_is_long_over_is_kept_in_fewer_slots(now_s: float, widths: set[int], request_line):
    slots, every = TagSlots(["latency"]), Counter[int]()
    rng = Random(4)
    for due_at_s in sorted(rng.uniform(0, now_s) for _ in range(900)):
        _add(slots, request_line(0, intended_at_s=due_at_s))
        slots.changed(due_at_s)
        every[int(due_at_s)] += 1
    slots.changed(now_s)
    assert {slot.span.width_s for slot in slots.whole} == widths
    assert sum(slot.due for slot in slots.whole) == sum(_values(slot, "latency") for slot in slots.whole) == 900
    for slot in slots.whole:
        begins_s, width_s = slot.span
        assert begins_s % width_s == 0
        assert slot.due <= sum(every[second] for second in range(begins_s, begins_s + width_s))
    assert len(slots.whole) <= 601 + 361 + 1440


def test_what_comes_in_late_is_added_to_the_slot_that_holds_its_second_by_then(request_line):
    slots = TagSlots(["latency"])
    _add(slots, request_line(0, intended_at_s=12.0), request_line(0, intended_at_s=18.0))
    slots.changed(20.0)
    _add(slots, request_line(0, intended_at_s=15.0, service_s=700.0))
    wide = next(slot for slot in slots.changed(720.0) if slot.span.begins_s == 10)
    assert (wide.span.width_s, wide.due, _values(wide, "latency")) == (10, 3, 3)
