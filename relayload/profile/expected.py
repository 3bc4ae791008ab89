"""Mean sizes of a scenario's requests, for plans and forecasts."""

from statistics import fmean

from relayload.core.traffic.dialogues import Dialogue
from relayload.core.traffic.distributions import mean_of_least
from relayload.core.traffic.prompts import CHAT_TOKENS, NONCE_TOKENS
from relayload.core.wire.request import Endpoint
from relayload.profile.amounts import distribution
from relayload.profile.asked_questions import known_questions
from relayload.profile.prompt_texts import dialogues, expected_dialogue_tokens, expected_tokens
from relayload.profile.scenario import Scenario


def expected_input_tokens(scenario: Scenario) -> float:
    """Return the mean input tokens of a request, including the chat format; 0 if only a trace knows them."""
    if scenario.input_tokens is not None:
        return distribution(scenario.input_tokens).mean
    if scenario.question_kinds:
        return fmean(known_questions(scenario).tokens)
    if scenario.prompt is None:
        return 0.0
    known = dialogues_of(scenario)
    if known:
        tokens = expected_dialogue_tokens(known, first_turn=scenario.conversation is not None)
        return tokens + (NONCE_TOKENS if scenario.nonce else 0)
    text = expected_tokens(scenario.prompt, scenario.language) + (NONCE_TOKENS if scenario.nonce else 0)
    return scenario.inputs * text if scenario.endpoint is Endpoint.EMBEDDINGS else CHAT_TOKENS + text


def expected_turns(scenario: Scenario) -> float:
    """Return the mean number of requests for each arrival."""
    talk = scenario.conversation
    if talk is None:
        return 1.0
    known, drawn = dialogues_of(scenario), distribution(talk.turns)
    return mean_of_least(drawn, [len(each.turns) for each in known]) if known else drawn.mean


def dialogues_of(scenario: Scenario) -> tuple[Dialogue, ...]:
    """Return the conversations in the scenario's file; none for embeddings, which are of texts."""
    return () if scenario.endpoint is Endpoint.EMBEDDINGS else dialogues(scenario.prompt)
