import select
import sys

import pytest
from support import PATIENCE_S

from relayload import clock
from relayload.timerfd import TimerFd

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="timerfd is a Linux call")


@pytest.fixture
def timer():
    timer = TimerFd()
    yield timer
    timer.close()


def expired(timer: TimerFd, patience_s: float) -> bool:
    return bool(select.select([timer.descriptor], [], [], patience_s)[0])


def test_it_expires_once_its_instant_has_come(timer):
    due_at_s = clock.now_s() + 0.01
    timer.set(due_at_s)
    assert expired(timer, PATIENCE_S)
    assert clock.now_s() >= due_at_s


@pytest.mark.parametrize("at_s", [-5.0, 0.0, 1e-12])
def test_it_expires_at_once_for_an_instant_that_has_passed(timer, at_s):
    timer.set(at_s)
    assert expired(timer, PATIENCE_S)


def test_setting_it_anew_forgets_an_expiry_that_nobody_read(timer):
    timer.set(0.0)
    assert expired(timer, PATIENCE_S)
    timer.set(clock.now_s() + 3600)
    assert not expired(timer, 0.0)
