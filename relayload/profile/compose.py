"""What a request says: scenario and arrival -> the request on the wire, the same whoever sends it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from random import Random
from typing import Any, NamedTuple

from relayload.core.traffic.arrivals import Arrival
from relayload.core.traffic.blocks import BLOCK_TOKENS, Blocks
from relayload.core.traffic.dialogues import Dialogue, ended, users
from relayload.core.traffic.distributions import Distribution, mean_of_least
from relayload.core.traffic.draws import Draws, Mix, uniform
from relayload.core.traffic.images import Picture
from relayload.core.traffic.prompts import CHAT_TOKENS, NONCE_TOKENS, PromptWriter, Wording
from relayload.core.traffic.prose import Prose
from relayload.core.wire.chat import chat_content, chat_images, chat_request
from relayload.core.wire.embeddings import embeddings_request
from relayload.core.wire.form import Form
from relayload.core.wire.request import Endpoint, Timeouts, WireRequest
from relayload.core.wire.response_input import response_input
from relayload.core.wire.responses import response_content, responses_request
from relayload.profile.amounts import Amount, distribution
from relayload.profile.dialogue_composer import DialogueComposer
from relayload.profile.loads import OpenLoad
from relayload.profile.model import Profile
from relayload.profile.prompt import Images
from relayload.profile.prompt_texts import (
    dialogue_choice,
    dialogues,
    expected_dialogue_tokens,
    expected_tokens,
    text_choice,
    texts,
)
from relayload.profile.scenario import Scenario
from relayload.profile.tokenizer import count_tokens
from relayload.profile.trace import Trace

KIND_HEADER = "x-relayload-kind"
"""Tells a fake relay which kind of request this is."""
OUTPUT_TOKENS_HEADER = "x-relayload-output-tokens"
"""Tells a fake relay how many tokens the traced answer had."""

Message = dict[str, Any]
_LONG = 0.999
"""Longer prompts than this share of all are made up when they are due."""
_COUNTED_BEFORE = 1000


class Composer:
    """Composes the requests of a profile. What an arrival says depends on seed and index alone."""

    def __init__(self, profile: Profile) -> None:
        self._seed = profile.seed
        named = profile.named_targets
        self._targets = tuple(named)
        self._shares = None if profile.paired else Mix(profile.target_shares)
        self._addressees = {
            name: _Addressee(target.models, target.form, target.local) for name, target in named.items()
        }
        blocks = Blocks(profile.seed)
        load = profile.load
        if isinstance(load, OpenLoad) and isinstance(load.arrivals, Trace):
            blocks.prepare()
        self._scenarios = tuple(
            _ScenarioComposer(profile.seed, name, scenario, blocks) for name, scenario in profile.scenarios.items()
        )

    def target(self, arrival: Arrival) -> str:
        """The name of the target that the arrival goes to."""
        if self._shares is None:
            return self._targets[arrival.target]
        if arrival.session is not None:
            return self._shares.draw(self._seed, 0, f"target:{arrival.session}")
        return self._shares.draw(self._seed, arrival.index, "target")

    def model(self, arrival: Arrival) -> str:
        """The model that the arrival asks, as its scenario names it."""
        return self._scenarios[arrival.scenario].model(arrival)

    def expected_input_tokens(self, arrival: Arrival) -> int:
        """How much the arrival's first request says: as drawn, or the mean of its prompts."""
        return self._scenarios[arrival.scenario].expected_input_tokens(arrival)

    def budget(self, arrival: Arrival) -> int | None:
        """The most tokens of an answer to the arrival; None where nothing bounds them."""
        return self._scenarios[arrival.scenario].budget(arrival)

    def timeouts(self, arrival: Arrival, timeouts: Timeouts) -> Timeouts:
        """Those of the arrival's request: some are cancelled early."""
        return self._scenarios[arrival.scenario].timeouts(arrival, timeouts)

    def request(self, arrival: Arrival, history: Sequence[Message] = ()) -> WireRequest:
        """What the arrival says, or after a history the next turn of its conversation."""
        return self._scenarios[arrival.scenario].request(arrival, history, self._addressees[self.target(arrival)])

    def turns(self, arrival: Arrival) -> int:
        """How many requests the arrival's conversation has; 1 where it is none."""
        return self._scenarios[arrival.scenario].turns(arrival)

    def think_time_s(self, arrival: Arrival) -> float:
        """From an answer to the next turn."""
        return self._scenarios[arrival.scenario].think_time_s


