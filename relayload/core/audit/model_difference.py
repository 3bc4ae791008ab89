"""Does a target answer as the reference does, asked for the same model? A control comes first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from relayload.core.audit import levels
from relayload.core.audit.findings import Control, ModelDifference, Sensitivity
from relayload.core.audit.reference import ReferenceAnswers
from relayload.core.audit.same_distribution import Answers, Difference, difference
from relayload.core.audit.sensitivity import sensitivity, swapped_for, swapped_for_nothing_alike
from relayload.core.stats.permutation import draws_for
from relayload.core.stats.rank_sum import holm


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """The answers of a target beside those of a reference. The prompts that one of them lacks are left out."""

    target: str
    reference: str
    model: str
    expected: Answers
    """Those of the reference."""
    answers: Answers


def controls(references: Mapping[str, Answers], seed: int) -> list[Control]:
    """Compare every second answer of the reference with the others, by model.

    They are taken in turns, as those of the reference and of a target are, so that what changes slowly is in both.
    """
    halves = {
        model: ({p: each[::2] for p, each in answers.items()}, {p: each[1::2] for p, each in answers.items()})
        for model, answers in references.items()
    }
    draws = draws_for(levels.CONTROL, len(halves))
    found = {model: difference(*each, seed, draws) for model, each in halves.items()}
    known = {model: each for model, each in found.items() if each is not None}
    return [
        Control(model=model, answers=each.answers, p=p, differs=p <= levels.CONTROL)
        for (model, each), p in zip(known.items(), holm([each.p for each in known.values()]), strict=True)
    ]


def model_differences(
    comparisons: Sequence[Compared], against: Sequence[ReferenceAnswers], seed: int, *, sensitive: bool = True
) -> list[ModelDifference]:
    """Compare all, with Holm's correction. `sensitive` tells for each what it could have seen, which takes longest."""
    draws = draws_for(levels.DIFFERENCES, len(comparisons))
    found = [(each, difference(each.expected, each.answers, seed, draws)) for each in comparisons]
    known = [(each, seen) for each, seen in found if seen is not None]
    level = levels.DIFFERENCES / max(1, len(known))
    corrected = holm([seen.p for _, seen in known])
    return [
        _model_difference(each, seen, p, _sensitivities(each, against, level, seed) if sensitive else ())
        for (each, seen), p in zip(known, corrected, strict=True)
    ]


def _model_difference(
    compared: Compared, seen: Difference, p: float, sensitivities: tuple[Sensitivity, ...]
) -> ModelDifference:
    return ModelDifference(
        target=compared.target,
        reference=compared.reference,
        model=compared.model,
        prompts=seen.prompts,
        answers=seen.answers,
        mmd=seen.mmd / seen.prompts,
        p=p,
        differs=p <= levels.DIFFERENCES,
        sensitivity=sensitivities,
    )


def _sensitivities(
    compared: Compared, against: Sequence[ReferenceAnswers], level: float, seed: int
) -> tuple[Sensitivity, ...]:
    """Return what a swap for each recorded model would have shown, and last for one of no overlap."""
    expected = compared.expected
    sizes = {
        prompt: (len(expected[prompt]), len(compared.answers[prompt]))
        for prompt in expected
        if min(len(expected[prompt]), len(compared.answers.get(prompt, ()))) >= 2
    }
    recorded = [(each.model, swapped_for(expected, sizes, each.answers)) for each in against]
    return (
        *(sensitivity(prompts, model, level, seed) for model, prompts in recorded if prompts),
        sensitivity(swapped_for_nothing_alike(expected, sizes), None, level, seed),
    )
