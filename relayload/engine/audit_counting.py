"""Counts the answers that a process has kept, after its last request, and makes their lines."""

from collections.abc import Callable, Iterator
from functools import partial

import gevent
import msgspec

from relayload import clock
from relayload.core.audit.counting import Counted, Sent, bytes_to_count, counted, uncounted
from relayload.core.audit.encodings import encoding_of
from relayload.core.audit.questions import Answered
from relayload.core.audit.request_hash import request_hash
from relayload.core.audit.same_distribution import CHARACTERS
from relayload.core.limits.stated import share_left
from relayload.core.model.audited import Audited
from relayload.core.wire.formats import output_budget
from relayload.core.wire.kept import Kept
from relayload.engine.audit_sample import HeldAnswer
from relayload.profile import Profile
from relayload.profile.tokenizer import counter
from relayload.transport.keeping import read_kept
from relayload.transport.redaction import Secrets

MOST_COUNTED_BYTES = 8 << 20
"""How many bytes of texts one process counts, which takes about four seconds where they are English."""
COUNTED_WITHIN_S = 8.0
"""How long it counts, whatever they are."""

_LONG = 4_096
"""Texts from here on take more than a millisecond to be counted."""

Place = Callable[[HeldAnswer], Audited]
"""Makes the line of an answer, with its place in the run alone."""


def all_secrets(profile: Profile) -> Secrets:
    """Return what must not be in a text that is recorded: every key of the profile, and the values of all headers."""
    targets = profile.named_targets.values()
    keys = [key for target in targets for key in target.named_keys.values()]
    headers = [value for target in targets for value in (target.options.get("headers") or {}).values()]
    return Secrets("", [*headers, *profile.scenario_secrets], keys)


class AuditCounting:
    """Turns kept answers into lines of the recording."""

    def __init__(self, secrets: Secrets, *, keep_texts: bool, most_bytes: int = MOST_COUNTED_BYTES) -> None:
        self._secrets = secrets
        self._keep_texts = keep_texts
        self._left_bytes = most_bytes
        self._until_s = clock.now_s() + COUNTED_WITHIN_S

    def lines(self, held: list[HeldAnswer], place: Place, hurried: Callable[[], bool]) -> Iterator[Audited]:
        """Yield the line of each answer. What is beyond the budgets, or once it is `hurried`, is not counted.

        Others have their turn between two texts.
        """
        for answer in held:
            gevent.sleep(0)
            yield self._line(answer, place, count=not hurried() and clock.now_s() < self._until_s)

    def _line(self, held: HeldAnswer, place: Place, *, count: bool) -> Audited:
        job, attempt = held.job, held.attempt
        request = job.request()
        kept = read_kept(held.kept, request, self._secrets)
        encoding = encoding_of(job.model) or encoding_of(request.model)
        found = self._counted(Sent(request, job.shared_tokens, held.retried), kept, encoding if count else None)
        question = job.question
        return msgspec.structs.replace(
            place(held),
            streamed=request.stream,
            request=request_hash(request, job.model),
            encoding=encoding,
            counted_input=found.input,
            repeated_input=found.repeated_input,
            counted_output=found.output,
            counted_reasoning=found.reasoning,
            input_tokens=attempt.input_tokens,
            cached_input_tokens=attempt.cached_input_tokens,
            output_tokens=None if attempt.counted else attempt.output_tokens,
            reasoning_tokens=attempt.reasoning_tokens,
            total_tokens=kept.total_tokens,
            max_output_tokens=output_budget(request) or None,
            quota_left=share_left(held.limits),
            finish_reason=attempt.finish_reason,
            answered_model=kept.model,
            fingerprint=kept.fingerprint,
            question=None if question is None else question.question.id,
            passed=_passed(held, kept),
            text=self._text(held, kept),
        )

    def _counted(self, sent: Sent, kept: Kept, encoding: str | None) -> Counted:
        size = bytes_to_count(sent, kept)
        if encoding is None or size > self._left_bytes:
            return uncounted(sent)
        self._left_bytes -= size
        return counted(sent, kept, partial(self._count, counter(encoding)))

    def _count(self, count: Callable[[str], int], text: str) -> int:
        if len(text) > _LONG:
            gevent.sleep(0)
        return count(text) if text else 0

    def _text(self, held: HeldAnswer, kept: Kept) -> str | None:
        if not self._keep_texts and held.job.question is None:
            return None
        text = self._secrets.redacted(kept.text)
        return text if self._keep_texts else text[:CHARACTERS]


def _passed(held: HeldAnswer, kept: Kept) -> bool | None:
    asked = held.job.question
    if asked is None or asked.question.passes is None:
        return None
    attempt = held.attempt
    if kept.cut:
        return None
    return asked.question.passes(
        Answered(
            text=kept.text,
            finish_reason=attempt.finish_reason,
            output_tokens=attempt.output_tokens,
            calls=attempt.valid_tool_calls,
            has_logprobs=kept.has_logprobs,
        )
    )
