"""How an objective is to be judged, apart from what it says."""

from enum import StrEnum
from typing import Annotated

from msgspec import Meta, Struct, field

from relayload.core.model.amounts import Count, Length, Window


class NoData(StrEnum):
    """What an objective comes to where nothing was measured."""

    FAIL = "fail"
    PASS = "pass"
    INCONCLUSIVE = "inconclusive"


class Severity(StrEnum):
    """Whether a broken objective fails the run, or is only told."""

    ERROR = "error"
    WARN = "warn"


class ObjectiveOptions(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The long form of an objective without its expression."""

    id: str | None = None
    """What reports and baselines call it; its text where there is none."""
    over_s: Window | None = None
    """The length of the windows that it is judged in; None judges the measured stages as one."""
    for_windows: Annotated[int, Meta(ge=1, le=1_000_000)] = 1
    """How many windows in a row must be broken."""
    abort: bool = False
    """The run stops as soon as it is proven broken."""
    abort_after_s: Length = 0.0
    """Not before this long after the run's start."""
    confidence: Annotated[float, Meta(gt=0, lt=1)] = 0.95
    strict: bool = False
    """A pass must be proven, too."""
    on_no_data: NoData = NoData.FAIL
    severity: Severity = Severity.ERROR
    looks: Annotated[int, Meta(ge=1, le=1_000_000)] = 1
    """How many times it is judged, of which each could fail it by chance: they share what is left of the confidence."""

    @property
    def fail_confidence(self) -> float:
        """How sure a FAIL must be so that all looks together are as sure as asked (Bonferroni)."""
        return 1 - (1 - self.confidence) / self.looks


DEFAULTS = ObjectiveOptions()
"""Those of an objective that states none."""


class Written(Struct, frozen=True, kw_only=True):
    """Where a profile says something; line and column count from 1."""

    file: str
    """As it was named on the command line, or found from there."""
    line: Count
    column: Count

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


class ObjectiveSpec(Struct, frozen=True, kw_only=True):
    """An objective with options of its own, as a recording keeps it."""

    expr: str
    options: ObjectiveOptions = field(name="terms")
