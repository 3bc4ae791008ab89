"""The versions of OpenTelemetry's GenAI semantic conventions whose names can be chosen."""

from enum import StrEnum


class Semconv(StrEnum):
    """A pinned version: the names changed with every one so far."""

    GENAI_0_1 = "genai-0.1"
    """Version 0.1 of `semantic-conventions-genai`, with `gen_ai.client.inference.*`."""
    OTEL_1_41 = "otel-1.41"
    """The last ones of `semantic-conventions`, up to 1.41, with `gen_ai.client.operation.*`."""
    BOTH = "both"
    NONE = "none"

    @property
    def new(self) -> bool:
        return self in (Semconv.GENAI_0_1, Semconv.BOTH)

    @property
    def old(self) -> bool:
        return self in (Semconv.OTEL_1_41, Semconv.BOTH)
