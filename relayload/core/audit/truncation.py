"""Answers that were cut before their budget, and those that are none."""

import re

from relayload.core.audit.endings import CALLS, CUT, FILTERED
from relayload.core.model.audited import Audited

_NEARLY = 0.8
"""The share of the budget below which an answer was cut too early. Tokenizers differ by less."""
_REFUSAL = re.compile(
    r"^\W*(?:i['’]?m sorry|i am sorry|sorry,? but|i (?:can['’]?t|cannot) (?:help|assist|comply|do that)"
    r"|i['’]?m (?:unable|not able) to|i (?:must|have to) decline|i won['’]?t (?:help|assist)"
    r"|es tut mir leid|tut mir leid|das kann ich leider|je suis désolée?|lo siento|对不起|抱歉|很抱歉"
    r"|申し訳|すみませんが|извините|к сожалению)",
    re.IGNORECASE,
)


def is_truncated(answer: Audited) -> bool:
    """Return whether an answer says that it was cut at its budget, and is clearly shorter than that."""
    budget, length = answer.max_output_tokens, _length(answer)
    if answer.finish_reason not in CUT or length is None:
        return False
    return budget is None or length < _NEARLY * budget


def _length(answer: Audited) -> int | None:
    """Return the tokens of an answer by its text, and by its report where reasoning may be hidden."""
    if answer.counted_output is None:
        return answer.output_tokens
    hidden = 0 if answer.counted_reasoning else answer.reasoning_tokens or 0
    return answer.counted_output + (answer.counted_reasoning or 0) + hidden


def is_refused(answer: Audited) -> bool:
    """Return whether an answer was filtered, begins as refusals do, or says nothing at all."""
    if (answer.finish_reason or "").lower() in FILTERED:
        return True
    if answer.text is not None and _REFUSAL.match(answer.text):
        return True
    return answer.counted_output == 0 and answer.finish_reason not in (CUT | CALLS)
