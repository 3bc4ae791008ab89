"""An arrival resolved into a job, and the requests that it makes."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from random import Random
from typing import Any, NamedTuple

from msgspec import Struct

from relayload.core.traffic.arrivals import Arrival
from relayload.core.traffic.blocks import BLOCK_TOKENS, Blocks
from relayload.core.traffic.dialogues import users, with_parts
from relayload.core.traffic.distributions import Distribution
from relayload.core.traffic.draws import Draws, Mix, uniform
from relayload.core.traffic.images import Picture
from relayload.core.traffic.prompts import CHAT_TOKENS, PromptWriter, Wording
from relayload.core.traffic.prose import Prose
from relayload.core.wire.chat import chat_content, chat_images
from relayload.core.wire.embeddings import embeddings_request
from relayload.core.wire.form import Form
from relayload.core.wire.formats import new_request
from relayload.core.wire.request import Endpoint, Timeouts, WireRequest
from relayload.core.wire.response_input import response_input
from relayload.core.wire.responses import response_content
from relayload.profile.amounts import Amount, distribution
from relayload.profile.asked_questions import AskedQuestion, known_questions
from relayload.profile.dialogue_composer import DialogueComposer
from relayload.profile.expected import dialogues_of, expected_input_tokens
from relayload.profile.prompt import Images
from relayload.profile.prompt_texts import dialogue_choice, expected_dialogue_tokens, text_choice, texts
from relayload.profile.scenario import Scenario
from relayload.profile.tokenizer import count_tokens

KIND_HEADER = "x-relayload-kind"
"""The header that tells a fake relay the kind of a request."""
OUTPUT_TOKENS_HEADER = "x-relayload-output-tokens"
"""The header that tells a fake relay how many tokens the traced answer had."""

Message = dict[str, Any]
_LONG = 0.999
"""The share of prompts that are prepared in advance; longer ones are generated when they are due."""
_COUNTED_BEFORE = 1000


class Addressee(NamedTuple):
    """What requests need to know of their target."""

    name: str
    models: Mapping[str, str]
    """The target's names for models."""
    form: Form
    hinted: bool
    """Whether hints for a fake relay are sent, which may stand behind a gateway here. Other relays never see them."""
    key: str | None = None
    """The name of the key that requests go with; None for the `api_key`."""


class Job(Struct, frozen=True):
    """An arrival, resolved: all draws that its requests share have been made. Its later turns share the job."""

    arrival: Arrival
    scenario: "ScenarioComposer"
    addressee: Addressee
    model: str
    """The scenario's name for it, whatever the target calls it."""
    input_tokens: int | None
    """The tokens of the first request, as drawn or traced; None if nothing sets them."""
    max_output_tokens: int | None
    """The most tokens of an answer; None if unbounded."""
    turns: int
    """How many requests the conversation has; 1 without a conversation."""
    timeouts: Timeouts

    @property
    def target(self) -> str:
        """The name of its target."""
        return self.addressee.name

    @property
    def expected_input_tokens(self) -> int:
        """The input tokens of its first request: as drawn, or the mean of its prompts."""
        return self.scenario.mean_input_tokens if self.input_tokens is None else self.input_tokens

    @property
    def question(self) -> AskedQuestion | None:
        """The question of the audit that it asks; None if it has a prompt."""
        return self.scenario.question(self.arrival)

    @property
    def shared_tokens(self) -> int | None:
        """How many tokens, from the user's first one on, other requests may have in common; None if all of them."""
        return self.scenario.shared_tokens(self.arrival, self.input_tokens)

    @property
    def think_time_s(self) -> float:
        """The time from an answer to the next turn."""
        return self.scenario.think_time_s

    def request(self, history: Sequence[Message] = ()) -> WireRequest:
        """Return the first request, or after a history the next turn of the conversation."""
        return self.scenario.request(self, history)


