"""Questions about fields of a request: whether each is honoured."""

import re
from random import Random

from relayload.core.audit.checked_questions import CITIES
from relayload.core.audit.endings import CUT
from relayload.core.audit.question import Answered, Question, user

_BUDGET = 16
"""The least budget that every endpoint takes."""


def max_tokens(_seed: int) -> tuple[Question, ...]:
    prompt = "Count from 1 to 200 in digits, with a space between the numbers, and without anything else."
    return (Question(id="max_tokens:0", messages=user(prompt), max_output_tokens=_BUDGET, passes=_stays_in_budget),)


def _stays_in_budget(answer: Answered) -> bool | None:
    """Judge by the text, whose numbers are a token each at least, whatever was reported."""
    if len(re.findall(r"\d+", answer.text)) > _BUDGET or (answer.output_tokens or 0) > _BUDGET:
        return False
    return True if answer.finish_reason in CUT else None


def stop(_seed: int) -> tuple[Question, ...]:
    prompt = "Repeat these words exactly as they are, and say nothing else: alpha bravo charlie delta echo foxtrot"
    return (
        Question(
            id="stop:0",
            messages=user(prompt),
            max_output_tokens=100,
            fields={"stop": ["delta"]},
            passes=_stops,
        ),
    )


def _stops(answer: Answered) -> bool | None:
    if "delta" in answer.text:
        return False
    return True if "charlie" in answer.text and "echo" not in answer.text else None


def logprobs(_seed: int) -> tuple[Question, ...]:
    return (
        Question(
            id="logprobs:0",
            messages=user("Name a colour."),
            max_output_tokens=_BUDGET,
            fields={"logprobs": True, "top_logprobs": 2},
            passes=lambda answer: answer.has_logprobs,
        ),
    )


def seed(seed: int) -> tuple[Question, ...]:
    """Return one question that is to be asked twice or more: all answers should be the same."""
    return (
        Question(
            id="seed:0",
            messages=user("Write ten words that have nothing to do with each other."),
            max_output_tokens=40,
            temperature=1.0,
            fields={"seed": Random(f"audit:{seed}:seed").randint(1, 2**31 - 1)},
        ),
    )


def tools(seed: int) -> tuple[Question, ...]:
    city = Random(f"audit:{seed}:tools").choice(CITIES)
    function = {
        "name": "weather",
        "description": "Returns the weather of a city.",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
            "additionalProperties": False,
        },
    }
    return (
        Question(
            id="tools:0",
            messages=user(f"What is the weather in {city}?"),
            max_output_tokens=200,
            fields={
                "tools": [{"type": "function", "function": function}],
                "tool_choice": {"type": "function", "function": {"name": "weather"}},
            },
            passes=lambda answer: answer.calls > 0,
        ),
    )
