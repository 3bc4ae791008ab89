"""When a relay counts as recovered, by the latencies of probes."""

import pytest

from relayload.core.capacity.recovery import (
    FIRST_PROBES,
    Probe,
    Rest,
    hopeless,
    late,
    most_probes,
    pause_s,
    recovered,
    rest_of,
)

REST = Rest(slowest_s=0.2)


def probes(*latencies_s: float | None) -> list[Probe]:
    return [Probe(latency_s=latency_s) for latency_s in latencies_s]


def test_the_measure_is_the_slowest_of_the_first_probes_without_the_very_first():
    assert rest_of(probes(5.0, 0.1, 0.2, 0.15, None, 0.1)) == REST
    assert REST.limit_s == pytest.approx(0.32)
    assert FIRST_PROBES == 6


def test_a_relay_that_hardly_answers_has_no_rest():
    assert rest_of(probes(0.1, 0.1, None, 0.1, None, None)) is None
    assert rest_of([]) is None
    assert hopeless(probes(0.1, None, None, None))
    assert not hopeless(probes(None, 0.1, None, 0.1))


@pytest.mark.parametrize(
    ("latencies_s", "expected"),
    [
        ((), False),
        ((0.2,), False),
        ((0.2, 0.32), True),
        ((0.4, 0.2, 0.2), True),
        ((0.2, 0.4, 0.2), True),
        ((0.2, 0.2, 0.4, 0.4), False),
        ((None, 0.2), False),
        ((0.33, 0.33, 0.33), False),
    ],
)
def test_two_of_the_last_three_probes_have_to_be_in_order(latencies_s, expected):
    assert recovered(probes(*latencies_s), REST) is expected


def test_pauses_grow_after_probes_that_are_late_and_end_with_one_in_order():
    late = [pause_s(probes(*(1.0,) * number), REST) for number in range(8)]
    assert late == pytest.approx([0.0, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0])
    assert pause_s(probes(None, None, 0.1), REST) == 0.0
    assert pause_s(probes(*(None,) * 2000), REST) == 5.0


def test_the_last_probe_that_was_late_says_what_is_waited_for():
    assert late(probes(0.4, 0.5, 0.1), REST) == Probe(latency_s=0.5)
    assert late(probes(0.1, 0.1), REST) is None


def test_the_most_probes_are_those_of_a_relay_that_is_late_until_it_is_given_up():
    assert most_probes(1, 0.0) == 0
    assert most_probes(1, 0.1) == 6 + 1 + 2
    assert most_probes(2, 60.0) == 6 + 2 * (16 + 8 + 2)