class ScenarioComposer:
    """Resolves the arrivals of one scenario and writes their requests. What they have in common is made once."""

    def __init__(self, seed: int, name: str, scenario: Scenario, blocks: Blocks, timeouts: Timeouts) -> None:
        self._seed = seed
        self._timeouts = timeouts
        self._blocks = blocks
        self._scenario = scenario
        self._mix = Mix(scenario.models)
        self._input_tokens = _spread(scenario.input_tokens)
        self._output_tokens = _spread(scenario.max_output_tokens)
        self.mean_input_tokens = round(expected_input_tokens(scenario))
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
        self._questions = known_questions(scenario, seed) if scenario.question_kinds else None
        self._prepare()
        self._extra = scenario.extra_fields
        self._headers = {header: value.reveal() for header, value in scenario.headers.items()}
        self._hints = {KIND_HEADER: scenario.prompt} if isinstance(scenario.prompt, str) else {}

    def _prepare(self) -> None:
        """Count and generate in advance what would delay the first requests."""
        scenario, lengths = self._scenario, self._input_tokens
        if lengths is not None and (known := dialogues_of(scenario)):
            expected_dialogue_tokens(known, first_turn=scenario.conversation is not None)
        elif scenario.prompt is not None and lengths is not None:
            for text in texts(scenario.prompt, scenario.language)[:_COUNTED_BEFORE]:
                self._writer.count(text)
        if lengths is not None:
            self._writer.prepare(lengths.at(_LONG))

    def job(self, arrival: Arrival, addressee: Addressee) -> Job:
        """Resolve an arrival."""
        return Job(
            arrival,
            self,
            addressee,
            self._model(arrival),
            self._tokens(arrival),
            self._budget(arrival),
            self._turns_of(arrival),
            self._timeouts_of(arrival),
        )

    def _model(self, arrival: Arrival) -> str:
        if arrival.model is not None:
            return arrival.model
        if arrival.session is not None:
            return self._mix.draw(self._seed, 0, f"model:{arrival.session}")
        return self._mix.draw(self._seed, arrival.index, "model")

    def _timeouts_of(self, arrival: Arrival) -> Timeouts:
        cancel, timeouts = self._scenario.cancel, self._timeouts
        if cancel is None or uniform(self._seed, arrival.index, "cancel") >= cancel.share:
            return timeouts
        return replace(timeouts, cancel_after_s=cancel.after_s, cancel_after_tokens=cancel.after_tokens)

    def _turns_of(self, arrival: Arrival) -> int:
        if self._turns is None:
            return 1
        drawn = self._turns.at(uniform(self._seed, arrival.index, "turns"))
        return drawn if self._dialogues is None else min(drawn, self._dialogues.turns(arrival))

    def request(self, job: Job, history: Sequence[Message]) -> WireRequest:
        """Return the request of a job after a history."""
        scenario, form = self._scenario, job.addressee.form
        model, headers = job.addressee.models.get(job.model, job.model), self._headers_for(job)
        if scenario.endpoint is Endpoint.EMBEDDINGS:
            return embeddings_request(model, self._texts(job), extra=self._extra, headers=headers)
        asked = self.question(job.arrival)
        if asked is not None:
            return self._asking(asked, job, model, headers)
        return new_request(scenario.endpoint)(
            model,
            [*history, *self._next(job, history)],
            stream=scenario.streams,
            max_output_tokens=job.max_output_tokens,
            temperature=scenario.temperature,
            reasoning_effort=scenario.reasoning_effort,
            extra=self._extra,
            headers=headers,
            form=form,
        )

    def question(self, arrival: Arrival) -> AskedQuestion | None:
        """Return the question of the audit that an arrival asks; None if it has a prompt."""
        return None if self._questions is None else self._questions.of(arrival.index)

    def _asking(self, asked: AskedQuestion, job: Job, model: str, headers: dict[str, str]) -> WireRequest:
        question, scenario = asked.question, self._scenario
        return new_request(scenario.endpoint)(
            model,
            [dict(message) for message in question.messages],
            stream=scenario.streams,
            max_output_tokens=job.max_output_tokens,
            temperature=question.temperature,
            reasoning_effort=scenario.reasoning_effort,
            extra={**self._extra, **asked.fields},
            headers=headers,
            form=job.addressee.form,
        )

    def shared_tokens(self, arrival: Arrival, tokens: int | None) -> int | None:
        """Return the tokens at the beginning of a first request that others of the run may have in common.

        None if that may be all of them. `tokens` are those of the request.
        """
        scenario = self._scenario
        if self._questions is not None or arrival.session is not None or not scenario.nonce:
            return None
        if arrival.blocks:
            return BLOCK_TOKENS * len(arrival.blocks)
        return round((tokens or 0) * scenario.shared_prefix)

    def _next(self, job: Job, history: Sequence[Message]) -> list[Message]:
        """Return the messages that the request adds to its history."""
        turn = sum(message.get("role") == "assistant" for message in history)
        if self._dialogues is not None:
            return self._of_dialogue(self._dialogues, job, turn)
        return [{"role": "user", "content": self._later_text(job, turn) if turn else self._content(job)}]

    def _of_dialogue(self, dialogues: DialogueComposer, job: Job, turn: int) -> list[Message]:
        if turn:
            messages = dialogues.later_messages(job.arrival, turn, self._tokens_of_turn(job, turn))
        else:
            messages = self._illustrated(job, dialogues.messages(job.arrival, job.input_tokens))
        return response_input(messages) if self._scenario.endpoint is Endpoint.RESPONSES else messages

    def _illustrated(self, job: Job, messages: list[Message]) -> list[Message]:
        """Add the images to the user's last message."""
        pictures = self._pictures
        if pictures is None:
            return messages
        _, last = users(messages)
        shown = chat_images(pictures.urls(job.arrival.index, nonce=self._scenario.nonce), pictures.detail)
        return [*messages[:last], with_parts(messages[last], *shown), *messages[last + 1 :]]

    def _later_text(self, job: Job, turn: int) -> str:
        tokens = self._tokens_of_turn(job, turn)
        return self._later.write(job.arrival.index + turn, tokens, Draws(self._seed, job.arrival.index, turn))

    def _tokens_of_turn(self, job: Job, turn: int) -> int | None:
        lengths = self._later_tokens
        return None if lengths is None else lengths.at(uniform(self._seed, job.arrival.index, f"input_tokens:{turn}"))

    def _content(self, job: Job) -> str | list[dict[str, Any]]:
        tokens = job.input_tokens
        if tokens is not None:
            tokens = max(1, tokens - CHAT_TOKENS)
        text = self._text(job, tokens)
        pictures = self._pictures
        if pictures is None:
            return text
        new_content = response_content if self._scenario.endpoint is Endpoint.RESPONSES else chat_content
        return new_content(text, pictures.urls(job.arrival.index, nonce=self._scenario.nonce), pictures.detail)

    def _text(self, job: Job, tokens: int | None) -> str:
        """Return the text of the first request, with the beginning that the trace asks for."""
        arrival = job.arrival
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

    def _texts(self, job: Job) -> list[str]:
        """Return the texts to embed, which share the tokens of the request."""
        count, tokens = self._scenario.inputs, job.input_tokens
        shares = [None] * count if tokens is None else _shares(tokens, count)
        return [
            self._writer.write(job.arrival.index * count + number, share, Draws(self._seed, job.arrival.index, number))
            for number, share in enumerate(shares)
        ]

    def _tokens(self, arrival: Arrival) -> int | None:
        """Return the input tokens of the whole request; None if nothing sets them."""
        if (asked := self.question(arrival)) is not None:
            return asked.tokens
        if arrival.input_tokens is not None or self._input_tokens is None:
            return arrival.input_tokens
        return self._input_tokens.at(uniform(self._seed, arrival.index, "input_tokens"))

    def _budget(self, arrival: Arrival) -> int | None:
        if self._scenario.endpoint is Endpoint.EMBEDDINGS:
            return 0
        if (asked := self.question(arrival)) is not None:
            return asked.question.max_output_tokens
        if self._output_tokens is None:
            return arrival.output_tokens
        return self._output_tokens.at(uniform(self._seed, arrival.index, "max_output_tokens"))

    def _headers_for(self, job: Job) -> dict[str, str]:
        if not job.addressee.hinted:
            return self._headers
        traced = job.arrival.output_tokens
        hints = {} if traced is None else {OUTPUT_TOKENS_HEADER: str(traced)}
        return {**hints, **self._hints, **self._headers}


class _Pictures:
    """The images of a scenario's requests."""

    def __init__(self, images: Images, seed: str) -> None:
        rng = Random(seed)
        self.detail = images.detail
        self._drawn = [Picture(images.width, images.height, rng) for _ in range(images.count)]

    def urls(self, index: int, *, nonce: bool) -> list[str]:
        return [picture.data_url(index if nonce else 0) for picture in self._drawn]


def _shares(tokens: int, count: int) -> list[int]:
    """Split the tokens as evenly as possible into shares of at least one."""
    each, rest = divmod(tokens, count)
    return [max(1, each + (number < rest)) for number in range(count)]


def _dialogue_composer(seed: int, scenario: Scenario, prose: Prose) -> DialogueComposer | None:
    choose = None if scenario.endpoint is Endpoint.EMBEDDINGS else dialogue_choice(scenario.prompt)
    return None if choose is None else DialogueComposer(seed, scenario, choose, prose)


def _spread(amount: Amount | None) -> Distribution | None:
    return None if amount is None else distribution(amount)
