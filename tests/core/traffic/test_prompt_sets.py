import pytest

from relayload.core.traffic import prompt_sets, prompt_sets_de, prompt_sets_zh
from relayload.fakerelay.asks import guessed_kind

KINDS = ["simple", "code", "math_proof", "image_reasoning"]


@pytest.mark.parametrize("sets", [prompt_sets.SETS, prompt_sets_de.SETS, prompt_sets_zh.SETS])
def test_every_language_has_the_four_kinds_with_several_prompts_each(sets):
    assert list(sets) == KINDS
    assert all(len(set(prompts)) == len(prompts) >= 4 for prompts in sets.values())


@pytest.mark.parametrize("kind", KINDS[:3])
def test_a_relay_that_looks_at_english_prompts_finds_their_kind(kind):
    assert {guessed_kind(prompt).value for prompt in prompt_sets.SETS[kind]} == {kind}
    assert len(prompt_sets.SETS[kind]) >= 12


def test_chinese_prompts_are_in_chinese_and_german_ones_in_german():
    assert all(
        any("一" <= letter <= "鿿" for letter in text) for texts in prompt_sets_zh.SETS.values() for text in texts
    )
    assert all("Beweise" in text for text in prompt_sets_de.SETS["math_proof"])
