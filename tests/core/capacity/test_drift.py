"""A relay that grows slower: by trials that raise a suspicion, and by a control that settles it."""

from typing import Any

import pytest

from relayload.core.capacity.drift import comparable, drift, suspicious
from relayload.core.capacity.levels import Over
from relayload.core.capacity.trial import Decision, Purpose, Trial

PASS, FAIL, UNDECIDED, VOID, STOPPED = Decision
SEARCH, CONFIRM, CONTROL = Purpose


def trial(
    level: float, p50_s: float | None, decision: Decision = PASS, purpose: Purpose = SEARCH, **more: Any
) -> Trial:
    interval = {} if p50_s is None else {"latency_p50_low_s": 0.9 * p50_s, "latency_p50_high_s": 1.1 * p50_s}
    return Trial(
        number=1,
        purpose=purpose,
        rate_per_s=level,
        warmup_s=10.0,
        measured_s=30.0,
        decision=decision,
        latency_p50_s=p50_s,
        **(interval | more),
    )


@pytest.mark.parametrize(
    ("earlier", "later", "suspected"),
    [
        (trial(20, 0.4), trial(20, 0.43), True),
        (trial(20, 0.4), trial(10, 0.43, UNDECIDED, CONFIRM), True),
        (trial(20, 0.4), trial(20, 0.41), False),
        (trial(20, 0.4), trial(21, 0.9), False),
        (trial(20, 0.4), trial(19, 0.9, FAIL, CONFIRM), False),
        (trial(20, 0.4), trial(16, 0.9, FAIL, CONFIRM), True),
        (trial(20, 0.4), trial(16, 0.9, VOID), False),
        (trial(20, 0.4), trial(16, None), False),
        (trial(20, 0.4, FAIL), trial(16, 0.9), False),
        (trial(20, None), trial(16, 0.9), False),
    ],
)
def test_a_trial_that_takes_longer_at_no_more_load_is_suspicious(earlier: Trial, later: Trial, suspected: bool):
    assert suspicious([earlier, later]) is suspected


@pytest.mark.parametrize(("levels", "level"), [((8, 16, 32, 33), 16), ((20, 24, 26), 20), ((5,), 5), ((), None)])
def test_a_control_repeats_the_highest_easy_level(levels, level):
    found = comparable([*(trial(each, 0.4) for each in levels), trial(1, 0.4, FAIL), trial(2, 0.4, PASS, CONFIRM)])
    assert (found and found.level) == level


@pytest.mark.parametrize(
    ("control", "told"),
    [
        (trial(16, 0.8), "16/s passed, and later its median latency was 800ms instead of 400ms"),
        (trial(16, 0.47), None),  # slower beyond chance, by too little
        (trial(16, 0.8, latency_p50_low_s=0.43), None),  # within chance
        (trial(16, 0.8, latency_p50_low_s=None), None),
        (trial(16, 0.4, FAIL, refuted=True), "16/s passed, and later failed"),
        (trial(16, 0.4, FAIL), None),
        (trial(32, 0.4, FAIL, refuted=True), None),  # no further from the capacity than precision and chance
        (trial(4, 0.8), None),
        (trial(16, 0.8, VOID), None),
    ],
)
def test_a_control_tells_a_drift_from_chance(control: Trial, told: str | None):
    assert drift(control, [trial(8, 0.4), trial(16, 0.4), trial(32, 0.5)], Over.RATE) == told
