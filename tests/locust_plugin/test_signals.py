import signal

import gevent
import pytest

from relayload.locust_plugin.signals import Interruption


@pytest.fixture
def told(monkeypatch) -> list[str]:
    """What signals are answered with; none is really caught."""
    monkeypatch.setattr(gevent, "signal_handler", lambda *_: None)
    return []


def _interruption(told: list[str], begun: bool = True) -> Interruption:
    return Interruption(lambda: begun, lambda: told.append("end"), lambda: told.append("hurry"))


def test_the_first_signal_ends_the_load_at_once_and_the_second_waits_for_nothing(told):
    interruption = _interruption(told)
    with pytest.raises(KeyboardInterrupt):
        interruption._on(signal.SIGINT)
    assert (told, interruption.exit_code) == (["end"], 130)
    interruption._on(signal.SIGTERM)
    assert (told, interruption.exit_code) == (["end", "hurry"], 130)


def test_a_sigterm_ends_the_load_and_leaves_the_rest_to_locust(told):
    interruption = _interruption(told)
    interruption._on(signal.SIGTERM)
    assert (told, interruption.exit_code) == (["end"], 143)


def test_before_a_run_has_begun_a_signal_leaves(told):
    with pytest.raises(SystemExit) as left:
        _interruption(told, begun=False)._on(signal.SIGTERM)
    assert left.value.code == 143
