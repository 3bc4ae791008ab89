import pytest
from gevent import GreenletExit

from relayload import clock
from relayload.core.traffic.stages import Stage
from relayload.engine.closed_loop import ClosedLoopExecutor


def fail(error):
    raise error


def loop(start):
    return ClosedLoopExecutor([Stage("steady", 60.0)], 1, clock.now_s(), start)


def test_a_failure_of_our_own_in_a_request_is_kept():
    closed = loop(lambda *_: fail(KeyError("own")))
    with pytest.raises(KeyError) as error:
        closed.turn(0)
    assert closed.crash is error.value
    assert closed.in_flight == 0


def test_the_end_of_a_user_is_no_failure():
    closed = loop(lambda *_: fail(GreenletExit()))
    with pytest.raises(GreenletExit):
        closed.turn(0)
    assert closed.crash is None