class _Addressee(NamedTuple):
    """What of a target a request depends on."""

    models: Mapping[str, str]
    """The names that it has for models."""
    form: Form
    hinted: bool
    """It may be a fake relay, or one behind a gateway here: other relays never see what hints those."""


class _ScenarioComposer:
    """What all requests of a scenario have in common is made once."""

    def __init__(self, seed: int, name: str, scenario: Scenario, blocks: Blocks) -> None:
        self._seed = seed
        self._blocks = blocks
        self._scenario = scenario
        self._mix = Mix(scenario.models)
        self._input_tokens = _spread(scenario.input_tokens)
        self._output_tokens = _spread(scenario.max_output_tokens)
        self._mean_input_tokens = round(expected_input_tokens(scenario))
        prose = Prose(f"{seed}:prose:{name}")
        self._dialogues = _dialogue_composer(seed, scenario, prose)
        texts_of = scenario.prompt if self._dialogues is None else None
        choose = None if texts_of is None else text_choice(texts_of, scenario.language)
        self._writer = PromptWriter(
            choose,
            Wording(scenario.nonce, scenario.shared_prefix),
            count_tokens,
            prose,
        )
        talk = scenario.conversation
        self._turns = _spread(talk.turns if talk else None)
        self.think_time_s = talk.think_time_s if talk else 0.0
        self._later_tokens = _spread(talk.input_tokens) if talk and talk.input_tokens else self._input_tokens
        self._later = PromptWriter(choose, Wording(), count_tokens, prose)
        images = scenario.pictures
        self._pictures = None if images is None else _Pictures(images, f"{seed}:images:{name}")
        self._prepare()
        self._extra = extra_fields(scenario)
        self._headers = {header: value.reveal() for header, value in scenario.headers.items()}
        self._hints = {KIND_HEADER: scenario.prompt} if isinstance(scenario.prompt, str) else {}

    def _prepare(self) -> None:
        """Count and make up beforehand what would hold up the first requests."""
        scenario, lengths = self._scenario, self._input_tokens
        if lengths is not None and (known := _dialogues_of(scenario)):
            expected_dialogue_tokens(known, first_turn=scenario.conversation is not None)
        elif scenario.prompt is not None and lengths is not None:
            for text in texts(scenario.prompt, scenario.language)[:_COUNTED_BEFORE]:
                self._writer.count(text)
        if lengths is not None:
            self._writer.prepare(lengths.at(_LONG))

    def model(self, arrival: Arrival) -> str:
        if arrival.model is not None:
            return arrival.model
        if arrival.session is not None:
            return self._mix.draw(self._seed, 0, f"model:{arrival.session}")
        return self._mix.draw(self._seed, arrival.index, "model")

    def timeouts(self, arrival: Arrival, timeouts: Timeouts) -> Timeouts:
        cancel = self._scenario.cancel
        if cancel is None or uniform(self._seed, arrival.index, "cancel") >= cancel.share:
            return timeouts
        return replace(timeouts, cancel_after_s=cancel.after_s, cancel_after_tokens=cancel.after_tokens)

    def turns(self, arrival: Arrival) -> int:
        if self._turns is None:
            return 1
        drawn = self._turns.at(uniform(self._seed, arrival.index, "turns"))
        return drawn if self._dialogues is None else min(drawn, self._dialogues.turns(arrival))

    def request(self, arrival: Arrival, history: Sequence[Message], addressee: _Addressee) -> WireRequest:
        scenario, asked = self._scenario, self.model(arrival)
        model = addressee.models.get(asked, asked)
        if scenario.endpoint is Endpoint.EMBEDDINGS:
            texts = self._texts(arrival)
            return embeddings_request(model, texts, extra=self._extra, headers=self._headers_for(arrival, addressee))
        new_request = chat_request if scenario.endpoint is Endpoint.CHAT else responses_request
        return new_request(
            model,
            [*history, *self._next(arrival, history)],
            stream=scenario.streams,
            max_output_tokens=self.budget(arrival),
            temperature=scenario.temperature,
            reasoning_effort=scenario.reasoning_effort,
            extra=self._extra,
            headers=self._headers_for(arrival, addressee),
            form=addressee.form,
        )

    def _next(self, arrival: Arrival, history: Sequence[Message]) -> list[Message]:
        """What the request says after its history."""
        turn = sum(message.get("role") == "assistant" for message in history)
        if self._dialogues is not None:
            return self._of_dialogue(self._dialogues, arrival, turn)
        return [{"role": "user", "content": self._later_text(arrival, turn) if turn else self._content(arrival)}]

    def _of_dialogue(self, dialogues: DialogueComposer, arrival: Arrival, turn: int) -> list[Message]:
        if turn:
            said = dialogues.later_messages(arrival, turn, self._tokens_of_turn(arrival, turn))
        else:
            said = self._illustrated(arrival, dialogues.messages(arrival, self._tokens(arrival)))
        return said if self._scenario.endpoint is Endpoint.CHAT else response_input(said)

    def _illustrated(self, arrival: Arrival, messages: list[Message]) -> list[Message]:
        """With pictures after what the user says last."""
        pictures = self._pictures
        if pictures is None:
            return messages
        _, last = users(messages)
        shown = chat_images(pictures.urls(arrival.index, nonce=self._scenario.nonce), pictures.detail)
        return [*messages[:last], ended(messages[last], *shown), *messages[last + 1 :]]

    def _later_text(self, arrival: Arrival, turn: int) -> str:
        tokens = self._tokens_of_turn(arrival, turn)
        return self._later.write(arrival.index + turn, tokens, Draws(self._seed, arrival.index, turn))

    def _tokens_of_turn(self, arrival: Arrival, turn: int) -> int | None:
        lengths = self._later_tokens
        return None if lengths is None else lengths.at(uniform(self._seed, arrival.index, f"input_tokens:{turn}"))

    def _content(self, arrival: Arrival) -> str | list[dict[str, Any]]:
        tokens = self._tokens(arrival)
        if tokens is not None:
            tokens = max(1, tokens - CHAT_TOKENS)
        text = self._text(arrival, tokens)
        pictures = self._pictures
        if pictures is None:
            return text
        new_content = chat_content if self._scenario.endpoint is Endpoint.CHAT else response_content
        return new_content(text, pictures.urls(arrival.index, nonce=self._scenario.nonce), pictures.detail)

    def _text(self, arrival: Arrival, tokens: int | None) -> str:
        """Begun as the trace says, where it says that."""
        draws = Draws(self._seed, arrival.index)
        if tokens is None or self._scenario.prompt is not None:
            return self._writer.write(arrival.index, tokens, draws)
        if arrival.blocks:
            begun = self._blocks.text(arrival.blocks, tokens)
            rest = tokens - BLOCK_TOKENS * len(arrival.blocks)
            return f"{begun} {self._writer.write(arrival.index, rest, draws)}" if rest > 0 else begun
        if arrival.session is not None:
            return self._blocks.session(arrival.session, tokens)
        return self._writer.write(arrival.index, tokens, draws)

    def _texts(self, arrival: Arrival) -> list[str]:
        """Those to embed; together they have the tokens of the request."""
        count, tokens = self._scenario.inputs, self._tokens(arrival)
        shares = [None] * count if tokens is None else _shares(tokens, count)
        return [
            self._writer.write(arrival.index * count + number, share, Draws(self._seed, arrival.index, number))
            for number, share in enumerate(shares)
        ]

    def _tokens(self, arrival: Arrival) -> int | None:
        """Of the whole request, where somebody says how many."""
        if arrival.input_tokens is not None or self._input_tokens is None:
            return arrival.input_tokens
        return self._input_tokens.at(uniform(self._seed, arrival.index, "input_tokens"))

    def expected_input_tokens(self, arrival: Arrival) -> int:
        tokens = self._tokens(arrival)
        return self._mean_input_tokens if tokens is None else tokens

    def budget(self, arrival: Arrival) -> int | None:
        if self._scenario.endpoint is Endpoint.EMBEDDINGS:
            return 0
        if self._output_tokens is None:
            return arrival.output_tokens
        return self._output_tokens.at(uniform(self._seed, arrival.index, "max_output_tokens"))

    def _headers_for(self, arrival: Arrival, addressee: _Addressee) -> dict[str, str]:
        if not addressee.hinted:
            return self._headers
        traced = {} if arrival.output_tokens is None else {OUTPUT_TOKENS_HEADER: str(arrival.output_tokens)}
        return {**traced, **self._hints, **self._headers}


