import os
import signal

import gevent
import pytest

from relayload import clock
from relayload.locust_plugin.signals import Interruption

SECOND_S = 1.0


@pytest.fixture
def told(monkeypatch) -> list[str]:
    """What signals are answered with; none is really caught, and none ends this process."""
    monkeypatch.setattr(gevent, "signal_handler", lambda *_: None)
    return []


@pytest.fixture
def at_s(monkeypatch) -> list[float]:
    """The time that the signals come at."""
    now_s = [0.0]
    monkeypatch.setattr(clock, "now_s", lambda: now_s[0])
    return now_s


def _interruption(told: list[str], begun: bool = True) -> Interruption:
    last_words = lambda name: told.append(f"last words on {name}")  # noqa: E731 -- shorter
    return Interruption(lambda: begun, lambda: told.append("end"), lambda: told.append("hurry"), last_words)


def test_the_first_signal_ends_the_load_at_once_and_the_second_waits_for_nothing(told):
    interruption = _interruption(told)
    with pytest.raises(KeyboardInterrupt):
        interruption._on(signal.SIGINT)
    assert (told, interruption.exit_code) == (["end"], 130)
    interruption._on(signal.SIGTERM)
    assert (told, interruption.exit_code) == (["end", "hurry"], 130)


def test_the_third_one_leaves_at_once_with_a_word(told, monkeypatch):
    interruption = _interruption(told)
    with pytest.raises(KeyboardInterrupt):
        interruption._on(signal.SIGINT)
    interruption._on(signal.SIGTERM)
    monkeypatch.setattr(os, "_exit", lambda code: told.append(f"exit {code}"))
    interruption._on(signal.SIGINT)
    assert told == ["end", "hurry", "last words on Ctrl-C", "exit 130"]


def test_a_sigterm_that_comes_to_every_process_of_a_run_counts_once(told, at_s):
    interruption = _interruption(told)
    interruption._on(signal.SIGTERM)
    at_s[0] += 0.01
    interruption._on(signal.SIGTERM)
    assert told == ["end"]
    at_s[0] += SECOND_S
    interruption._on(signal.SIGTERM)
    assert told == ["end", "hurry"]


def test_a_terminal_that_is_lost_insists_on_nothing(told, at_s):
    interruption = _interruption(told)
    with pytest.raises(KeyboardInterrupt):
        interruption._on(signal.SIGHUP)
    for _ in range(3):
        at_s[0] += SECOND_S
        interruption._on(signal.SIGHUP)
    assert (told, interruption.exit_code) == (["end"], 129)
    interruption._on(signal.SIGTERM)
    assert (told, interruption.exit_code) == (["end", "hurry"], 129)


def test_a_sigterm_ends_the_load_and_leaves_the_rest_to_locust(told):
    interruption = _interruption(told)
    interruption._on(signal.SIGTERM)
    assert (told, interruption.exit_code) == (["end"], 143)


def test_before_a_run_has_begun_a_signal_leaves(told):
    with pytest.raises(SystemExit) as left:
        _interruption(told, begun=False)._on(signal.SIGTERM)
    assert left.value.code == 143
