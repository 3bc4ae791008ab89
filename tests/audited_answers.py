"""Audited answers for tests: honest ones, unless a test says otherwise."""

from typing import Any

from relayload.core.model.audited import Audited


def answer(index: int = 0, counted: int = 100, written: int = 20, **fields: Any) -> Audited:
    """Return an answer whose report is what was counted, but for these fields."""
    honest: dict[str, Any] = {
        "index": index,
        "worker": 0,
        "scenario": "chat",
        "stage": "hold",
        "model": "m",
        "measured": True,
        "intended_at_s": float(index),
        "request": f"r{index}",
        "encoding": "o200k_base",
        "counted_input": counted,
        "repeated_input": 0,
        "counted_output": written,
        "counted_reasoning": 0,
        "input_tokens": counted,
        "output_tokens": written,
        "finish_reason": "stop",
        "max_output_tokens": 4096,
    }
    return Audited(**(honest | fields))


def answers(n: int = 40, **fields: Any) -> list[Audited]:
    """Return answers of many lengths."""
    return [answer(index, 50 + 37 * index, 5 + 11 * index, **fields) for index in range(n)]
