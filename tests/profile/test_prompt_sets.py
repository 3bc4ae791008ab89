import pytest

from relayload.fakerelay.parsed_request import guessed_kind
from relayload.profile.prompt_sets import NAMES, prompt_sets


@pytest.mark.parametrize("language", ["en", "de", "zh"])
def test_every_language_has_the_four_kinds_with_several_prompts_each(language):
    sets = prompt_sets(language)
    assert tuple(sets) == NAMES
    assert all(len(set(prompts)) == len(prompts) >= 4 for prompts in sets.values())


@pytest.mark.parametrize("kind", NAMES[:3])
def test_a_relay_that_looks_at_english_prompts_finds_their_kind(kind):
    assert {guessed_kind(prompt).value for prompt in prompt_sets("en")[kind]} == {kind}
    assert len(prompt_sets("en")[kind]) >= 12


def test_chinese_prompts_are_in_chinese_and_german_ones_in_german():
    assert all(any("一" <= letter <= "鿿" for letter in text) for texts in prompt_sets("zh").values() for text in texts)
    assert all("Beweise" in text for text in prompt_sets("de")["math_proof"])
