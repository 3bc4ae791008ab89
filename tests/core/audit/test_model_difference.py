import pytest
from audit_simulation import Writer, answers_of, recorded, seen_of, smallest_shares

from relayload.core.audit import levels
from relayload.core.audit.model_difference import Compared, controls, model_differences
from relayload.core.audit.same_distribution import Answers


def _compared(expected: Answers, answers: Answers, model: str = "m") -> Compared:
    return Compared(target="relay", reference="vendor", model=model, expected=expected, answers=answers)


PROMPTS, EACH = 12, 6
VENDOR = answers_of(Writer(), "vendor", PROMPTS, EACH)


def test_the_same_model_does_not_differ_and_another_does() -> None:
    same, other = answers_of(Writer(), "same", PROMPTS, EACH), answers_of(Writer(0.6), "other", PROMPTS, EACH)
    first, second = model_differences([_compared(VENDOR, same), _compared(VENDOR, other, "n")], (), 1, sensitive=False)
    assert (first.differs, second.differs) == (False, True)
    assert abs(first.mmd) < 2 < second.mmd
    assert (second.prompts, second.answers, second.model) == (12, (72, 72), "n")
    assert 0 < second.p <= levels.DIFFERENCES < first.p


def test_p_values_are_corrected_for_the_comparisons() -> None:
    other = answers_of(Writer(0.6), "other", PROMPTS, EACH)
    alone = model_differences([_compared(VENDOR, other)], (), 1, sensitive=False)[0]
    three = model_differences([_compared(VENDOR, other, str(n)) for n in range(3)], (), 1, sensitive=False)
    assert three[0].p == pytest.approx(alone.p, rel=0.05)
    assert three[0].differs


def test_sources_without_a_prompt_in_common_are_not_compared() -> None:
    assert model_differences([_compared(VENDOR, {"open:99": ["a", "b"]})], (), 1) == []


def test_the_control_compares_every_second_answer() -> None:
    mixed = {prompt: [text for both in zip(own, other, strict=True) for text in both] for prompt, own, other in _both()}
    found = {each.model: each for each in controls({"steady": VENDOR, "mixed": mixed}, 1)}
    assert (found["steady"].differs, found["steady"].answers) == (False, (36, 36))
    assert found["mixed"].differs


def _both() -> list[tuple[str, list[str], list[str]]]:
    other = answers_of(Writer(0.6), "other", PROMPTS, EACH)
    return [(prompt, [*VENDOR[prompt]], [*other[prompt]]) for prompt in VENDOR]


def test_a_comparison_tells_what_it_could_have_seen() -> None:
    same = answers_of(Writer(), "same", PROMPTS, EACH)
    (found,) = model_differences([_compared(VENDOR, same)], [recorded(Writer(0.6), "far", PROMPTS, EACH)], 1)
    recorded_one, nothing_alike = found.sensitivity
    assert (recorded_one.against, nothing_alike.against) == ("moved 0.6", None)
    assert (recorded_one.seen_in_100, nothing_alike.seen_in_100) == (100, 100)
    assert recorded_one.smallest_share is not None
    assert nothing_alike.smallest_share is not None
    assert 0 < nothing_alike.smallest_share < recorded_one.smallest_share < 1


def test_few_answers_could_have_seen_nothing() -> None:
    few = answers_of(Writer(), "few", 2, 2)
    (found,) = model_differences([_compared(few, answers_of(Writer(), "more", 2, 2))], (), 1)
    assert found.sensitivity[0].smallest_share is None


@pytest.mark.slow
@pytest.mark.parametrize("moved", [0.3, 0.45, 0.6])
def test_a_whole_swap_is_seen(moved: float) -> None:
    """By 50 prompts with 10 answers of each, at a total variation distance of 0.3 or more at each place."""
    assert seen_of(moved, 1.0, 200) >= 198


@pytest.mark.slow
def test_the_share_that_would_be_seen_in_90_of_100_audits_is() -> None:
    told = [share for _, share in smallest_shares(0.6, 10) if share is not None]
    assert len(told) == 10
    assert 80 <= seen_of(0.6, sum(told) / len(told), 100) <= 97
