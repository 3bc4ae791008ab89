import pytest

from relayload.core.traffic.curves import LogNormal, Normal
from relayload.core.traffic.spans import Exponential, Fixed, FromCurve, Uniform
from relayload.profile.think_time import span

CLOSED = """\
name: c
load: {kind: closed, users: 1, think_time: %s, stages: [{for: 1s}]}
scenarios: {a: {model: o3, prompt: code}}
"""


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("1500ms", Fixed(1.5)),
        ("{from: 1s, to: 5s}", Uniform(1.0, 5.0)),
        ("{mean: 2s, stddev: 500ms}", FromCurve(Normal(2.0, 0.5))),
        ("{mean: 2s, stddev: 500ms, min: 1s, max: 3s}", FromCurve(Normal(2.0, 0.5), 1.0, 3.0)),
        ("{p50: 2s, p99: 20s}", FromCurve(LogNormal.through(2.0, 20.0))),
        ("{exponential: 2s, max: 10s}", Exponential(2.0, 0.0, 10.0)),
    ],
)
def test_think_time_is_a_duration_or_a_distribution(read, written, expected):
    assert span(read(CLOSED % written).load.think_time) == expected


def test_users_do_not_think_unless_told_to(read):
    assert span(read(CLOSED.replace("think_time: %s, ", "")).load.think_time) == Fixed(0.0)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("5", "think_time: expected a duration such as '800ms', '30s' or '1h30m', got '5'"),
        ("{from: 5s, to: 1s}", "think_time: 'to' must not be below 'from'"),
        ("{p50: 5s, p99: 5s}", "think_time: 'p99' must be above 'p50'"),
        ("{mean: 5s}", "think_time.stddev: is required"),
        ("{exponential: 5s, min: 2s, max: 1s}", "think_time: 'max' must not be below 'min'"),
        ("{exponential: 0s}", "think_time.exponential: expected greater than 0, got '0s'"),
        ("{exponential: 5s, mean: 1s}", "think_time.mean: unknown key; known: exponential, max, min"),
    ],
)
def test_faults_of_think_times_say_what_to_write(faults, written, expected):
    (told,) = faults(CLOSED % written)
    assert told.split(": ", 1)[1].removeprefix("load.") == expected
