"""What was counted of an answer, beside what was reported: the pairs that lines are drawn through."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from relayload.core.audit.endings import CALLS, CUT
from relayload.core.audit.token_line import FEWEST
from relayload.core.model.audited import Audited


class Pair(NamedTuple):
    """Tokens of one answer."""

    counted: int
    reported: int

    @property
    def excess(self) -> int:
        return self.reported - self.counted


class InputCounts:
    """The input tokens of answers: those counted here, or those that a reference reported of the same request."""

    def __init__(self, reference: Iterable[Audited] = ()) -> None:
        self._by_request: dict[str, int] = {}
        self._by_arrival: dict[tuple[str, int], int | None] = {}
        """None for arrivals of several requests, as dialogues are."""
        for each in reference:
            if each.input_tokens is not None:
                arrival = (each.scenario, each.index)
                self._by_arrival[arrival] = None if arrival in self._by_arrival else each.input_tokens
                self._by_request[each.request] = each.input_tokens

    def pair(self, answer: Audited) -> Pair | None:
        """Return the pair of an answer; None where one of both is not known."""
        counted = self.counted(answer)
        return None if counted is None or answer.input_tokens is None else Pair(counted, answer.input_tokens)

    def pairs(self, answers: Iterable[Audited]) -> list[tuple[Audited, Pair]]:
        """Return the pairs of the answers that have one."""
        return [(each, pair) for each in answers if (pair := self.pair(each))]

    def counted(self, answer: Audited) -> int | None:
        """Return the count of an answer. Requests to a target that has another name for the model go by arrival."""
        if answer.counted_input is not None:
            return answer.counted_input
        same = self._by_request.get(answer.request)
        return self._by_arrival.get((answer.scenario, answer.index)) if same is None else same


def output_pair(answer: Audited) -> Pair | None:
    """Return the output tokens of an answer that can be held against its text; None where there are none.

    Reasoning that was not sent is left out of what was reported. The tokens that the format of a tool call takes are
    not known, so that such answers are left out.
    """
    reported = answer.output_tokens
    if answer.counted_output is None or reported is None or answer.finish_reason in CALLS:
        return None
    if answer.counted_reasoning:
        return Pair(answer.counted_output + answer.counted_reasoning, reported)
    hidden = answer.reasoning_tokens or 0
    return Pair(answer.counted_output, reported - hidden) if hidden <= reported else None


def output_pairs(answers: Sequence[Audited]) -> list[tuple[Audited, Pair]]:
    """Return the pairs of answers that ended by themselves; of all, if these are few."""
    ended = ended_pairs(answers)
    return ended if len(ended) >= FEWEST else [(each, pair) for each in answers if (pair := output_pair(each))]


def ended_pairs(answers: Iterable[Audited]) -> list[tuple[Audited, Pair]]:
    """Return the pairs of answers that ended by themselves.

    The token that ends an answer is counted by some relays, and an answer that was cut has none.
    """
    return [(each, pair) for each in answers if each.finish_reason not in CUT and (pair := output_pair(each))]


def hides_reasoning(answer: Audited) -> bool:
    """Return whether reasoning was reported of which nothing was sent."""
    return bool(answer.reasoning_tokens) and not answer.counted_reasoning


Key = tuple[str | None, str]
"""A target, and a model."""


def by_target_and_model(answers: Iterable[Audited]) -> Mapping[Key, list[Audited]]:
    """Return the answers by target and model, each in the order of their requests."""
    found: dict[Key, list[Audited]] = {}
    for answer in sorted(answers, key=lambda each: (each.intended_at_s, each.index)):
        found.setdefault((answer.target, answer.model), []).append(answer)
    return dict(sorted(found.items(), key=lambda each: (each[0][0] or "", each[0][1])))
