"""A recording of a reference: how a model answered the open questions when it was asked itself.

With it an audit needs no second target, and can tell what a swap for that model would have looked like.
"""

from collections.abc import Iterable

from msgspec import Struct

from relayload.core.audit.questions import kind_of, questions_sha256
from relayload.core.audit.same_distribution import CHARACTERS
from relayload.core.model.audited import Audited

SCHEMA_VERSION = 1


class ReferenceAnswers(Struct, frozen=True, kw_only=True):
    """What a target answered to the open questions: a file that `relayload audit --record` writes."""

    made_at: str
    """When, as ISO 8601 with a time zone."""
    base_url: str
    """The target, without credentials."""
    model: str
    temperature: float | None
    questions_sha256: str
    """`questions_sha256()` of the version that asked."""
    relayload: str
    """The version that wrote it."""
    answers: dict[str, list[str]]
    """By the id of the question, the beginning of each answer."""
    schema_version: int = SCHEMA_VERSION

    @property
    def fits(self) -> bool:
        """Whether these are answers to the questions of this version."""
        return self.questions_sha256 == questions_sha256()


def open_answers(answers: Iterable[Audited]) -> dict[str, list[str]]:
    """Return the beginnings of the answers to open questions, in order, by the id of the question."""
    found: dict[str, list[str]] = {}
    for answer in sorted(answers, key=lambda each: (each.intended_at_s, each.index)):
        if answer.text is not None and answer.question is not None and kind_of(answer.question) == "open":
            found.setdefault(answer.question, []).append(answer.text[:CHARACTERS])
    return dict(sorted(found.items()))
