"""What there is to know of a metric, for whoever reads, shows or judges it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, StrEnum
from types import MappingProxyType

from relayload.core.metrics.reading import Reading


class Unit(StrEnum):
    """What a number of a metric counts."""

    SECONDS = "s"
    PER_SECOND = "/s"
    SHARE = "share"
    USD = "$"
    COUNT = ""


class Per(Enum):
    """What a metric has its values of, and so what a plan promises it as samples."""

    REQUEST = "request"
    CHUNK = "chunk"
    RUN = "run"
    """Breakers and dollars: no number of requests says how many there are."""


class Output(StrEnum):
    """Where distributions are shown unless their metric says why not."""

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
    """One entry of the catalog. The defaults are those of a number of the whole run, such as its throughput."""

    name: str
    help: str
    """What it measures, in the words of the documentation."""
    aggregates: Mapping[str, Unit]
    """What an objective may ask of it; `pN` stands for every percentile."""
    tags: tuple[str, ...]
    """What narrows it."""
    label: str
    """What tables call it."""
    reading: Reading | None = None
    """How requests tell their values; None where there is none a request."""
    per: Per = Per.REQUEST
    distribution: bool = False
    """It has one value per request (or chunk), so that percentiles make sense."""
    of_streams: bool = False
    """Only streams have it."""
    of_first_token: bool = False
    """A stream that ended ok without a token waited for it in vain."""
    known_of_failed: bool = False
    """Requests without an answer have it, too."""
    more_is_better: bool = False
    share_of_all: bool = False
    """Its rate is never more than everything, as that of retries may be."""
    conditional: bool = False
    """It counts requests that meet conditions, which stand among its tags."""
    windowless: tuple[str, ...] = ()
    """Aggregates that are known of the whole run alone, and of no window of it."""
    provable: tuple[str, ...] = ()
    """Aggregates that later requests can't mend once they are beyond their limit, or hardly."""
    left_out: Mapping[Output, str] = field(default_factory=lambda: MappingProxyType({}))
    """Where a distribution is not shown, and why."""

    @property
    def unit(self) -> Unit:
        """Of the values of a distribution."""
        return self.aggregates["max"]

    def shown_in(self, output: Output) -> bool:
        return self.distribution and output not in self.left_out
