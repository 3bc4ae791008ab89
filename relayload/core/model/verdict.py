"""The verdicts on the objectives of a run and on the run itself: the content of `verdict.json`."""

from enum import StrEnum

from msgspec import Struct

from relayload.core.model.objective_options import Severity, Written
from relayload.core.stats.sample import CONFIDENCE

SCHEMA_VERSION = 2
"""Version 1 judged rates per second by when requests were due; see `summary`."""


class Status(StrEnum):
    """What can be said of an objective, or of a whole run."""

    PASS = "PASS"
    FAIL = "FAIL"
    INCONCLUSIVE = "INCONCLUSIVE"
    INVALID = "INVALID"
    STOPPED = "STOPPED"
    """A guardrail ended the run."""
    NOT_JUDGED = "NOT JUDGED"
    """The run completed and had no objectives."""


class ObjectiveResult(Struct, frozen=True, kw_only=True):
    """What came of one objective.

    Values have the unit of the objective. `observed` is None where nothing was measured, and where the percentile
    falls on requests without an answer, which are infinitely slow; `n` tells which.
    """

    id: str
    expr: str
    unit: str
    limit: float
    verdict: Status
    reason: str
    proven: bool | None = None
    """Whether the bound of the sample is within the limit, too, where it PASSes; None for other verdicts, and for facts
    of the run, such as counts, which need no proof."""
    observed: float | None = None
    low: float | None = None
    """With `high`, the two-sided interval; None where there is no interval, or no bound on this side."""
    high: float | None = None
    n: int = 0
    effective_n: int = 0
    k: int | None = None
    """How many of n were not within the limit."""
    budget: float | None = None
    """The share of n that may violate the limit."""
    confidence: float = CONFIDENCE
    """The confidence of the interval and of the verdict."""
    severity: Severity = Severity.ERROR
    """A warning never fails the run."""
    windows: "Windows | None" = None
    """The results by window, if it was judged in windows; the numbers above are then those of the worst one."""
    written: Written | None = None
    """The place of the objective in the profile; None where it was not recorded."""

    @property
    def counts(self) -> bool:
        """The verdict of the run depends on this objective."""
        return self.severity is Severity.ERROR

    @property
    def warns(self) -> bool:
        """It does not hold, and the verdict of the run does not depend on it."""
        return not self.counts and self.verdict is not Status.PASS


class Windows(Struct, frozen=True, kw_only=True):
    """How an objective fared window by window."""

    over_s: float
    wanted_in_a_row: int
    """The number of consecutive broken windows that breaks the objective."""
    count: int
    """The windows that were judged. One that is too short to be judged by itself counts with the one before it."""
    broken: int
    most_in_a_row: int
    worst_at_s: float
    """When the worst window began, whose numbers are shown."""
    empty: int = 0
    """Further windows, in which nothing was due, and which are no evidence."""


class Verdict(Struct, frozen=True, kw_only=True):
    """The verdict of a run: `verdict.json`."""

    run_id: str
    verdict: Status
    exit_code: int
    failed: tuple[str, ...] = ()
    """The ids of the objectives of an INVALID run that failed whatever could not be measured or believed."""
    reasons: tuple[str, ...]
    """Why the run as a whole is INVALID, STOPPED or FAIL; the objectives have their own."""
    objectives: tuple[ObjectiveResult, ...]
    warnings: tuple[str, ...] = ()
    """What to know beside the verdict, which it does not decide, such as that the target was saturated."""
    schema_version: int = SCHEMA_VERSION
