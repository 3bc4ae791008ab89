"""How the fake relay answers: pure and seeded, with the time passed in as seconds since its start."""

from dataclasses import dataclass, replace
from functools import partial
from random import Random

from relayload.fakerelay.cache import PromptCache
from relayload.fakerelay.capacity import Slots
from relayload.fakerelay.content import Content, Words, content_of
from relayload.fakerelay.dishonesty import Dishonesties
from relayload.fakerelay.fault import Fault
from relayload.fakerelay.faults import FaultDraws, InvalidOutput, SlowFirstToken
from relayload.fakerelay.known_answers import known_answer, wrong_answer
from relayload.fakerelay.latency import Draws
from relayload.fakerelay.limits import Admission, Limiter
from relayload.fakerelay.parsed_request import ParsedEmbeddingRequest, ParsedRequest
from relayload.fakerelay.preset import ModelPreset, Preset
from relayload.fakerelay.refusals import Reason, Refusal
from relayload.fakerelay.text_style import TextStyle
from relayload.fakerelay.tokens import STRIDE, made_up, words
from relayload.fakerelay.usage import Usage
from relayload.fakerelay.wishes import Wish

_SALT, _STARTS = 1, 1 << 16


@dataclass(frozen=True, slots=True)
class Reply:
    """What the relay has drawn for one request. Token k (from 0) is due at `ttft_s + k / tokens_per_s`."""

    number: int
    """The number of the request since the start."""
    ttft_s: float
    tokens_per_s: float = 1.0
    output_tokens: int = 1
    """All output tokens, including thoughts."""
    reasoning_tokens: int = 0
    show_reasoning: bool = False
    finish_reason: str = "stop"
    cached_input_tokens: int = 0
    dimensions: int = 0
    """The dimensions of the vectors in an answer with embeddings."""
    content: Content | None = None
    """What it contains beside thoughts; None for generated words."""
    seed: int | None = None
    """By what words are generated, if the request says so; else by its number."""
    reported: Usage | None = None
    """The usage that it tells where that is not what there was."""
    named: str | None = None
    """The model that it names; None for the one that was asked."""
    fingerprint: str = "fp_fake_relay"

    @property
    def first_shown(self) -> int:
        """The number of the first token that is sent: hidden thoughts take time but are not sent."""
        return 0 if self.show_reasoning else self.reasoning_tokens

    @property
    def service_s(self) -> float:
        """Seconds to the last token."""
        return self.due_s(max(0, self.output_tokens - 1))

    def due_s(self, token: int) -> float:
        """Return the seconds to token number `token`."""
        return self.ttft_s + token / self.tokens_per_s

    def words(self) -> list[str]:
        """Return the text of each token, including thoughts."""
        if self.content is None:
            return words(self.first_word, self.output_tokens)
        return words(self.first_word, self.reasoning_tokens) + self.content.tokens

    def usage(self, parsed: ParsedRequest) -> Usage:
        """Return the usage that it tells."""
        return self.reported or self.counted(parsed)

    def counted(self, parsed: ParsedRequest) -> Usage:
        """Return the tokens that there were."""
        return Usage(parsed.input_tokens, self.cached_input_tokens, self.output_tokens, self.reasoning_tokens)

    @property
    def first_word(self) -> int:
        """Where its words begin: by its number as if it were drawn, so that answers to a question don't take turns."""
        return hash((self.number, _SALT)) % _STARTS if self.seed is None else self.seed


@dataclass(frozen=True, slots=True)
class Turn:
    """Everything that is decided about a request when it arrives."""

    reply: Reply
    admission: Admission
    faults: tuple[Fault, ...] = ()


