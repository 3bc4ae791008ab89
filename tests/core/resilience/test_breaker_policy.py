import re

import pytest

from relayload.core.resilience.breaker_policy import BreakerPolicy


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"failure_rate": 0.0}, "failure_rate: expected above 0 and at most 1, got 0.0"),
        ({"failure_rate": 50.0}, "failure_rate: expected above 0 and at most 1, got 50.0"),
        ({"slow_rate": 1.5, "slow_ttft_s": 1.0}, "slow_rate: expected above 0 and at most 1, got 1.5"),
        ({"slow_rate": 0.5}, "slow_rate: needs slow_ttft_s or slow_latency_s"),
        ({"min_calls": 0}, "min_calls: expected at least 1, got 0"),
        ({"window_s": 0.0}, "window_s: expected above 0, got 0.0"),
        ({"window_calls": 19}, "window_calls: expected at least min_calls (20), got 19"),
        ({"window_calls": 0}, "window_calls: expected at least min_calls (20), got 0"),
        ({"consecutive": 0}, "consecutive: expected at least 1, got 0"),
        ({"open_for_s": 0.0}, "open_for_s: expected above 0, got 0.0"),
        ({"open_factor": 0.5}, "open_factor: expected at least 1, got 0.5"),
        ({"half_open_calls": 0}, "half_open_calls: expected at least 1, got 0"),
    ],
)
def test_numbers_that_make_no_sense_are_refused(wrong, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        BreakerPolicy(**wrong)


def test_the_numbers_are_those_of_the_documentation_unless_said_otherwise():
    assert BreakerPolicy() == BreakerPolicy(
        failure_rate=0.5,
        slow_rate=None,
        min_calls=20,
        window_s=30.0,
        window_calls=None,
        consecutive=10,
        slow_ttft_s=None,
        slow_latency_s=None,
        open_for_s=60.0,
        open_factor=2.0,
        max_open_for_s=300.0,
        reset_after_s=60.0,
        half_open_calls=3,
        enforce=True,
    )


def test_the_least_that_makes_sense_is_taken():
    least = BreakerPolicy(
        failure_rate=1e-6,
        slow_rate=1.0,
        slow_ttft_s=1.0,
        min_calls=1,
        window_s=0.25,
        window_calls=1,
        consecutive=1,
        open_for_s=0.25,
        open_factor=1.0,
        half_open_calls=1,
    )
    assert (least.window_s, least.open_for_s, least.window().calls) == (0.25, 0.25, 0)


@pytest.mark.parametrize(
    ("ttft_s", "latency_s", "slow"),
    [
        (2.0, 10.0, False),
        (2.1, 10.0, True),
        (2.0, 10.1, True),
        (None, 10.1, True),
        (2.1, None, True),
        (None, None, False),
    ],
)
def test_a_call_is_slow_by_its_first_token_or_by_its_end(ttft_s, latency_s, slow):
    assert BreakerPolicy(slow_ttft_s=2.0, slow_latency_s=10.0).slow(ttft_s, latency_s) is slow


def test_without_a_threshold_no_call_is_slow():
    assert not BreakerPolicy().slow(100.0, 1000.0)
