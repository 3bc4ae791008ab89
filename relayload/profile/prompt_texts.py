"""The texts that a prompt of a profile stands for."""

from collections.abc import Mapping
from functools import partial
from statistics import fmean
from types import MappingProxyType

from relayload.core.traffic import prompt_sets, prompt_sets_de, prompt_sets_zh
from relayload.core.traffic.draws import Draws
from relayload.core.traffic.prompts import Choose
from relayload.core.traffic.templates import Draw, filled
from relayload.profile.prompt import Prompt, PromptFile, PromptTemplate, Variable
from relayload.profile.tokenizer import count_tokens

_SETS: Mapping[str, Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {"en": prompt_sets.SETS, "de": prompt_sets_de.SETS, "zh": prompt_sets_zh.SETS}
)
_SAMPLE = 200
"""Texts that an expectation is taken of."""


def text_choice(prompt: Prompt, language: str) -> Choose:
    """Which text an arrival has. Raises OSError or ValueError where a file can't be read."""
    if isinstance(prompt, PromptTemplate):
        return partial(_fill, prompt.template, {name: _draw(each) for name, each in prompt.variables.items()})
    known = texts(prompt, language)
    in_order = isinstance(prompt, PromptFile) and prompt.order == "file"
    return partial(_in_turn, known) if in_order or len(known) == 1 else partial(_any, known)


def texts(prompt: Prompt, language: str) -> tuple[str, ...]:
    """All texts that there are; samples of a template."""
    if isinstance(prompt, str):
        return _SETS[language][prompt]
    if isinstance(prompt, PromptFile):
        return prompt.content
    if isinstance(prompt, PromptTemplate):
        choose = text_choice(prompt, language)
        return tuple(choose(index, Draws(0, index)) for index in range(_SAMPLE))
    return (prompt.text,)


def expected_tokens(prompt: Prompt, language: str) -> float:
    """The mean of the texts' tokens."""
    return fmean(map(count_tokens, texts(prompt, language)[:_SAMPLE]))


def _fill(template: str, variables: Mapping[str, Draw], _index: int, draws: Draws) -> str:
    return filled(template, variables, draws.rng)


def _in_turn(known: tuple[str, ...], index: int, _draws: Draws) -> str:
    return known[index % len(known)]


def _any(known: tuple[str, ...], _index: int, draws: Draws) -> str:
    return known[draws.below(len(known), "text")]


def _draw(variable: Variable) -> Draw:
    if isinstance(variable, tuple):
        return lambda rng: rng.choice(variable)
    return lambda rng: str(rng.randint(variable.least, variable.most))
