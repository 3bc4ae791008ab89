import pytest
from hypothesis import given
from hypothesis import strategies as st

from relayload.core.resilience.division import Division

ONE, TWO, THREE = 1, 2, 3


def test_one_worker_has_everything():
    assert Division([10, 60], [0.0, 60.0]).renew(ONE, 0, 1, [ONE], 0.0) == (10, 60)


def test_parts_differ_by_at_most_one_and_add_up():
    division = Division([10], [0.0])
    assert [division.renew(worker, 0, 1, [ONE, TWO, THREE], 0.0) for worker in (ONE, TWO, THREE)] == [(4,), (3,), (3,)]


def test_a_newcomer_gets_its_part_when_the_others_have_confirmed_theirs():
    division = Division([10], [0.0])
    assert division.renew(ONE, 0, 1, [ONE], 0.0) == (10,)
    assert division.renew(TWO, 0, 1, [ONE, TWO], 0.1) == (0,)
    assert division.renew(ONE, 1, 2, [ONE, TWO], 0.5) == (5,)
    assert division.renew(TWO, 1, 2, [ONE, TWO], 0.6) == (0,)
    assert division.renew(ONE, 2, 3, [ONE, TWO], 1.0) == (5,)
    assert division.renew(TWO, 2, 3, [ONE, TWO], 1.1) == (5,)


def test_a_reply_that_is_lost_counts_until_a_later_one_is_confirmed():
    division = Division([10], [0.0])
    division.renew(ONE, 0, 1, [ONE], 0.0)
    division.renew(ONE, 0, 2, [ONE, TWO], 0.5)
    assert division.renew(TWO, 0, 1, [ONE, TWO], 0.6) == (0,)
    division.renew(ONE, 2, 3, [ONE, TWO], 1.0)
    assert division.renew(TWO, 1, 2, [ONE, TWO], 1.1) == (5,)


def test_the_part_of_a_worker_whose_lease_is_over_is_free():
    division = Division([10], [0.0])
    division.renew(ONE, 0, 1, [ONE, TWO], 0.0)
    division.renew(TWO, 0, 1, [ONE, TWO], 0.0)
    assert division.renew(ONE, 1, 2, [ONE, TWO], 2.9) == (5,)
    assert division.renew(ONE, 2, 3, [ONE], 3.1) == (10,)


def test_a_part_of_a_limit_counts_for_the_length_of_its_window():
    division = Division([60], [60.0])
    division.renew(ONE, 0, 1, [ONE], 0.0)
    division.renew(ONE, 1, 2, [ONE, TWO], 1.0)
    assert division.renew(ONE, 2, 3, [ONE, TWO], 2.0) == (30,)
    assert division.renew(TWO, 0, 1, [ONE, TWO], 61.9) == (0,)
    assert division.renew(TWO, 1, 2, [ONE, TWO], 62.1) == (30,)


def test_more_workers_than_there_are_parts_leave_some_without():
    division = Division([2], [0.0])
    assert [division.renew(worker, 0, 1, [ONE, TWO, THREE], 0.0) for worker in (ONE, TWO, THREE)] == [(1,), (1,), (0,)]


@pytest.mark.hypothesis
@given(
    st.lists(st.tuples(st.integers(0, 3), st.sampled_from([0.1, 0.5, 1.0, 4.0]), st.booleans()), max_size=80),
    st.integers(1, 12),
    st.sampled_from([0.0, 1.0, 60.0]),
)
def test_the_parts_in_force_never_add_up_to_more(steps, total, lingers_s):
    """Each worker applies or loses a reply; its parts are in force for three seconds from its renewal on."""
    division = Division([total], [lingers_s])
    renewed_at_s: dict[int, float] = {}
    sequence: dict[int, int] = {}
    applied: dict[int, tuple[int, int, float]] = {}
    used: dict[int, list[tuple[float, int]]] = {worker: [] for worker in range(4)}
    now_s = 0.0
    for worker, wait_s, is_lost in steps:
        now_s += wait_s
        renewed_at_s[worker] = now_s
        sequence[worker] = sequence.get(worker, 0) + 1
        alive = sorted(one for one, at_s in renewed_at_s.items() if now_s - at_s < 3.0)
        (part,) = division.renew(worker, applied.get(worker, (0, 0, 0.0))[0], sequence[worker], alive, now_s)
        if not is_lost:
            applied[worker] = (sequence[worker], part, now_s + 3.0)
        for one, (_, amount, until_s) in applied.items():
            if now_s < until_s:
                used[one].append((now_s, amount))
        in_window = {one: [amount for at_s, amount in log if at_s > now_s - lingers_s] for one, log in used.items()}
        here = sum(amount for _, amount, until_s in applied.values() if now_s < until_s)
        assert max(here, sum(max(amounts, default=0) for amounts in in_window.values())) <= total
