"""The `telemetry:` of a profile: how others are told of its requests."""

from typing import Annotated

from pydantic import AfterValidator

from relayload.core.model.semconv import Semconv
from relayload.profile.sample_share import one_of_or_sample, sample_share
from relayload.profile.types import Part, Text

_MOST_LETTERS = 100


def _provider(name: str) -> str:
    if not name.strip() or not name.isprintable() or len(name) > _MOST_LETTERS:
        raise ValueError("expected a short name in one line, such as openai")
    return name


def _traced(text: str) -> str:
    """Validate which requests have their traces recorded."""
    if text not in ("all", "none") and sample_share(text) is None:
        raise ValueError(f"expected all, none, or a share such as 'sample 1%', got '{text}'")
    return text


class Telemetry(Part):
    """How others are told of the requests: the names of metrics that are sent by OTLP, and traces."""

    semconv: Semconv = Semconv.GENAI_0_1
    """Whose names the metrics have that every GenAI client has: `genai-0.1`, `otel-1.41` for the former ones, `both` or
    `none`. Those under `relayload.*` are always sent."""
    provider: Annotated[Text, AfterValidator(_provider)] = "openai"
    """What `gen_ai.provider.name` says of the relay."""
    traceparent: Annotated[
        Text,
        AfterValidator(_traced),
        one_of_or_sample("all", "none"),
    ] = "none"
    """Send this header with every request, and ask that the traces of `all` or of a share be recorded: `sample 1%`."""

    @property
    def traced_share(self) -> float | None:
        """The share of the requests whose traces are to be recorded; None where the header is not sent."""
        return {"all": 1.0, "none": None}.get(self.traceparent, sample_share(self.traceparent))
