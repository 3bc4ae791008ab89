"""Puts an audit together: everything that the audited answers of a run tell of its targets."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from msgspec.structs import replace

from relayload.core.audit.changes import changes
from relayload.core.audit.checked import checked, features
from relayload.core.audit.counted import InputCounts, Key, by_target_and_model
from relayload.core.audit.findings import Audit, Change, Named, Usage
from relayload.core.audit.model_difference import Compared, controls, model_differences
from relayload.core.audit.reference import ReferenceAnswers, open_answers
from relayload.core.audit.same_distribution import Answers
from relayload.core.audit.usage import Payment, usage
from relayload.core.model.audited import Audited
from relayload.core.price import Price

RECORDED = "recorded"
"""The name of a reference that is a recording."""

ByModel = Mapping[str, list[Audited]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What an audit is judged by, beside the answers."""

    seed: int = 0
    reference: str | None = None
    """The target that the others are compared with."""
    recorded: ReferenceAnswers | None = None
    """Answers of a reference that was recorded earlier. Those of a target of the run are used rather than these."""
    against: tuple[ReferenceAnswers, ...] = ()
    """Recorded models that might have answered instead: whether that would have been seen."""
    prices: Mapping[Key, Price] = field(default_factory=dict)
    requests_per_month: Mapping[Key, float] = field(default_factory=dict)
    conditions: Mapping[str, str] = field(default_factory=dict)
    """The load of the stages: `low rate`, or another one to be compared with it."""
    sensitivities: bool = True
    """Whether to tell what the comparisons could have seen, which takes longest."""


def judge(answers: Sequence[Audited], terms: Terms) -> Audit:
    """Return what the audited answers of a run say of its targets. It takes some seconds where answers are compared."""
    groups = by_target_and_model(answers)
    reference = {model: own for (target, model), own in groups.items() if _is_reference(target, terms)}
    expected = _expected(groups, terms)
    audit = Audit(
        answers=len(answers),
        usage=tuple(_usage(own, reference, terms) for own in groups.values()),
        named=tuple(_named(key, own) for key, own in groups.items()),
        checked=tuple(each for own in groups.values() for each in checked(own)),
        features=tuple(each for own in groups.values() for each in features(own)),
        controls=tuple(controls({model: answers for model, (_, answers) in expected.items()}, terms.seed)),
        differences=tuple(
            model_differences(
                _comparisons(groups, expected, terms), terms.against, terms.seed, sensitive=terms.sensitivities
            )
        ),
        changes=tuple(
            changes(answers, terms.conditions, lambda each: _input_counts(each, reference, terms), terms.seed)
        ),
    )
    return replace(audit, doubts=tuple(_doubts(audit, terms)))


def _is_reference(target: str | None, terms: Terms) -> bool:
    return terms.reference is not None and target == terms.reference


def _usage(answers: Sequence[Audited], reference: ByModel, terms: Terms) -> Usage:
    key = (answers[0].target, answers[0].model)
    price, requests = terms.prices.get(key), terms.requests_per_month.get(key)
    payment = None if price is None or requests is None else Payment(price=price, requests_per_month=requests)
    return usage(answers, _others(answers[0], reference, terms), payment, terms.seed)


def _others(answer: Audited, reference: ByModel, terms: Terms) -> Sequence[Audited]:
    """Return the answers of the reference by the same model; none for those of the reference itself."""
    return () if _is_reference(answer.target, terms) else reference.get(answer.model, ())


def _input_counts(answer: Audited, reference: ByModel, terms: Terms) -> InputCounts:
    return InputCounts(_others(answer, reference, terms))


def _named(key: Key, answers: Iterable[Audited]) -> Named:
    target, model = key
    return Named(
        target=target,
        model=model,
        answered_models=_counts(each.answered_model for each in answers),
        fingerprints=_counts(each.fingerprint for each in answers),
    )


def _counts(names: Iterable[str | None]) -> dict[str, int]:
    return dict(Counter(name for name in names if name is not None).most_common())


def _expected(groups: Mapping[Key, list[Audited]], terms: Terms) -> dict[str, tuple[str, Answers]]:
    """Return the answers to open questions that others are compared with, by model, with the name of their source."""
    models = {model for _, model in groups}
    found: dict[str, tuple[str, Answers]] = {}
    recorded = terms.recorded
    if recorded is not None and recorded.fits:
        model = recorded.model if recorded.model in models or len(models) != 1 else next(iter(models))
        found[model] = (RECORDED, recorded.answers)
    for (target, model), own in groups.items():
        if _is_reference(target, terms) and (answers := open_answers(own)):
            found[model] = (target or "", answers)
    return found


def _comparisons(
    groups: Mapping[Key, list[Audited]], expected: Mapping[str, tuple[str, Answers]], terms: Terms
) -> list[Compared]:
    found = [
        Compared(
            target=target or "",
            reference=expected[model][0],
            model=model,
            expected=expected[model][1],
            answers=open_answers(own),
        )
        for (target, model), own in groups.items()
        if model in expected and not _is_reference(target, terms)
    ]
    return [each for each in found if each.answers]


def _doubts(audit: Audit, terms: Terms) -> Iterator[str]:
    """Yield why some of it should not be believed."""
    for control in audit.controls:
        if control.differs:
            yield f"the reference's answers differ from one another for {control.model}: others may differ as they do"
    if terms.recorded is not None and not terms.recorded.fits:
        yield "the recording of the reference has answers to other questions, so that nothing was compared with it"
    if terms.reference is not None and not any(_is_reference(each.target, terms) for each in audit.usage):
        yield f"no answer of the reference {terms.reference} was audited"
    controlled = {control.model for control in audit.controls}
    for model in sorted({each.model for each in audit.differences} - controlled):
        yield f"the reference gave too few answers by {model} to be compared with itself"
    for each in audit.differences:
        if each.sees_little:
            ones, others = each.answers
            yield (
                f"few answers of {each.target or 'the target'} by {each.model} were compared: {ones} and {others} to "
                f"{each.prompts} prompts"
            )
    yield from _changed_at_the_reference(audit.changes, terms)


def _changed_at_the_reference(changes: Sequence[Change], terms: Terms) -> Iterator[str]:
    """Yield what changes at the reference, too, so that it may be the time of day rather than the load."""
    for each in changes:
        if each.changed and _is_reference(each.target, terms):
            yield f"{each.quantity} of {each.model} changes at the reference, too: {each.condition}"
