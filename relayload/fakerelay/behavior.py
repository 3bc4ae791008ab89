"""How the fake relay answers: pure, seeded, and told the time."""

from dataclasses import dataclass

from relayload.fakerelay.asks import Ask, Reason, Refusal
from relayload.fakerelay.latency import Draws
from relayload.fakerelay.preset import ModelPreset, Preset


@dataclass(frozen=True, slots=True)
class Reply:
    """What the relay has drawn for one request; token k (from 0) is due at `ttft_s + k / tokens_per_s`."""

    number: int
    """Of this request among all this relay has answered; starts its made-up words."""
    ttft_s: float
    tokens_per_s: float
    output_tokens: int
    """All of them, thoughts included."""
    reasoning_tokens: int
    show_reasoning: bool
    finish_reason: str
    cached_input_tokens: int = 0

    @property
    def first_shown(self) -> int:
        """The number of the first token that is sent: hidden thoughts take their time and are not."""
        return 0 if self.show_reasoning else self.reasoning_tokens

    def due_s(self, token: int) -> float:
        """Seconds from the request to token number `token`."""
        return self.ttft_s + token / self.tokens_per_s


class Behavior:
    """The memory of one relay: its draws."""

    def __init__(self, preset: Preset) -> None:
        self._models = preset.models
        self._draws = Draws(preset.seed)
        self._answered = 0

    @property
    def models(self) -> list[str]:
        return list(self._models)

    def reply(self, ask: Ask) -> Reply:
        """Draw an answer. Raises Refusal."""
        model = self._model(ask)
        ttft_z, speed_z, length_z = self._draws.next()
        wanted = ask.exact_output_tokens or max(1, round(model.length_of(ask.kind).at(length_z)))
        tokens = min(wanted, ask.max_output_tokens or wanted)
        if ask.exact_output_tokens:
            tokens = wanted
        self._answered += 1
        return Reply(
            number=self._answered,
            ttft_s=model.ttft_of(ask.kind).at(ttft_z),
            tokens_per_s=model.speed.distribution.at(speed_z),
            output_tokens=tokens,
            reasoning_tokens=min(tokens - 1, round(model.reasoning.share(ask.effort) * tokens)),
            show_reasoning=model.reasoning.stream if ask.show_reasoning is None else ask.show_reasoning,
            finish_reason="length" if tokens < wanted else "stop",
        )

    def _model(self, ask: Ask) -> ModelPreset:
        model = self._models.get(ask.model)
        if model is None:
            message = f"The model '{ask.model}' does not exist or you do not have access to it."
            raise Refusal(Reason.UNKNOWN_MODEL, message, "model")
        if ask.kind not in model.kinds:
            message = f"Invalid content type. image_url is only supported by certain models, not by '{ask.model}'."
            raise Refusal(Reason.BAD_VALUE, message, "messages")
        return model
