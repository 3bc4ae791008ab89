"""The catalog of what relayload tells Prometheus and OpenTelemetry: names, types, labels, units and help texts.

`live_metrics` fills the families while a run goes on, `openmetrics` fills them from a summary, `otel_series` sends them
as OpenTelemetry wants them. A name is written once, with dots; the one for Prometheus is what a translation by the
conventions makes of it: underscores, the unit, and `_total`, which the client library adds to counters.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from prometheus_client import Metric as MetricFamily

from relayload.core.metrics.catalog import METRICS
from relayload.core.metrics.metric import Metric, Unit

Labels = Mapping[str, str]

PLACE = ("scenario", "model", "target", "stage", "key")
"""The labels that say where in the plan a request belongs; `target` and `key` only where there are several."""
OVERFLOW = "overflow"
"""The label of requests whose place has no series of its own: `overflow="true"`, in place of those of `PLACE`."""


class Kind(StrEnum):
    """The type of a family."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"
    SUMMARY = "summary"


@dataclass(frozen=True, slots=True)
class Family:
    """One entry of the catalog."""

    stem: str
    """The name without `relayload.`."""
    kind: Kind
    help: str
    labels: tuple[str, ...] = ()
    unit: str = ""
    """In UCUM; what it counts, in braces."""

    @property
    def otel_name(self) -> str:
        """The name for OpenTelemetry."""
        return f"relayload.{self.stem}"

    @property
    def name(self) -> str:
        """The name of its samples for Prometheus, apart from the suffixes of distributions."""
        return f"{self._base}{'_total' if self.kind is Kind.COUNTER else ''}"

    @property
    def _base(self) -> str:
        base, unit = self.otel_name.replace(".", "_"), _PROMETHEUS_UNITS.get(self.unit, "")
        return base if base.endswith(unit) else f"{base}_{unit}"

    def filled(self, points: Iterable[tuple[Labels, float | None]]) -> Iterator[MetricFamily]:
        """Yield the family with a sample for each value; nothing where none was measured."""
        return self.sampled(("_total" if self.kind is Kind.COUNTER else "", *point) for point in points)

    def sampled(self, points: Iterable[tuple[str, Labels, float | None]]) -> Iterator[MetricFamily]:
        """Yield the family with such samples, each with the suffix of its name."""
        family = MetricFamily(self._base, self.help, self.kind.value, _PROMETHEUS_UNITS.get(self.unit, ""))
        for suffix, labels, value in points:
            if value is not None:
                family.add_sample(f"{family.name}{suffix}", dict(labels), float(value))
        if family.samples:
            yield family


_PROMETHEUS_UNITS = {"s": "seconds", "{USD}": "usd", "{request}/s": "per_second", "{token}/s": "per_second"}


def _counter(stem: str, help_text: str, labels: tuple[str, ...] = (), unit: str = "{request}") -> Family:
    return Family(stem, Kind.COUNTER, help_text, labels, unit)


def _gauge(stem: str, help_text: str, labels: tuple[str, ...] = (), unit: str = "") -> Family:
    return Family(stem, Kind.GAUGE, help_text, labels, unit)


_OBJECTIVE = ("objective", "unit")

