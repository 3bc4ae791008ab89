from collections.abc import Iterator

import gevent
import pytest

from relayload.core.traffic.arrivals import Arrival
from relayload.engine.rescheduling import due_after


def every(gap_s: float, count: int) -> Iterator[Arrival]:
    return (Arrival(index, index * gap_s, 0, 0) for index in range(count))


@pytest.mark.parametrize("ahead", [0, 7, 5_000, 100_000])
@pytest.mark.parametrize("after", [-1, 0, 499, 500, 1234, 2999, 3000])
def test_all_that_are_due_later_are_returned_in_order(ahead: int, after: int) -> None:
    found = [arrival.index for arrival in due_after(every(0.1, 3000), after * 0.1 + 0.01, ahead)]
    assert found == list(range(after + 1, 3000))


def test_others_go_on_while_it_looks() -> None:
    turns = 0

    def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            gevent.sleep(0)

    other = gevent.spawn(count)
    due_after(every(0.1, 100_000), 9_000.0)
    other.kill()
    assert turns > 100
