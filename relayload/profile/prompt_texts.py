"""The texts and conversations that a prompt of a profile stands for."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from statistics import fmean
from types import MappingProxyType
from typing import TypeVar

from relayload.core.traffic.dialogues import Dialogue, format_tokens, text_of
from relayload.core.traffic.draws import Draws
from relayload.core.traffic.prompts import Choose
from relayload.core.traffic.templates import Draw, filled
from relayload.profile.prompt import Prompt, PromptFile, PromptTemplate, Variable
from relayload.profile.prompt_sets import prompt_sets
from relayload.profile.tokenizer import count_tokens

Known = TypeVar("Known")
ChooseDialogue = Callable[[int, Draws], Dialogue]

_SET_TOKENS: Mapping[str, Mapping[str, int]] = MappingProxyType(
    {
        "en": {"simple": 246, "code": 429, "math_proof": 371, "image_reasoning": 211},
        "de": {"simple": 76, "code": 135, "math_proof": 103, "image_reasoning": 70},
        "zh": {"simple": 73, "code": 120, "math_proof": 84, "image_reasoning": 63},
    }
)
"""Tokens of all texts of a set together, counted in advance because reading the vocabulary takes a quarter of a second.
"""
_SAMPLE = 200
"""How many texts an expectation is taken over."""


def text_choice(prompt: Prompt, language: str) -> Choose:
    """Return the function that chooses the text of an arrival. Raises OSError or ValueError if a file can't be read."""
    if isinstance(prompt, PromptTemplate):
        return partial(_fill, prompt.template, {name: _draw(each) for name, each in prompt.variables.items()})
    known = texts(prompt, language)
    in_order = isinstance(prompt, PromptFile) and prompt.order == "file"
    return partial(_in_turn, known) if in_order or len(known) == 1 else partial(_any, known)


def texts(prompt: Prompt, language: str) -> tuple[str, ...]:
    """Return all texts of a prompt, or samples of a template."""
    if isinstance(prompt, str):
        return prompt_sets(language)[prompt]
    if isinstance(prompt, PromptFile):
        return prompt.content
    if isinstance(prompt, PromptTemplate):
        choose = text_choice(prompt, language)
        return tuple(choose(index, Draws(0, index)) for index in range(_SAMPLE))
    return (prompt.text,)


def dialogues(prompt: Prompt | None) -> tuple[Dialogue, ...]:
    """Return the conversations of a prompt; empty if it has texts."""
    return prompt.prompts.dialogues if isinstance(prompt, PromptFile) else ()


def dialogue_choice(prompt: Prompt | None) -> ChooseDialogue | None:
    """Return the function that chooses the conversation of an arrival; None if the prompt has texts."""
    known = dialogues(prompt)
    if not known:
        return None
    in_order = isinstance(prompt, PromptFile) and prompt.order == "file"
    return partial(_in_turn, known) if in_order else partial(_any, known)


def expected_tokens(prompt: Prompt, language: str) -> float:
    """Return the mean tokens of a text."""
    if isinstance(prompt, str):
        return _SET_TOKENS[language][prompt] / len(prompt_sets(language)[prompt])
    return fmean(map(count_tokens, texts(prompt, language)[:_SAMPLE]))


def expected_dialogue_tokens(known: Sequence[Dialogue], *, first_turn: bool) -> float:
    """Return the mean tokens of a request with a conversation, or its first turn, including the chat format."""
    requests = (dialogue.turns[0] if first_turn else dialogue.messages for dialogue in known[:_SAMPLE])
    return fmean(
        format_tokens(len(messages)) + sum(count_tokens(text_of(each)) for each in messages) for messages in requests
    )


def _fill(template: str, variables: Mapping[str, Draw], _index: int, draws: Draws) -> str:
    return filled(template, variables, draws.rng)


def _in_turn(known: Sequence[Known], index: int, _draws: Draws) -> Known:
    return known[index % len(known)]


def _any(known: Sequence[Known], _index: int, draws: Draws) -> Known:
    return known[draws.below(len(known), "text")]


def _draw(variable: Variable) -> Draw:
    if isinstance(variable, tuple):
        return lambda rng: rng.choice(variable)
    return lambda rng: str(rng.randint(variable.least, variable.most))
