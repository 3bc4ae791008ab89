import gevent
import pytest
from gevent import GreenletExit
from support import until

from relayload import clock
from relayload.client.caller import Unleased
from relayload.core.traffic.stages import Stage
from relayload.engine.closed_loop import ClosedLoopExecutor
from relayload.engine.permit import Permit
from relayload.engine.run_clock import RunClock


def fail(error):
    raise error


def loop(start, permit=None):
    permit = permit or Permit(for_ever=True)
    return ClosedLoopExecutor(
        [Stage("steady", 60.0)], 1, RunClock(clock.now_s()), start, lambda index: index / 2, permit
    )


def test_a_failure_of_our_own_in_a_request_is_kept_and_its_user_waits_for_the_end_of_the_run():
    closed = loop(lambda *_: fail(KeyError("own")))
    user = gevent.spawn(closed.turn, 0)
    until(lambda: closed.crash)
    assert isinstance(closed.crash, KeyError)
    assert closed.in_flight == 0
    closed.abandon()
    user.get()


def test_the_end_of_a_user_is_no_failure():
    closed = loop(lambda *_: fail(GreenletExit()))
    with pytest.raises(GreenletExit):
        closed.turn(0)
    assert closed.crash is None


def test_a_user_thinks_after_its_own_request():
    closed = loop(lambda *_: None)
    assert (closed.turn(0), closed.turn(0)) == (0.5, (1 + 4099) / 2)


@pytest.mark.parametrize("prompts", [10, 1000, 1024, 4096, 10_000])
def test_a_worker_comes_by_every_prompt_whatever_their_number(prompts):
    sent = []
    closed = loop(lambda arrival, _: sent.append(arrival.index % prompts))
    for _ in range(prompts):
        closed.turn(0)
    assert len(set(sent)) == prompts


def test_after_a_refusal_no_user_has_another_turn():
    sent = []

    def refuse(arrival, _):
        sent.append(arrival)
        closed.refuse(arrival)

    closed = loop(refuse)
    closed.turn(0)
    with gevent.Timeout(0.05, False):
        closed.turn(0)
    assert len(sent) == 1
    assert closed.finished


def test_a_turn_waits_for_a_lease():
    sent, permit = [], Permit()
    closed = loop(lambda arrival, _: sent.append(arrival), permit)
    user = gevent.spawn(closed.turn, 0)
    gevent.sleep(0.02)
    assert sent == []
    permit.extend(clock.now_s() + 600.0)
    user.get()
    assert len(sent) == 1


def test_a_turn_that_lost_its_lease_before_the_send_is_none():
    closed = loop(lambda *_: fail(Unleased()))
    assert closed.turn(0) == 0.0
    assert closed.crash is None
    assert closed.in_flight == 0
