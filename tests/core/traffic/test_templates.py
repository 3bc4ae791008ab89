from random import Random

import pytest

from relayload.core.traffic.templates import filled, variables


def test_the_variables_are_told_in_their_order_each_once():
    assert variables("{{b}} and {{ a }} and {{b}} but not {c}") == ["b", "a"]


def test_every_place_of_a_variable_holds_the_same_draw():
    assert filled("{{n}} = {{ n }}, {json}", {"n": lambda rng: str(rng.randint(1, 9))}, Random(1)) == "3 = 3, {json}"


def test_a_drawn_value_is_not_filled_in_again():
    assert filled("{{a}}", {"a": lambda _: "{{a}}"}, Random(1)) == "{{a}}"


def test_an_unknown_variable_is_a_mistake_of_ours():
    with pytest.raises(KeyError):
        filled("{{a}}", {}, Random(1))
