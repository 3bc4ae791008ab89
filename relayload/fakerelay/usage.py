"""The tokens that an answer reports."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Usage:
    """What is reported of one answer; of several at once, each has the output."""

    input_tokens: int
    cached_input_tokens: int
    output_tokens: int
    reasoning_tokens: int
