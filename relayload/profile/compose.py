"""What a request says: scenario and arrival -> the request on the wire, the same whoever sends it."""

from random import Random
from statistics import fmean
from typing import Any

from relayload.core.traffic.arrivals import Arrival
from relayload.core.traffic.distributions import Distribution
from relayload.core.traffic.draws import Mix, stream, uniform
from relayload.core.traffic.prompt_sets import SETS
from relayload.core.traffic.prompts import CHAT_TOKENS, NONCE_TOKENS, Choose, PromptWriter, Wording
from relayload.core.traffic.prose import Prose
from relayload.core.wire.chat import chat_request
from relayload.core.wire.request import WireRequest
from relayload.profile.amounts import Amount, distribution
from relayload.profile.model import Profile
from relayload.profile.prompt import Prompt
from relayload.profile.scenario import Scenario
from relayload.profile.tokenizer import count_tokens

KIND_HEADER = "x-relayload-kind"
"""Tells a fake relay which kind of request this is; other relays ignore it."""
OUTPUT_TOKENS_HEADER = "x-relayload-output-tokens"
"""Tells a fake relay how many tokens the traced answer had."""


class Composer:
    """Composes the requests of a profile. What an arrival says depends on seed and index alone."""

    def __init__(self, profile: Profile) -> None:
        self._scenarios = tuple(
            _ScenarioComposer(profile.seed, name, scenario) for name, scenario in profile.scenarios.items()
        )

    def model(self, arrival: Arrival) -> str:
        """The model that the arrival asks."""
        return self._scenarios[arrival.scenario].model(arrival)

    def request(self, arrival: Arrival) -> WireRequest:
        return self._scenarios[arrival.scenario].request(arrival)


class _ScenarioComposer:
    """What all requests of a scenario have in common is made once."""

    def __init__(self, seed: int, name: str, scenario: Scenario) -> None:
        self._seed = seed
        self._scenario = scenario
        self._mix = Mix(scenario.models)
        self._input_tokens = _spread(scenario.input_tokens)
        self._output_tokens = _spread(scenario.max_output_tokens)
        self._writer = PromptWriter(
            None if scenario.prompt is None else _choice(scenario.prompt),
            Wording(scenario.nonce, scenario.shared_prefix),
            count_tokens,
            Prose(f"{seed}:prose:{name}"),
        )
        self._extra = _extra_fields(scenario)
        self._headers = {header: value.reveal() for header, value in scenario.headers.items()}
        if isinstance(scenario.prompt, str):
            self._headers = {KIND_HEADER: scenario.prompt, **self._headers}

    def model(self, arrival: Arrival) -> str:
        return self._mix.draw(self._seed, arrival.index, "model")

    def request(self, arrival: Arrival) -> WireRequest:
        return chat_request(
            self.model(arrival),
            [{"role": "user", "content": self._prompt(arrival)}],
            stream=self._scenario.stream,
            max_output_tokens=self._budget(arrival),
            temperature=self._scenario.temperature,
            reasoning_effort=self._scenario.reasoning_effort,
            extra=self._extra,
            headers=self._hinted(arrival),
        )

    def _prompt(self, arrival: Arrival) -> str:
        tokens = arrival.input_tokens
        if tokens is None and self._input_tokens is not None:
            tokens = self._input_tokens.at(uniform(self._seed, arrival.index, "input_tokens"))
        if tokens is not None:
            tokens = max(1, tokens - CHAT_TOKENS)
        return self._writer.write(arrival.index, tokens, stream(self._seed, arrival.index))

    def _budget(self, arrival: Arrival) -> int | None:
        if self._output_tokens is None:
            return arrival.output_tokens
        return self._output_tokens.at(uniform(self._seed, arrival.index, "max_output_tokens"))

    def _hinted(self, arrival: Arrival) -> dict[str, str]:
        if arrival.output_tokens is None:
            return self._headers
        return {OUTPUT_TOKENS_HEADER: str(arrival.output_tokens), **self._headers}


def expected_input_tokens(scenario: Scenario) -> float:
    """Mean tokens of a request's input, the chat format included; 0 where only a trace knows."""
    if scenario.input_tokens is not None:
        return distribution(scenario.input_tokens).mean
    if scenario.prompt is None:
        return 0.0
    nonce = NONCE_TOKENS if scenario.nonce else 0
    return CHAT_TOKENS + nonce + fmean(map(count_tokens, _texts(scenario.prompt)))


def _texts(prompt: Prompt) -> tuple[str, ...]:
    return SETS[prompt] if isinstance(prompt, str) else (prompt.text,)


def _choice(prompt: Prompt) -> Choose:
    texts = _texts(prompt)

    def choose(_index: int, rng: Random) -> str:
        return texts[0] if len(texts) == 1 else rng.choice(texts)

    return choose


def _spread(amount: Amount | None) -> Distribution | None:
    return None if amount is None else distribution(amount)


def _extra_fields(scenario: Scenario) -> dict[str, Any]:
    named = {
        "min_tokens": scenario.min_tokens,
        "ignore_eos": scenario.ignore_eos or None,
        "tools": scenario.tools,
        "tool_choice": scenario.tool_choice,
        "response_format": scenario.response_format,
    }
    return {name: value for name, value in named.items() if value is not None} | scenario.body
