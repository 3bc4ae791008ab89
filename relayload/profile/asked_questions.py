"""The questions of the audit that a scenario asks, and the requests that ask them."""

from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple

from relayload.core.audit.asking import asked
from relayload.core.audit.questions import Question
from relayload.core.traffic.dialogues import format_tokens, text_of
from relayload.core.wire.request import Endpoint
from relayload.profile.scenario import Scenario
from relayload.profile.tokenizer import count_tokens


class AskedQuestion(NamedTuple):
    """A question as it is asked at an endpoint."""

    question: Question
    fields: dict[str, Any]
    """More of the body, in the words of the endpoint."""
    tokens: int
    """The input tokens of its request, without those of its fields."""


class Questions(NamedTuple):
    """All questions of a scenario, which are asked one after the other and from the start again."""

    all: Sequence[AskedQuestion]

    @property
    def tokens(self) -> list[int]:
        """The input tokens of each."""
        return [each.tokens for each in self.all]

    @property
    def budgets(self) -> list[int]:
        """The most tokens of each answer."""
        return [each.question.max_output_tokens for each in self.all]

    def of(self, index: int) -> AskedQuestion:
        """Return the question of the arrival with that index."""
        return self.all[index % len(self.all)]


def known_questions(scenario: Scenario, seed: int = 0) -> Questions:
    """Return the questions of a scenario that has some."""
    found = _questions(scenario.question_kinds, seed, scenario.endpoint)
    return found if scenario.most_questions is None else Questions(found.all[: scenario.most_questions])


@cache
def _questions(kinds: tuple[str, ...], seed: int, endpoint: Endpoint) -> Questions:
    return Questions(
        tuple(AskedQuestion(question, fields, _tokens(question)) for question, fields in asked(kinds, seed, endpoint))
    )


def _tokens(question: Question) -> int:
    return format_tokens(len(question.messages)) + sum(count_tokens(text_of(each)) for each in question.messages)
