"""What one request to a model takes, by all trials of a search."""

from collections.abc import Iterable

from msgspec import Struct

from relayload.core.capacity.measures import ModelTokens
from relayload.core.capacity.trial import Decision, Trial


class ModelUse(Struct, frozen=True, kw_only=True):
    """The mean tokens of a request that ended ok; None where no answer told its tokens."""

    share: float
    """Its part of the requests that ended ok."""
    requests: int
    input_tokens: float | None
    output_tokens: float | None
    cached_input_tokens: float = 0.0
    """The part of the input that was cached."""
    reasoning_tokens: float = 0.0
    """The part of the output that was thought."""

    @property
    def tokens(self) -> float | None:
        """Tokens in and out; None where either is unknown."""
        unknown = self.input_tokens is None or self.output_tokens is None
        return None if unknown else (self.input_tokens or 0.0) + (self.output_tokens or 0.0)


def model_uses(trials: Iterable[Trial]) -> dict[str, ModelUse]:
    """Return the use of each model by the trials that were not void."""
    sums: dict[str, ModelTokens] = {}
    for trial in trials:
        if trial.measures is not None and trial.decision is not Decision.VOID:
            for model, tokens in trial.measures.models.items():
                sums[model] = sums[model].plus(tokens) if model in sums else tokens
    requests = sum(tokens.requests for tokens in sums.values())
    return {model: _use(tokens, requests) for model, tokens in sorted(sums.items())}


def _use(tokens: ModelTokens, requests: int) -> ModelUse:
    return ModelUse(
        share=tokens.requests / requests,
        requests=tokens.requests,
        input_tokens=_mean(tokens.input_tokens, tokens.with_input),
        output_tokens=_mean(tokens.output_tokens, tokens.with_output),
        cached_input_tokens=_mean(tokens.cached_input_tokens, tokens.with_input) or 0.0,
        reasoning_tokens=_mean(tokens.reasoning_tokens, tokens.with_output) or 0.0,
    )


def _mean(total: int, count: int) -> float | None:
    return total / count if count else None
