import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from relayload.profile.types import Count, Duration, Flag, Integer, Items, Number, PositiveDuration, Rate, Secret

DURATION, RATE = TypeAdapter(Duration), TypeAdapter(Rate)


def fault(kind: Any, value: object) -> str:
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(kind).validate_python(value)
    (details,) = caught.value.errors()
    return str(details["ctx"]["error"]) if details["type"] == "value_error" else details["msg"]


@given(st.decimals(0, 10**6, places=3), st.sampled_from([("ms", 1e-3), ("s", 1), ("m", 60), ("h", 3600)]))
def test_a_duration_is_its_number_times_its_unit(number, unit):
    assert DURATION.validate_python(f"{number}{unit[0]}") == pytest.approx(float(number) * unit[1])


@given(st.decimals(0, 10**6, places=3), st.sampled_from([("s", 1), ("min", 60), ("h", 3600)]))
def test_a_rate_is_its_number_by_its_unit(number, unit):
    assert RATE.validate_python(f"{number}/{unit[0]}") == pytest.approx(float(number) / unit[1])


@given(st.integers(0, 99), st.integers(1, 59), st.integers(1, 59))
def test_parts_of_a_duration_add_up(hours, minutes, seconds):
    assert DURATION.validate_python(f"{hours}h{minutes}m{seconds}s") == hours * 3600 + minutes * 60 + seconds


@given(st.one_of(st.integers(), st.floats(), st.booleans(), st.none(), st.lists(st.integers()), st.text()))
def test_anything_is_a_finite_quantity_or_a_fault_that_says_what_to_write(value):
    for adapter, example in ((DURATION, "'800ms', '30s' or '1h30m'"), (RATE, "'5/s' or '300/min'")):
        said = ""
        try:
            quantity = adapter.validate_python(value)
        except ValidationError as error:
            said = str(error)
        assert example in said if said else 0 <= quantity < math.inf


@pytest.mark.parametrize(
    ("kind", "value", "message"),
    [
        (Duration, 10, "expected a duration such as '800ms', '30s' or '1h30m', got '10'"),
        (Duration, None, "expected a duration such as '800ms', '30s' or '1h30m', got nothing"),
        (Duration, "-1s", "must not be negative: expected a duration such as '800ms', '30s' or '1h30m', got '-1s'"),
        (Duration, "9" * 400 + "s", "is too large: expected a duration such as '800ms', '30s' or '1h30m'"),
        (PositiveDuration, "0s", "Input should be greater than 0"),
        (Rate, 5, "expected a rate such as '5/s' or '300/min', got '5'"),
        (Rate, True, "expected a rate such as '5/s' or '300/min', got 'true'"),
        (Rate, [1], "expected a rate such as '5/s' or '300/min', got a list"),
        (Rate, {}, "expected a rate such as '5/s' or '300/min', got a mapping"),
        (Integer, "many", "expected a whole number, got 'many'"),
        (Integer, 1.5, "expected a whole number, got '1.5'"),
        (Integer, False, "expected a whole number, got 'false'"),
        (Integer, "x" * 100, f"expected a whole number, got '{'x' * 60}…'"),
        (Count, 0, "Input should be greater than or equal to 1"),
        (Number, ".inf", "expected a number, got '.inf'"),
        (Number, float("nan"), "expected a number, got 'nan'"),
        (Flag, "yes", "expected true or false, got 'yes'"),
        (Flag, 1, "expected true or false, got '1'"),
        (Items[int], "1", "expected a list, got '1'"),
        (Secret, 5, "expected text: put the key in quotes, or write ${env:NAME}"),
        (Secret, "", "is empty: check the variable it comes from"),
        (Secret, "sk-x\n", "holds a space, a line break or a letter beyond ASCII, which no key does"),
    ],
)
def test_a_value_of_another_kind_is_a_fault_that_says_what_to_write(kind, value, message):
    assert fault(kind, value) == message


@pytest.mark.parametrize(
    ("kind", "text", "value"), [(Integer, "12", 12), (Number, "1.5", 1.5), (Flag, "true", True), (Flag, "false", False)]
)
def test_the_text_of_a_variable_is_read_as_what_it_stands_for(kind, text, value):
    assert TypeAdapter(kind).validate_python(text) == value


def test_a_secret_prints_as_stars_wherever_it_is_printed():
    secret = TypeAdapter(Secret).validate_python("sk-hidden")
    assert [str(secret), repr(secret), f"{secret}", f"{[secret]}"] == ["***", "***", "***", "[***]"]
    assert TypeAdapter(Secret).dump_json(secret) == b'"***"'
    assert secret.reveal() == "sk-hidden"


def test_secrets_are_equal_when_their_texts_are():
    assert Secret("a") == Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert len({Secret("a"), Secret("a")}) == 1
