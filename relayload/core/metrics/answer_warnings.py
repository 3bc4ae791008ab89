"""The warnings of a summary about answers that count although they are odd."""

from collections import Counter
from collections.abc import Iterator

from relayload.core.metrics.selection import Selection
from relayload.core.model.record import UNRECORDABLE, Outcome, Remark


def remarks_on(answers: Selection) -> Iterator[str]:
    """Yield a line for each oddity, with the number of answers that have it."""
    all_tagged = answers.by_tags.values()
    ok = _remarks(answers.where(lambda tags: tags.outcome == Outcome.OK.value))
    buffered = sum(tagged.buffered for tagged in all_tagged)
    counted = sum(tagged.tokens.counted for tagged in all_tagged)
    if buffered:
        yield f"{buffered} streams came in one piece at their end: something on the way buffers them"
    if counted:
        zero = ", or one of 0" if ok[Remark.ZERO_USAGE] else ""
        yield f"{counted} answers told no usage{zero}: their chunks were counted as tokens"
    if count := ok[Remark.ZERO_USAGE]:
        yield f"{count} answers told a usage of 0 output tokens, though there were some: it was not believed"
    if count := ok[Remark.REPLACED]:
        yield f"{count} answers had halves of characters or bytes that are no UTF-8: they were replaced by U+FFFD"
    if count := ok[Remark.INVALID_CALL]:
        yield f"{count} ok answers have a tool call whose arguments do not parse"
    if count := ok[Remark.UNFIT]:
        yield f"{count} ok answers do not fit the JSON schema that they were asked to fit"
    if in_part := sum(tagged.thought_in_part for tagged in all_tagged):
        yield f"{in_part} streams held a part of their reasoning alone, such as a summary: no TPOT"
    if untimed := sum(tagged.untimed for tagged in all_tagged):
        yield f"{untimed} streams were recorded by an older relayload: no TPOT and no output_rate of these"
    if unrecordable := sum(len(tagged) for tags, tagged in answers.by_tags.items() if tags.error == UNRECORDABLE):
        yield f"{unrecordable} answers were too odd to be recorded: their tokens and words are left out"
    yield from _on_finish_reasons(answers, ok[Remark.NO_FINISH_REASON])


def _on_finish_reasons(answers: Selection, ok: int) -> Iterator[str]:
    broken = _remarks(answers)[Remark.NO_FINISH_REASON] - ok
    if ok:
        yield f"{ok} streams were ok without a finish reason, as target.finish_reason: optional allows"
    if broken:
        yield (
            f"{broken} streams ended with [DONE] but without a finish reason, and count as broken: if this relay never "
            "sends one, write target.finish_reason: optional"
        )


def _remarks(answers: Selection) -> Counter[str]:
    return sum((tagged.remarks for tagged in answers.by_tags.values()), Counter())