class _Pictures:
    """The images of a scenario's requests."""

    def __init__(self, images: Images, seed: str) -> None:
        rng = Random(seed)
        self.detail = images.detail
        self._drawn = [Picture(images.width, images.height, rng) for _ in range(images.count)]

    def urls(self, index: int, *, nonce: bool) -> list[str]:
        return [picture.data_url(index if nonce else 0) for picture in self._drawn]


def _shares(tokens: int, count: int) -> list[int]:
    """As even as whole numbers can be; none is empty."""
    each, rest = divmod(tokens, count)
    return [max(1, each + (number < rest)) for number in range(count)]


def expected_input_tokens(scenario: Scenario) -> float:
    """Mean tokens of a request's input, the chat format included; 0 where only a trace knows."""
    if scenario.input_tokens is not None:
        return distribution(scenario.input_tokens).mean
    if scenario.prompt is None:
        return 0.0
    known = _dialogues_of(scenario)
    if known:
        said = expected_dialogue_tokens(known, first_turn=scenario.conversation is not None)
        return said + (NONCE_TOKENS if scenario.nonce else 0)
    text = expected_tokens(scenario.prompt, scenario.language) + (NONCE_TOKENS if scenario.nonce else 0)
    return scenario.inputs * text if scenario.endpoint is Endpoint.EMBEDDINGS else CHAT_TOKENS + text


