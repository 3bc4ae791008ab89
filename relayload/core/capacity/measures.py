"""What one trial tells besides its verdict: the values that a capacity run reports by rate."""

from msgspec import Struct

from relayload.core.capacity.littles_law import InFlight
from relayload.core.model.verdict import Status


class LimitCheck(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Whether the p99 of a trial, pooled as its objectives are, keeps within a limit: by the gate's own statistics."""

    metric: str
    """`ttft`, or `latency` of the scenarios that do not stream."""
    limit_s: float
    verdict: Status
    proven: bool = False
    """It passes, and so does the bound."""
    refuted: bool = False
    """It fails by a bound."""
    observed_s: float | None = None
    """The p99 with its interval; None where it falls on requests without an answer, or where there is no bound."""
    low_s: float | None = None
    high_s: float | None = None


class ModelTokens(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The tokens of the requests to a model that ended ok, warm-up included, as the relay reported them."""

    requests: int
    with_input: int
    """How many of them reported their input."""
    with_output: int
    """How many have a number of output tokens, reported or counted."""
    input_tokens: int = 0
    cached_input_tokens: int = 0
    output_tokens: int = 0
    reasoning_tokens: int = 0

    def plus(self, other: "ModelTokens") -> "ModelTokens":
        """Return the sum of both."""
        return ModelTokens(**{name: getattr(self, name) + getattr(other, name) for name in self.__struct_fields__})


class Measures(Struct, frozen=True, kw_only=True):
    """The values of a trial. Those of a span are of its measured part."""

    limits: tuple[LimitCheck, ...] = ()
    in_flight: InFlight | None = None
    """None where nothing ended in the measured part, or where the requests are too many to keep each."""
    output_tokens_per_s: float | None = None
    ttft_p50_s: float | None = None
    ttft_p99_s: float | None = None
    latency_p99_s: float | None = None
    requests: int = 0
    """Requests that were due in the measured part, without those cancelled on purpose."""
    good: int = 0
    """How many of them ended ok within the limits of all objectives that one request can meet or break."""
    usd: float | None = None
    """Dollars for the requests of the measured part; None where a price or the tokens are unknown."""
    usd_per_1000_good: float | None = None
    """Dollars for a thousand good ones, whatever the others cost included; None without a good one."""
    models: dict[str, ModelTokens] = {}
