"""Does something change with the load? Answers at a low rate beside those under another condition.

An answer whose relay says that little is left of a quota is also held against those of which more was left.

All tests deal out the conditions anew within what is comparable: the answers to one question, or the reports on one
kind of request. Their p-values are corrected for all looks together.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, median

from relayload.core.audit import levels
from relayload.core.audit.counted import InputCounts, by_target_and_model, ended_pairs
from relayload.core.audit.deviations import Pairs, deviation_p, drawn
from relayload.core.audit.findings import Change
from relayload.core.audit.questions import CHECKED, kind_of
from relayload.core.audit.reference import open_answers
from relayload.core.audit.same_distribution import difference
from relayload.core.audit.token_line import FEWEST
from relayload.core.audit.truncation import is_refused, is_truncated
from relayload.core.model.audited import Audited
from relayload.core.stats.permutation import count_p, draws_for, shift_p
from relayload.core.stats.rank_sum import holm

LOW_RATE = "low rate"
"""The condition that those of other stages are compared with."""
QUOTA_USED = "quota nearly used"
_NEARLY_USED = 0.1
"""The share of a quota from which down little is left."""


@dataclass(frozen=True, slots=True)
class _Look:
    """One comparison before it is corrected. `p` takes how often to deal out conditions."""

    quantity: str
    answers: tuple[int, int]
    before: float | None
    under: float | None
    p: Callable[[int], float]


def changes(
    answers: Iterable[Audited], conditions: Mapping[str, str], counts: Callable[[Audited], InputCounts], seed: int
) -> list[Change]:
    """Return what was looked at, by target, model and condition. `conditions` are those of the stages.

    Quantities of which one condition has fewer than eight answers are left out.
    """
    looks = [
        (key, condition, look)
        for key, own in by_target_and_model(answers).items()
        for condition, low, under in _pairs_of_conditions(own, conditions)
        for look in _looks(low, under, counts(own[0]), seed)
    ]
    draws = draws_for(levels.CHANGES, len(looks))
    corrected = holm([look.p(draws) for *_, look in looks])
    return [
        Change(
            target=target,
            model=model,
            quantity=look.quantity,
            condition=condition,
            answers=look.answers,
            before=look.before,
            under=look.under,
            p=p,
            changed=p <= levels.CHANGES,
        )
        for ((target, model), condition, look), p in zip(looks, corrected, strict=True)
    ]


def _pairs_of_conditions(
    answers: Sequence[Audited], conditions: Mapping[str, str]
) -> Iterable[tuple[str, list[Audited], list[Audited]]]:
    found: dict[str, list[Audited]] = {}
    for answer in answers:
        if (condition := conditions.get(answer.stage)) is not None:
            found.setdefault(condition, []).append(answer)
    low = found.pop(LOW_RATE, [])
    left = [answer for answer in answers if answer.measured and answer.quota_left is not None]
    little, enough = ([each for each in left if _is_little(each) is used] for used in (True, False))
    return [*((condition, low, under) for condition, under in sorted(found.items())), (QUOTA_USED, enough, little)]


def _is_little(answer: Audited) -> bool:
    return answer.quota_left is not None and answer.quota_left <= _NEARLY_USED


def _looks(low: Sequence[Audited], under: Sequence[Audited], counts: InputCounts, seed: int) -> list[_Look]:
    found = [
        _factor("input_factor", counts.pairs(low), counts.pairs(under), seed),
        _factor("output_factor", ended_pairs(low), ended_pairs(under), seed),
        _open_answers(low, under, seed),
        _lengths(low, under, seed),
        _share("truncated", low, under, _truncated),
        _share("refused", low, under, _refused),
        _share("checked", low, under, _checked),
    ]
    return [look for look in found if look is not None and min(look.answers) >= FEWEST]


_Strata = dict[str, tuple[list[float], list[float]]]
"""The values at the low rate and under the condition, by what is comparable."""


def _factor(quantity: str, low: Pairs, under: Pairs, seed: int) -> _Look | None:
    """Compare how far reports lie from the line through all of them."""
    before, after = drawn(low, seed), drawn(under, seed)
    if not before or not after:
        return None
    sizes = len(before), len(after)
    return _Look(
        quantity,
        sizes,
        _ratio(before),
        _ratio(after),
        lambda draws: deviation_p(before, after, seed, draws),
    )


def _ratio(pairs: Pairs) -> float | None:
    counted = sum(pair.counted for _, pair in pairs)
    return sum(pair.reported for _, pair in pairs) / counted if counted else None


def _open_answers(low: Sequence[Audited], under: Sequence[Audited], seed: int) -> _Look | None:
    """Compare the texts of open answers, question by question."""
    before, after = open_answers(low), open_answers(under)
    both = {each for each in before if min(len(before[each]), len(after.get(each, ()))) >= 2}
    if not both:
        return None

    def p(draws: int) -> float:
        found = difference(before, after, seed, draws)
        return 1.0 if found is None else found.p

    sizes = sum(len(before[each]) for each in both), sum(len(after[each]) for each in both)
    return _Look("answers", sizes, None, None, p)


def _lengths(low: Sequence[Audited], under: Sequence[Audited], seed: int) -> _Look | None:
    strata = _strata(low, under, _length)
    return _look("answer_length", strata, median, lambda draws: shift_p(strata, seed, draws))


def _share(
    quantity: str,
    low: Sequence[Audited],
    under: Sequence[Audited],
    value_of: Callable[[Audited], tuple[str, float] | None],
) -> _Look | None:
    strata = _strata(low, under, value_of)
    return _look(quantity, strata, fmean, lambda _: count_p(strata))


def _strata(
    low: Sequence[Audited], under: Sequence[Audited], value_of: Callable[[Audited], tuple[str, float] | None]
) -> _Strata:
    """Return the values of both conditions, by what is comparable, as far as both have some."""
    found: _Strata = {}
    for side, answers in enumerate((low, under)):
        for each in answers:
            if (known := value_of(each)) is not None:
                found.setdefault(known[0], ([], []))[side].append(known[1])
    return {stratum: groups for stratum, groups in found.items() if all(groups)}


def _look(
    quantity: str, strata: _Strata, typical: Callable[[list[float]], float], p: Callable[[int], float]
) -> _Look | None:
    if not strata:
        return None
    before, after = ([value for groups in strata.values() for value in groups[side]] for side in (0, 1))
    return _Look(quantity, (len(before), len(after)), typical(before), typical(after), p)


def _length(answer: Audited) -> tuple[str, float] | None:
    length = answer.output_tokens if answer.counted_output is None else answer.counted_output
    return None if answer.question is None or length is None else (answer.question, length)


def _truncated(answer: Audited) -> tuple[str, float] | None:
    """By the kind of question, or the scenario for the traffic of the profile."""
    if answer.finish_reason is None:
        return None
    return answer.question or f"scenario:{answer.scenario}", is_truncated(answer)


def _refused(answer: Audited) -> tuple[str, float] | None:
    return answer.question or f"scenario:{answer.scenario}", is_refused(answer)


def _checked(answer: Audited) -> tuple[str, float] | None:
    if answer.question is None or answer.passed is None or kind_of(answer.question) not in CHECKED:
        return None
    return kind_of(answer.question), answer.passed
