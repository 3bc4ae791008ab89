"""The description of a metric for everything that reads, shows or judges it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, StrEnum
from types import MappingProxyType

from relayload.core.metrics.reading import Errors, Exempt, OfRequest, Reading


class Unit(StrEnum):
    """The unit of the numbers of a metric."""

    SECONDS = "s"
    PER_SECOND = "/s"
    SHARE = "share"
    USD = "$"
    FACTOR = "factor"
    COUNT = ""


class Per(Enum):
    """The unit that has one value of the metric, by which a plan forecasts the number of samples."""

    REQUEST = "request"
    CHUNK = "chunk"
    RUN = "run"
    """Breakers and dollars, whose number does not follow from the number of requests."""


class Asked(Enum):
    """What a request asks for, without which its answer has nothing of a metric."""

    STREAM = "a stream"
    TOOLS = "tool calls"
    SCHEMA = "structured output"


class Output(StrEnum):
    """The outputs that show distributions unless their metric opts out with a reason."""

    SUMMARY = "summary.json"
    TABLES = "the tables of a report"
    MARKDOWN = "the page of Markdown"
    OPENMETRICS = "OpenMetrics"
    OTAVA = "the CSV of runs"
    COMPARISON = "the comparison of runs"
    TIMELINE = "the timeline of a run"
    SIDE_BY_SIDE = "targets side by side"
    SNAPSHOT = "what a run tells of itself while it goes on"


@dataclass(frozen=True, slots=True)
class Metric:
    """One entry of the catalog. The defaults suit a number of the whole run, such as its throughput."""

    name: str
    help: str
    """The description in the documentation."""
    aggregates: Mapping[str, Unit]
    """The aggregates that objectives may use; `pN` stands for every percentile."""
    tags: tuple[str, ...]
    """The names of the tags that narrow it."""
    label: str
    """The name in tables."""
    reading: Reading | None = None
    """How its values are read from requests; None if requests have no value each."""
    errors: Errors | None = None
    """How far its values may be off; None if they are exact."""
    per: Per = Per.REQUEST
    distribution: bool = False
    """It has one value per request (or chunk), so that percentiles make sense."""
    asked: Asked | None = None
    """Only answers to requests that ask for this have it."""
    of_first_token: bool = False
    """A stream that ended ok without a token waited for it in vain."""
    exempt: Exempt | None = None
    """Which streams with a token have no value by definition; None where each has one."""
    known_of_failed: bool = False
    """Requests without an answer have it, too."""
    more_is_better: bool = False
    share_of_all: bool = False
    """Its rate is never more than everything, as that of retries may be."""
    conditional: Per | None = None
    """It counts what meets conditions, which are written among its tags: requests, or gaps between chunks."""
    windowless: tuple[str, ...] = ()
    """Aggregates that are known only for the whole run, not for a window of it."""
    provable: tuple[str, ...] = ()
    """Aggregates that later requests can't, or can hardly, bring back within the limit."""
    untimed: tuple[str, ...] = ()
    """Aggregates that count what happened, and so hold however badly the generator kept or measured times."""
    of_audit: bool = False
    """It comes from the audit of answers, which are counted after the last request and judged as a whole."""
    left_out: Mapping[Output, str] = field(default_factory=lambda: MappingProxyType({}))
    """The outputs that do not show the distribution, and why."""

    @property
    def of_streams(self) -> bool:
        """Only streams have it."""
        return self.asked is Asked.STREAM

    @property
    def of_scenarios(self) -> bool:
        """It can be told by scenario, and so by the free tags of scenarios."""
        return "scenario" in self.tags

    @property
    def unit(self) -> Unit:
        """The unit of the values of a distribution."""
        return self.aggregates["max"]

    @property
    def may_be_missing(self) -> bool:
        """Ok answers may be without a value; what is read from the request itself is always there."""
        return self.distribution and not isinstance(self.reading, OfRequest)

    def shown_in(self, output: Output) -> bool:
        return self.distribution and output not in self.left_out
