"""A table of counts says the same packed and open."""

from hypothesis import given
from hypothesis import strategies as st

from relayload.core.model.snapshot import Position, SlotCounts
from relayload.core.objectives.slot_table import SlotTable

_SECONDS = st.integers(0, 1000)


def _at(second: int) -> Position:
    return Position(0, second, "chat")


@given(st.lists(st.one_of(_SECONDS, st.none()), max_size=60))
def test_a_swept_table_counts_like_a_dict(steps: list[int | None]):
    table = SlotTable()
    wanted: dict[Position, SlotCounts] = {}
    for second in steps:
        if second is None:
            table.sweep()
            continue
        own = table.get(_at(second))
        if own is None:
            own = table[_at(second)] = SlotCounts()
        own.add(SlotCounts(n=1, total=0.5))
        wanted.setdefault(_at(second), SlotCounts()).add(SlotCounts(n=1, total=0.5))
    assert dict(table.items()) == wanted
    assert sorted(table) == sorted(wanted)
    assert len(table) == len(wanted)
    assert sum(counts.n for counts in table.values()) == sum(counts.n for counts in wanted.values())


def test_reading_leaves_counts_packed():
    table = SlotTable()
    table[_at(3)] = SlotCounts(n=2)
    table.sweep()
    table.sweep()
    assert [counts.n for counts in table.values()] == [2]
    assert not table._open
    assert table[_at(3)].n == 2
