from typing import Any

import pytest
from audited_answers import answer

from relayload.core.audit.truncation import is_refused, is_truncated


@pytest.mark.parametrize(
    ("fields", "truncated"),
    [
        ({"written": 40, "max_output_tokens": 40, "finish_reason": "length"}, False),
        ({"written": 36, "max_output_tokens": 40, "finish_reason": "length"}, False),
        ({"written": 20, "max_output_tokens": 40, "finish_reason": "length"}, True),
        ({"written": 20, "max_output_tokens": 40, "finish_reason": "stop"}, False),
        ({"written": 20, "max_output_tokens": None, "finish_reason": "max_tokens"}, True),
        ({"written": 0, "reasoning_tokens": 40, "max_output_tokens": 40, "finish_reason": "length"}, False),
        ({"written": 10, "counted_reasoning": 30, "max_output_tokens": 40, "finish_reason": "length"}, False),
        ({"counted_output": None, "output_tokens": 10, "max_output_tokens": 40, "finish_reason": "length"}, True),
    ],
)
def test_an_answer_is_truncated_if_it_was_cut_before_its_budget(fields: dict[str, Any], truncated: bool) -> None:
    assert is_truncated(answer(**fields)) is truncated


@pytest.mark.parametrize(
    ("fields", "refused"),
    [
        ({"finish_reason": "content_filter"}, True),
        ({"text": "I’m sorry, but I can’t help with that."}, True),
        ({"text": "I cannot assist with this."}, True),
        ({"text": "Es tut mir leid, das geht nicht."}, True),
        ({"text": "The queen was sorry, but not very."}, False),
        ({"written": 0}, True),
        ({"written": 0, "finish_reason": "tool_calls"}, False),
        ({"written": 0, "finish_reason": "length"}, False),
        ({}, False),
    ],
)
def test_an_answer_is_refused_if_it_says_so_or_nothing(fields: dict[str, Any], refused: bool) -> None:
    assert is_refused(answer(**fields)) is refused