def expected_turns(scenario: Scenario) -> float:
    """Mean requests of an arrival."""
    talk = scenario.conversation
    if talk is None:
        return 1.0
    known, drawn = _dialogues_of(scenario), distribution(talk.turns)
    return mean_of_least(drawn, [len(each.turns) for each in known]) if known else drawn.mean


def _dialogues_of(scenario: Scenario) -> tuple[Dialogue, ...]:
    """Those of its file; embeddings are of texts."""
    return () if scenario.endpoint is Endpoint.EMBEDDINGS else dialogues(scenario.prompt)


def _dialogue_composer(seed: int, scenario: Scenario, prose: Prose) -> DialogueComposer | None:
    choose = None if scenario.endpoint is Endpoint.EMBEDDINGS else dialogue_choice(scenario.prompt)
    return None if choose is None else DialogueComposer(seed, scenario, choose, prose)


def _spread(amount: Amount | None) -> Distribution | None:
    return None if amount is None else distribution(amount)


def extra_fields(scenario: Scenario) -> dict[str, Any]:
    """What a scenario says in further fields of the body; its own `body` goes first."""
    named = {
        "min_tokens": scenario.min_tokens,
        "ignore_eos": scenario.ignore_eos or None,
        "tools": scenario.tools,
        "tool_choice": scenario.tool_choice,
        "response_format": scenario.response_format,
    }
    return {name: value for name, value in named.items() if value is not None} | scenario.body
