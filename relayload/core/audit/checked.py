"""Answers that can be right or wrong: the small checked set, and the fields of requests that are honoured or not."""

from collections.abc import Iterable, Sequence

from relayload.core.audit.findings import Checked, Feature
from relayload.core.audit.questions import CHECKED, FEATURES, kind_of
from relayload.core.audit.token_line import EACH_END
from relayload.core.model.audited import Audited
from relayload.core.printable import one_line
from relayload.core.stats.binomial import share_bounds

_MOST_CHARACTERS = 60


def checked(answers: Sequence[Audited]) -> list[Checked]:
    """Return by kind how many answers of one target by one model are right."""
    return [_share(kind, told) for kind in CHECKED if (told := [each for each in _of(kind, answers) if _tells(each)])]


def features(answers: Sequence[Audited]) -> list[Feature]:
    """Return which fields one target honours for one model, as far as it was asked."""
    return [_feature(name, asked) for name in FEATURES if (asked := _of(name, answers))]


def _of(kind: str, answers: Iterable[Audited]) -> list[Audited]:
    return [each for each in answers if each.question is not None and kind_of(each.question) == kind]


def _tells(answer: Audited) -> bool:
    return answer.passed is not None


def _share(kind: str, answers: Sequence[Audited]) -> Checked:
    passed = sum(bool(each.passed) for each in answers)
    return Checked(
        target=answers[0].target,
        model=answers[0].model,
        kind=kind,
        asked=len(answers),
        passed=passed,
        low=share_bounds(passed, len(answers), EACH_END)[0],
        high=share_bounds(passed, len(answers), EACH_END)[1],
    )


def _feature(name: str, answers: Sequence[Audited]) -> Feature:
    honoured, seen = _same_seed(answers) if name == "seed" else _passed(answers)
    return Feature(target=answers[0].target, model=answers[0].model, name=name, honoured=honoured, seen=seen)


def _same_seed(answers: Sequence[Audited]) -> tuple[bool | None, str]:
    """Judge by the texts: whoever has the same seed should have the same one."""
    texts = [(each.question, each.text) for each in answers if each.text is not None]
    repeated = len(texts) - len({question for question, _ in texts})
    others = len(set(texts)) - len({question for question, _ in texts})
    if not repeated:
        return None, "it was not asked twice"
    return not others, f"{others + 1} different texts with the same seed" if others else ""


def _passed(answers: Sequence[Audited]) -> tuple[bool | None, str]:
    failed = [each for each in answers if each.passed is False]
    if not failed:
        return (True, "") if any(map(_tells, answers)) else (None, _answered(answers[0]))
    times = f"{len(failed)} of {len(answers)}: " if len(answers) > 1 else ""
    return False, times + _answered(failed[0])


def _answered(answer: Audited) -> str:
    text = one_line(answer.text or "", _MOST_CHARACTERS)
    tokens = "" if answer.output_tokens is None else f" ({answer.output_tokens} tokens)"
    return f"it answered {text!r}{tokens}" if text else f"it answered nothing{tokens}"
