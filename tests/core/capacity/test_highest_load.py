import pytest
from hypothesis import given
from hypothesis import strategies as st

from relayload.core.capacity.highest_load import highest


@pytest.mark.parametrize(
    ("limit", "found", "asked"),
    [
        (1000, (1000, 1250), [500, 1000, 2000, 1500, 1250]),
        (500, (500, 625), [500, 1000, 750, 625]),
        (300, (250, 312), [500, 250, 375, 312]),
        (10_000, (4000, None), [500, 1000, 2000, 4000]),
    ],
)
def test_doubles_until_one_does_not_hold_and_halves_in_between(limit, found, asked):
    loads: list[int] = []

    def holds(load: int) -> bool:
        loads.append(load)
        return load <= limit

    assert highest(holds, 500, 4000) == found
    assert loads == asked


@given(limit=st.integers(0, 10_000), start=st.integers(1, 2000))
def test_what_is_found_holds_and_the_next_does_not(limit, start):
    good, bad = highest(lambda load: load <= limit, start, 8000)
    assert good <= limit
    assert bad is None or bad > limit
    assert bad is not None or good == 8000


def test_nothing_holds():
    assert highest(lambda _: False, 100, 1000) == (0, 1)
