from typing import Any

import pytest
from audited_answers import answer, answers
from msgspec.structs import replace

from relayload.core.audit.counted import InputCounts
from relayload.core.audit.faults import FAULTS, faults
from relayload.core.model.audited import Audited


def _faults(told: list[Audited]) -> dict[str, int]:
    return faults(told, InputCounts(), seed=1)


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("total_is_not_the_sum", {"total_tokens": 121}),
        ("cached_above_input", {"cached_input_tokens": 101, "repeated_input": 100}),
        ("cached_never_sent", {"counted": 2000, "cached_input_tokens": 1024}),
        ("reasoning_above_output", {"reasoning_tokens": 21}),
        ("output_above_budget", {"max_output_tokens": 17}),
        ("output_without_text", {"output_tokens": 51}),
        ("text_above_output", {"written": 100, "output_tokens": 50}),
    ],
)
def test_each_fault_is_found_and_has_words(name: str, fields: dict[str, Any]) -> None:
    assert _faults([answer(1, **fields), answer(2)]) == {name: 1}
    assert FAULTS[name]


@pytest.mark.parametrize(
    "fields",
    [
        {"total_tokens": 120},
        {"counted": 2000, "cached_input_tokens": 1920, "repeated_input": 1930},
        {"counted": 2000, "cached_input_tokens": 64},
        {"counted": 2000, "cached_input_tokens": 1920, "repeated_input": None},
        {"reasoning_tokens": 20},
        {"max_output_tokens": 19},
        {"output_tokens": 80, "finish_reason": "content_filter"},
        {"output_tokens": 80, "finish_reason": "tool_calls"},
        {"output_tokens": 520, "reasoning_tokens": 500},
        {"output_tokens": None, "input_tokens": None, "total_tokens": 120},
        {"counted_output": None, "counted_input": None, "repeated_input": None, "output_tokens": 80},
    ],
)
def test_what_honest_relays_report_is_no_fault(fields: dict[str, Any]) -> None:
    assert _faults([answer(1, **fields)]) == {}


def test_the_same_request_is_reported_the_same() -> None:
    same = [answer(index, request="same", input_tokens=100 + index % 3) for index in range(9)]
    assert _faults(same) == {}
    assert _faults([*same, answer(10, request="same", input_tokens=120)]) == {"same_request_differs": 1}
    assert _faults([*same, answer(10, request="other", input_tokens=120)]) == {}


def test_streamed_and_plain_answers_are_reported_alike() -> None:
    plain, streamed = answers(), [replace(each, streamed=True, request=f"s{each.index}") for each in answers()]
    assert _faults([*plain, *streamed]) == {}
    more = [replace(each, input_tokens=(each.input_tokens or 0) + 20) for each in streamed]
    assert _faults([*plain, *more]) == {"streamed_input_differs": 40}
    more = [replace(each, output_tokens=(each.output_tokens or 0) * 21 // 20) for each in streamed[:30]]
    assert _faults([*plain, *more]) == {"streamed_output_differs": 30}
    few = [replace(each, output_tokens=(each.output_tokens or 0) * 21 // 20) for each in streamed[:7]]
    assert _faults([*plain, *few]) == {}
