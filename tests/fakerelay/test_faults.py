import pytest
from pydantic import TypeAdapter

from relayload.fakerelay.faults import AnyFault, FaultDraws

FAULT = TypeAdapter(AnyFault)


def crlf(**when):
    return FAULT.validate_python({"kind": "crlf", **when})


@pytest.mark.parametrize(
    ("when", "number", "model", "elapsed_s", "strikes"),
    [
        ({}, 1, "m", 0.0, True),
        ({"requests": [3, 7]}, 3, "m", 0.0, True),
        ({"requests": [3, 7]}, 4, "m", 0.0, False),
        ({"every": 10}, 20, "m", 0.0, True),
        ({"every": 10}, 21, "m", 0.0, False),
        ({"from": "20s", "to": "35s"}, 1, "m", 19.99, False),
        ({"from": "20s", "to": "35s"}, 1, "m", 20.0, True),
        ({"from": "20s", "to": "35s"}, 1, "m", 35.0, False),
        ({"from": "20s"}, 1, "m", 1e6, True),
        ({"models": ["a"]}, 1, "m", 0.0, False),
        ({"probability": "0%"}, 1, "m", 0.0, False),
        ({"from": "20s", "requests": [1]}, 1, "m", 10.0, False),
    ],
)
def test_a_fault_strikes_when_all_that_is_said_holds(when, number, model, elapsed_s, strikes):
    assert bool(FaultDraws([crlf(**when)], 1).strike(number, model, elapsed_s, stream=True)) is strikes


def test_a_fault_above_a_rate_strikes_while_more_requests_arrive_than_that():
    draws = FaultDraws([crlf(above="3/s")], 1)
    instants = [0.0, 0.25, 0.5, 0.75, 0.9, 1.6, 1.7, 2.5, 2.51, 2.52, 2.53]
    struck = [bool(draws.strike(number, "m", at_s, stream=True)) for number, at_s in enumerate(instants, 1)]
    assert struck == [False, False, False, True, True, False, True, False, True, True, True]


def test_a_probability_is_met_and_seeded():
    def struck(seed: int) -> list[int]:
        draws = FaultDraws([crlf(probability="5%")], seed)
        return [number for number in range(20_000) if draws.strike(number, "m", 0.0, stream=True)]

    assert len(struck(1)) == pytest.approx(1000, rel=0.1)
    assert struck(1) == struck(1) != struck(2)


def test_each_fault_has_draws_of_its_own():
    half = crlf(probability="50%")
    alone = FaultDraws([half], 1)
    together = FaultDraws([half, crlf(probability="10%")], 1)
    for number in range(200):
        assert (half in alone.strike(number, "m", 0.0, stream=True)) is (
            half in together.strike(number, "m", 0.0, stream=True)[:1]
        )


def test_faults_of_streams_leave_plain_answers_alone():
    assert FaultDraws([crlf()], 1).strike(1, "m", 0.0, stream=False) == ()


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ({"kind": "crlf", "from": "5s", "to": "5s"}, "'from' to be before 'to'"),
        ({"kind": "refuse_connection", "from": "5s"}, "give 'from' and 'to'"),
        ({"kind": "refuse_connection", "from": "5s", "to": "6s", "probability": "5%"}, "and nothing else"),
        ({"kind": "refuse_connection", "from": "5s", "to": "6s", "above": "5/s"}, "and nothing else"),
        ({"kind": "crlf", "above": "many"}, "expected a whole number per time"),
        ({"kind": "misreported_cache"}, "exactly one of 'tokens' and 'share'"),
        ({"kind": "misreported_cache", "tokens": 1, "share": "5%"}, "exactly one of 'tokens' and 'share'"),
        ({"kind": "swapped_model"}, "expected 'text', 'named' or 'fingerprint'"),
        ({"kind": "ignored_field", "field": "user"}, "'stop', 'max_tokens'"),
        ({"kind": "stall", "for": "5"}, "expected a duration"),
        ({"kind": "huge_chunk", "size": "1 mega"}, "expected a size"),
        ({"kind": "status", "status": 200}, "greater than or equal to 400"),
    ],
)
def test_a_fault_that_makes_no_sense_is_one_of_the_author(fault, message):
    with pytest.raises(ValueError, match=message):
        FAULT.validate_python(fault)


def test_connections_are_refused_by_the_door_and_not_by_a_draw():
    refuse = FAULT.validate_python({"kind": "refuse_connection", "from": "0s", "to": "1s"})
    assert FaultDraws([refuse], 1).strike(1, "m", 0.5, stream=True) == ()