class Behavior:
    """The state of one relay: its draws, limits, slots and prompt cache."""

    def __init__(self, preset: Preset) -> None:
        self.slots = Slots(preset.capacity)
        self._models = preset.models
        self._embedding_models = preset.embedding_models
        self._seed = preset.seed
        self._draws = Draws(preset.seed)
        self._faults = FaultDraws(preset.faults, preset.seed)
        self._limiter = Limiter(preset.limits)
        self._cache = PromptCache()
        self._received = 0

    def turn(self, parsed: ParsedRequest, key: str, elapsed_s: float) -> Turn:
        """Decide about a request for text. Raises Refusal."""
        model = self._model(parsed)
        self._received += 1
        faults = self._faults.strike(self._received, parsed.model, elapsed_s, stream=parsed.stream)
        return self._turn(parsed, self._reply(parsed, model, faults), faults, key, elapsed_s)

    def embedding_turn(self, parsed: ParsedEmbeddingRequest, key: str, elapsed_s: float) -> Turn:
        """Decide about a request for embeddings. Raises Refusal."""
        model = self._embedding_models.get(parsed.model)
        if model is None:
            raise _unknown_model(parsed.model)
        if parsed.dimensions is not None and parsed.dimensions > model.dimensions:
            message = f"Invalid value for 'dimensions': must be at most {model.dimensions} with this model."
            raise Refusal(Reason.BAD_VALUE, message, param="dimensions")
        self._received += 1
        ttft_s = model.latency.distribution.at(self._draws.next().ttft)
        reply = Reply(self._received, ttft_s, output_tokens=0, dimensions=model.dimensions)
        faults = self._faults.strike(self._received, parsed.model, elapsed_s, stream=parsed.stream)
        return self._turn(parsed, reply, faults, key, elapsed_s)

    def _turn(
        self,
        parsed: ParsedRequest | ParsedEmbeddingRequest,
        reply: Reply,
        faults: tuple[Fault, ...],
        key: str,
        elapsed_s: float,
    ) -> Turn:
        admission = self._limiter.admit(key, parsed.model, parsed.input_tokens + reply.output_tokens, elapsed_s)
        delay_s = sum(fault.delay for fault in faults if isinstance(fault, SlowFirstToken))
        reply = replace(reply, ttft_s=reply.ttft_s + delay_s) if delay_s else reply
        has_form = isinstance(parsed, ParsedRequest) and parsed.wish is not None
        if has_form and reply.content is not None and any(isinstance(fault, InvalidOutput) for fault in faults):
            reply = replace(reply, content=reply.content.spoilt)
        return Turn(reply, admission, faults)

    def _model(self, parsed: ParsedRequest) -> ModelPreset:
        model = self._models.get(parsed.model)
        if model is None:
            raise _unknown_model(parsed.model)
        if parsed.kind not in model.kinds:
            message = f"Invalid content type. image_url is only supported by certain models, not by '{parsed.model}'."
            raise Refusal(Reason.BAD_VALUE, message, param="messages")
        return model

    def _reply(self, parsed: ParsedRequest, model: ModelPreset, faults: tuple[Fault, ...]) -> Reply:
        """Return the reply, which is dishonest if faults make it so."""
        dishonest = Dishonesties.among(faults)
        understood = dishonest.understood(parsed)
        reply = self._answer(understood, model, dishonest.style or model.text, wrong=dishonest.answers_wrongly)
        cached = self._cache.cached_tokens(parsed.model, parsed.texts, parsed.input_tokens)
        reply = replace(reply, cached_input_tokens=cached) if cached else reply
        if not dishonest.all:
            return reply
        usage = dishonest.reported(reply.counted(understood))
        fingerprint = dishonest.fingerprint or reply.fingerprint
        return replace(reply, reported=usage, named=dishonest.named, fingerprint=fingerprint)

    def _answer(
        self, parsed: ParsedRequest, model: ModelPreset, style: TextStyle | None, *, wrong: bool = False
    ) -> Reply:
        """Return the reply to a request as it was understood."""
        draw = self._draws.next()
        length = draw.length if parsed.seed is None else self._length_of_seed(parsed.seed)
        drawn = max(1, round(model.length_of(parsed.kind).at(length)))
        if parsed.wish is not None:
            drawn = parsed.wish.length(drawn, parsed.max_output_tokens)
        tokens = parsed.exact_output_tokens or min(drawn, parsed.max_output_tokens or drawn)
        reply = Reply(
            number=self._received,
            ttft_s=model.ttft_of(parsed.kind).at(draw.ttft),
            tokens_per_s=model.speed.distribution.at(draw.speed),
            output_tokens=tokens,
            reasoning_tokens=min(tokens - 1, round(model.reasoning.share(parsed.effort) * tokens)),
            show_reasoning=model.reasoning.stream if parsed.show_reasoning is None else parsed.show_reasoning,
            finish_reason="length" if tokens < drawn and not parsed.exact_output_tokens else "stop",
            seed=parsed.seed,
        )
        answer = _known(parsed)
        answer = wrong_answer(answer) if wrong and answer is not None else answer
        generated = parsed.wish is None or parsed.wish.is_of_length
        if generated and style is None and answer is None:
            return reply
        words = self._words(parsed, reply, style)
        return _with_content(reply, parsed, words, answer)

    def _words(self, parsed: ParsedRequest, reply: Reply, style: TextStyle | None) -> Words:
        """Return the words of the visible text."""
        if style is None:
            return partial(made_up, reply.first_word + reply.reasoning_tokens * STRIDE)
        prompt = "\n".join(parsed.texts)
        temperature = 1.0 if parsed.temperature is None else parsed.temperature
        drawn_by = f"number:{reply.number}" if parsed.seed is None else f"seed:{parsed.seed}"
        return lambda: style.words(prompt, temperature, Random(f"{self._seed}:text:{drawn_by}"))

    def _length_of_seed(self, seed: int) -> float:
        return Random(f"{self._seed}:length:{seed}").gauss(0.0, 1.0)


def _known(parsed: ParsedRequest) -> str | None:
    """Return the right answer, where one is known and the request leaves the length to it."""
    wish = parsed.wish
    if parsed.exact_output_tokens or (wish is not None and (wish.ignores_end or wish.min_output_tokens)):
        return None
    return known_answer(parsed.texts)


def _with_content(reply: Reply, parsed: ParsedRequest, words: Words, answer: str | None) -> Reply:
    """Return the reply with special content, which may take a different number of tokens than drawn."""
    thoughts = reply.reasoning_tokens
    exact = parsed.exact_output_tokens is not None
    wish, count = parsed.wish or Wish(), reply.output_tokens - thoughts
    content = content_of(wish, words, count, reply.finish_reason, exact=exact, answer=answer)
    limit = parsed.exact_output_tokens or parsed.max_output_tokens
    if limit is not None:
        content = content.within(limit - thoughts)
    tokens = thoughts + len(content.tokens)
    return replace(reply, content=content, output_tokens=tokens, finish_reason=content.finish_reason)


def _unknown_model(name: str) -> Refusal:
    message = f"The model '{name}' does not exist or you do not have access to it."
    return Refusal(Reason.UNKNOWN_MODEL, message, param="model", model=name)
