"""What can't be right in the report of an answer, whatever the tokenizer: each fault with how many answers have it.

Where honest reports differ by a little, as chat formats and tokenizers do, so much is let pass.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from statistics import fmean
from types import MappingProxyType

from relayload.core.audit import levels
from relayload.core.audit.counted import InputCounts, output_pair, output_pairs
from relayload.core.audit.deviations import Pairs, deviation_p, drawn
from relayload.core.audit.endings import FILTERED
from relayload.core.audit.token_line import FEWEST
from relayload.core.model.audited import Audited
from relayload.core.stats.permutation import draws_for

FORMAT_TOKENS = 4
"""By how much reports of the same request may differ."""
_END_TOKENS = 2
"""What ends an answer may be counted beyond its budget."""
_PREAMBLE_TOKENS = 128
"""What a chat format puts before every prompt, and a block of a cache: so much is repeated in prompts of their own."""
_TOKENIZER = 1.05
"""How much a prefix may have by another tokenizer."""
_LOOSE_TOKENS = 20
_LOOSE = 1.5
"""Reports of output are this much beyond the text, or the text beyond them, before one answer alone tells something."""


def _total_is_not_the_sum(answer: Audited) -> bool:
    known = (answer.total_tokens, answer.input_tokens, answer.output_tokens)
    return None not in known and answer.total_tokens != (answer.input_tokens or 0) + (answer.output_tokens or 0)


def _cached_above_input(answer: Audited) -> bool:
    return _exceeds(answer.cached_input_tokens, answer.input_tokens)


def _cached_never_sent(answer: Audited) -> bool:
    """Return whether more was read from a cache than an earlier request can have put there."""
    repeated = answer.repeated_input
    return repeated is not None and _exceeds(answer.cached_input_tokens, _TOKENIZER * repeated + _PREAMBLE_TOKENS)


def _reasoning_above_output(answer: Audited) -> bool:
    return _exceeds(answer.reasoning_tokens, answer.output_tokens)


def _output_above_budget(answer: Audited) -> bool:
    budget = answer.max_output_tokens
    return budget is not None and _exceeds(answer.output_tokens, budget + _END_TOKENS)


def _output_without_text(answer: Audited) -> bool:
    """Return whether far more output was reported than the text has; a filter may have taken text away."""
    pair = None if answer.finish_reason in FILTERED else output_pair(answer)
    return pair is not None and pair.reported > _LOOSE * pair.counted + _LOOSE_TOKENS


def _text_above_output(answer: Audited) -> bool:
    pair = output_pair(answer)
    return pair is not None and pair.counted > _LOOSE * pair.reported + _LOOSE_TOKENS


def _exceeds(tokens: int | None, most: float | None) -> bool:
    return tokens is not None and most is not None and tokens > most


_OF_ONE_ANSWER: Mapping[str, Callable[[Audited], bool]] = MappingProxyType(
    {
        "total_is_not_the_sum": _total_is_not_the_sum,
        "cached_above_input": _cached_above_input,
        "cached_never_sent": _cached_never_sent,
        "reasoning_above_output": _reasoning_above_output,
        "output_above_budget": _output_above_budget,
        "output_without_text": _output_without_text,
        "text_above_output": _text_above_output,
    }
)

FAULTS: Mapping[str, str] = MappingProxyType(
    {
        "total_is_not_the_sum": "the total is not input and output together",
        "cached_above_input": "more input was read from a cache than there was",
        "cached_never_sent": "more input was read from a cache than was ever sent before",
        "reasoning_above_output": "more reasoning than output",
        "output_above_budget": "more output than was asked for at most",
        "output_without_text": "far more output than there is text",
        "text_above_output": "far more text than output",
        "same_request_differs": "the same request was reported with other input tokens",
        "streamed_input_differs": "input of streamed and plain answers was reported differently",
        "streamed_output_differs": "output of streamed and plain answers was reported differently",
    }
)
"""Each fault in words."""


def faults(answers: Sequence[Audited], counts: InputCounts, seed: int) -> dict[str, int]:
    """Return the faults in the reports of a target on a model, by the number of answers that have them."""
    found = {name: sum(map(has, answers)) for name, has in _OF_ONE_ANSWER.items()}
    found["same_request_differs"] = _same_request_differs(answers)
    found["streamed_input_differs"] = _streamed_differs(counts.pairs(answers), seed)
    found["streamed_output_differs"] = _streamed_differs(output_pairs(answers), seed)
    return {name: number for name, number in found.items() if number}


def _same_request_differs(answers: Iterable[Audited]) -> int:
    """Return how many answers report other input tokens than most of those to the same request."""
    reports: dict[str, Counter[int]] = defaultdict(Counter)
    for answer in answers:
        if answer.input_tokens is not None:
            reports[answer.request][answer.input_tokens] += 1
    return sum(map(_unusual, reports.values()))


def _unusual(counts: Counter[int]) -> int:
    usual = counts.most_common(1)[0][0]
    return sum(number for tokens, number in counts.items() if abs(tokens - usual) > FORMAT_TOKENS)


def _streamed_differs(pairs: Pairs, seed: int) -> int:
    """Return how many answers are of the kind that is reported with more; 0 where both are reported alike.

    They have to be reported with more tokens than a format takes, on average, and to lie elsewhere beside the line
    through all of them, by a permutation test within each scenario.
    """
    plain, streamed = (drawn([each for each in pairs if each[0].streamed is kind], seed) for kind in (False, True))
    if min(len(plain), len(streamed)) < FEWEST:
        return 0
    more = _mean_excess(streamed) - _mean_excess(plain)
    if abs(more) <= FORMAT_TOKENS or deviation_p(plain, streamed, seed, _DRAWS) > levels.STREAMED:
        return 0
    return sum(each.streamed is (more > 0) for each, _ in pairs)


_DRAWS = draws_for(levels.STREAMED, 1)


def _mean_excess(pairs: Pairs) -> float:
    return fmean(pair.excess for _, pair in pairs)
