"""What a request says: scenario and arrival -> the request on the wire, the same whoever sends it."""

from random import Random

from relayload.core.traffic.arrivals import Arrival
from relayload.core.traffic.prompts import messages
from relayload.core.wire.chat import chat_request
from relayload.core.wire.request import WireRequest
from relayload.profile.model import Profile
from relayload.profile.scenario import Scenario

KIND_HEADER = "x-relayload-kind"
"""Tells a fake relay which kind of request this is; other relays ignore it."""
OUTPUT_TOKENS_HEADER = "x-relayload-output-tokens"
"""Tells a fake relay how many tokens the traced answer had."""


class Composer:
    """Composes the requests of a profile. The prompt of an arrival depends on seed and index alone."""

    def __init__(self, profile: Profile) -> None:
        self._seed = profile.seed
        self._scenarios = tuple(profile.scenarios.values())

    def request(self, arrival: Arrival) -> WireRequest:
        scenario = self._scenarios[arrival.scenario]
        rng = Random(f"{self._seed}:{arrival.index}")
        return chat_request(
            scenario.model,
            messages(scenario.prompt, arrival.input_tokens, rng),
            stream=scenario.stream,
            max_output_tokens=scenario.max_output_tokens or arrival.output_tokens,
            temperature=scenario.temperature,
            reasoning_effort=scenario.reasoning_effort,
            headers=_hints(scenario, arrival),
        )


def _hints(scenario: Scenario, arrival: Arrival) -> dict[str, str]:
    hints = {}
    if isinstance(scenario.prompt, str):
        hints[KIND_HEADER] = scenario.prompt
    if arrival.output_tokens is not None:
        hints[OUTPUT_TOKENS_HEADER] = str(arrival.output_tokens)
    return hints
