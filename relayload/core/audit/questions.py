"""The questions of the audit: what is asked, and how an answer is checked.

`open` questions have no right answer: they show a model's distribution. `sums`, `json` and `needle` have one, and
`features` are about fields of the request. Every check is a function of the answer alone, and says None where the
answer does not tell.
"""

import hashlib
from collections.abc import Callable, Mapping
from types import MappingProxyType

from msgspec.json import encode

from relayload.core.audit import feature_questions
from relayload.core.audit.checked_questions import extractions, needle, sums
from relayload.core.audit.open_prompts import OPEN_PROMPTS
from relayload.core.audit.question import Answered, Check, Message, Question, user

__all__ = ["Answered", "Check", "Message", "Question", "kind_of", "questions", "questions_sha256"]

NEEDLE_TOKENS = 2_000
"""About how long the prompts of `needle` are."""
CONTEXT_TOKENS = 8_000
"""About how long the prompt of `context` is."""

CHECKED = ("sums", "json", "needle")
FEATURES = ("context", "max_tokens", "stop", "logprobs", "seed", "tools")
GROUPS: Mapping[str, tuple[str, ...]] = MappingProxyType({"checked": CHECKED, "features": FEATURES})
KINDS = ("open", *CHECKED, *FEATURES, *GROUPS)


def questions(kind: str, seed: int, context_tokens: int | None = None) -> tuple[Question, ...]:
    """Return the questions of a kind, or of all kinds of a group.

    The open ones are the same for each seed. `context_tokens` is about how long the prompts of `needle` and `context`
    are. Raises KeyError for kinds that do not exist.
    """
    if kind in GROUPS:
        return tuple(each for member in GROUPS[kind] for each in questions(member, seed, context_tokens))
    if kind in ("needle", "context"):
        count, tokens = (4, NEEDLE_TOKENS) if kind == "needle" else (1, CONTEXT_TOKENS)
        return tuple(needle(kind, number, seed, context_tokens or tokens) for number in range(count))
    return _MADE_BY[kind](seed)


def kind_of(question: str) -> str:
    """Return the kind of a question by its id."""
    return question.partition(":")[0]


def questions_sha256() -> str:
    """Return a hash of the open questions: recordings are comparable if they have the same."""
    asked = [(each.id, each.messages, each.max_output_tokens, each.temperature) for each in _open(0)]
    return hashlib.sha256(encode(asked, order="sorted")).hexdigest()


def _open(_seed: int) -> tuple[Question, ...]:
    return tuple(
        Question(id=f"open:{number}", messages=user(prompt), max_output_tokens=40, temperature=1.0)
        for number, prompt in enumerate(OPEN_PROMPTS)
    )


_MADE_BY: Mapping[str, Callable[[int], tuple[Question, ...]]] = MappingProxyType(
    {
        "open": _open,
        "sums": sums,
        "json": extractions,
        "max_tokens": feature_questions.max_tokens,
        "stop": feature_questions.stop,
        "logprobs": feature_questions.logprobs,
        "seed": feature_questions.seed,
        "tools": feature_questions.tools,
    }
)
