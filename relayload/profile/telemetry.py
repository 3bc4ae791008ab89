"""The `telemetry:` of a profile: how others are told of its requests."""

from typing import Annotated

from pydantic import AfterValidator

from relayload.core.model.semconv import Semconv
from relayload.profile.types import Part, Text

_MOST_LETTERS = 100


def _provider(name: str) -> str:
    if not name.strip() or not name.isprintable() or len(name) > _MOST_LETTERS:
        raise ValueError("expected a short name in one line, such as openai")
    return name


class Telemetry(Part):
    """How others are told of the requests: the names of metrics that are sent by OTLP."""

    semconv: Semconv = Semconv.GENAI_0_1
    """Whose names the metrics have that every GenAI client has: `genai-0.1`, `otel-1.41` for the former ones, `both` or
    `none`. Those under `relayload.*` are always sent."""
    provider: Annotated[Text, AfterValidator(_provider)] = "openai"
    """What `gen_ai.provider.name` says of the relay."""
