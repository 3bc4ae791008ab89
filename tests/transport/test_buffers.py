import pytest

from relayload.core.wire.response_limits import TooLarge
from relayload.transport.buffers import Buffers


class Answer:
    given_up = False

    def give_up(self) -> None:
        self.given_up = True


def test_the_largest_answer_is_given_up_when_the_budget_is_full():
    buffers, small, large, last = Buffers(100), Answer(), Answer(), Answer()
    buffers.hold(small, 30)
    buffers.hold(large, 60)
    buffers.hold(last, 20)
    assert [each.given_up for each in (small, large, last)] == [False, True, False]


def test_an_answer_that_is_itself_the_largest_is_told_at_once():
    buffers, small, large = Buffers(100), Answer(), Answer()
    buffers.hold(small, 30)
    with pytest.raises(TooLarge):
        buffers.hold(large, 80)
    assert [small.given_up, large.given_up] == [False, False]
    buffers.hold(small, 100)


def test_what_is_released_is_free_for_others():
    buffers, first, second = Buffers(100), Answer(), Answer()
    buffers.hold(first, 90)
    buffers.hold(first, 40)
    buffers.hold(second, 60)
    buffers.release(first)
    buffers.release(first)
    buffers.hold(second, 100)
    assert not first.given_up