RUN_INFO = _gauge(
    "run.info", "1; the labels tell which run the other series are of.", ("run_id", "profile", "load_kind", "version")
)
RUN_STATE = _gauge("run.state", "1 in the state of the run, 0 in all others.", ("state",))
RUN_VALID = _gauge("run.valid", "1 where the generator delivered and measured the load as it should, else 0.")
EXIT_CODE = _gauge("exit_code", "0 where the run passed, or was not judged.")
ELAPSED = _gauge("elapsed", "Time since the beginning of the load.", unit="s")
WORKERS = _gauge("workers", "Load-generating processes that take part.", unit="{process}")
OBJECTIVE_STATE = _gauge(
    "objective.state",
    "1 in the state of the objective, 0 in all others; while the run goes on, by what is known so far.",
    ("objective", "state"),
)
OBJECTIVE_LIMIT = _gauge("objective.limit", "The limit, in the unit of the objective.", _OBJECTIVE)
OBJECTIVE_OBSERVED = _gauge("objective.observed", "What was observed, in the unit of the objective.", _OBJECTIVE)
OBJECTIVE_LOW = _gauge("objective.observed.low", "The lower end of the interval of what was observed.", _OBJECTIVE)
OBJECTIVE_HIGH = _gauge("objective.observed.high", "The upper end of the interval of what was observed.", _OBJECTIVE)
OFFERED = _counter("offered", "Requests that were due.")
STARTED = _counter("started", "Requests that were started.")
DROPPED = _counter("dropped", "Requests that were due and not started.", (*PLACE, "outcome"))
LOST = _counter("lost", "Requests that were due and have no record, since their worker died.")
REQUESTS = _counter("requests", "Requests that ended, by outcome.", (*PLACE, "outcome"))
ATTEMPTS = _counter("attempts", "Tries on the wire.", unit="{attempt}")
RETRIES = _counter("retries", "Tries after the first of a request.", PLACE, "{attempt}")
IN_FLIGHT = _gauge("in_flight", "Requests that were started and have not ended.", unit="{request}")
TOKENS = _counter("tokens", "Tokens of all attempts, as the relay reported them.", (*PLACE, "type"), "{token}")
BREAKERS = _gauge(
    "breakers",
    "Circuit breakers in that state, of all workers; those that never tripped are not told.",
    ("scope", "state"),
    "{breaker}",
)
BREAKER_TRIPS = _counter("breaker.trips", "How often circuit breakers opened.", ("scope",), "{trip}")
COST = _gauge("cost.usd", "Dollars spent so far, estimated where usage is missing.", unit="{USD}")
COST_LIMIT = _gauge("cost.limit.usd", "Dollars at which the run stops.", unit="{USD}")
REQUESTS_LIMIT = _gauge("requests.limit", "Requests at which the run stops.", unit="{request}")
OFFERED_RATE = _gauge("offered.per_second", "Requests that were due in the measured stages.", unit="{request}/s")
STARTED_RATE = _gauge("started.per_second", "Requests that were started in the measured stages.", unit="{request}/s")
OK_RATE = _gauge("ok.per_second", "Requests that ended ok in the measured stages.", unit="{request}/s")
OUTPUT_TOKENS_RATE = _gauge("output_tokens.per_second", "Output tokens of all attempts of those.", unit="{token}/s")

NUMBERS = (
    RUN_INFO,
    RUN_STATE,
    RUN_VALID,
    EXIT_CODE,
    ELAPSED,
    WORKERS,
    OBJECTIVE_STATE,
    OBJECTIVE_LIMIT,
    OBJECTIVE_OBSERVED,
    OBJECTIVE_LOW,
    OBJECTIVE_HIGH,
    OFFERED,
    STARTED,
    DROPPED,
    LOST,
    REQUESTS,
    ATTEMPTS,
    RETRIES,
    IN_FLIGHT,
    TOKENS,
    BREAKERS,
    BREAKER_TRIPS,
    COST,
    COST_LIMIT,
    REQUESTS_LIMIT,
    OFFERED_RATE,
    STARTED_RATE,
    OK_RATE,
    OUTPUT_TOKENS_RATE,
)
"""Every family that is no distribution."""

_UNITS: Mapping[Unit, str] = {Unit.SECONDS: "s", Unit.PER_SECOND: "{token}/s"}
"""The units of distributions, in UCUM."""


def _sentence(metric: Metric) -> str:
    return metric.help[0].upper() + metric.help[1:]


def summary_of(metric: Metric) -> Family:
    """Return the family of a distribution with exact percentiles, as a file has it."""
    text = f"{_sentence(metric)}, of requests of measured stages that ended ok."
    return Family(metric.name, Kind.SUMMARY, text, ("quantile", "scenario", "target", "key"), _UNITS[metric.unit])


def histogram_of(metric: Metric) -> Family:
    """Return the family of a distribution by buckets, as a run tells it."""
    text = f"{_sentence(metric)}. Values within 0.4 % of a bound may count on its other side."
    return Family(metric.name, Kind.HISTOGRAM, text, (*PLACE, "outcome"), _UNITS[metric.unit])


HISTOGRAMS: Mapping[str, Family] = {
    name: histogram_of(metric)
    for name, metric in METRICS.items()
    if metric.distribution and metric.unit is Unit.SECONDS
}
"""By metric, those that can be told while a run goes on."""
