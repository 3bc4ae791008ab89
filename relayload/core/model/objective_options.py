"""How an objective is judged, apart from its expression."""

from enum import StrEnum
from typing import Annotated

from msgspec import Meta, Struct, field

from relayload.core.model.amounts import Count, Length, Window


class NoData(StrEnum):
    """The result of an objective where nothing was measured."""

    FAIL = "fail"
    PASS = "pass"
    INCONCLUSIVE = "inconclusive"


class TooFew(StrEnum):
    """The result of an objective that holds, but whose requests are too few to resolve its limit."""

    INCONCLUSIVE = "inconclusive"
    PASS = "pass"
    FAIL = "fail"


class Severity(StrEnum):
    """Whether a broken objective fails the run, or is only told."""

    ERROR = "error"
    WARN = "warn"


class ObjectiveOptions(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The long form of an objective without its expression."""

    id: str | None = None
    """The name in reports and baselines; None uses the text of the objective."""
    over_s: Window | None = None
    """The length of the windows that it is judged in; None judges the measured stages as one."""
    for_windows: Annotated[int, Meta(ge=1, le=1_000_000)] = 1
    """How many windows in a row must be broken."""
    abort: bool = False
    """The run stops as soon as it is proven broken."""
    abort_after_s: Length = 0.0
    """The run is not stopped earlier than this, in seconds after its start."""
    confidence: Annotated[float, Meta(gt=0, lt=1)] = 0.95
    strict: bool = False
    """A pass must be proven, too."""
    on_no_data: NoData = NoData.FAIL
    on_too_few: TooFew = TooFew.INCONCLUSIVE
    """The verdict where fewer requests than 1 / budget leave it open; PASS only where they meet the objective."""
    severity: Severity = Severity.ERROR
    looks: Annotated[int, Meta(ge=1, le=1_000_000)] = 1
    """How many times it is judged; each look could fail it by chance, so they share the remaining 1 - confidence."""

    @property
    def fail_confidence(self) -> float:
        """The confidence each FAIL needs so that all looks together reach `confidence` (Bonferroni)."""
        return 1 - (1 - self.confidence) / self.looks


DEFAULTS = ObjectiveOptions()
"""The options of an objective that states none."""


class Written(Struct, frozen=True, kw_only=True):
    """Where a profile says something; line and column count from 1."""

    file: str
    """The path as given on the command line, or as found from there."""
    line: Count
    column: Count

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


class ObjectiveSpec(Struct, frozen=True, kw_only=True):
    """An objective with options of its own, as a recording keeps it."""

    expr: str
    options: ObjectiveOptions = field(name="terms")
