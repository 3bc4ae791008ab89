"""Objectives: pass conditions on one number of a run. `grammar` describes their syntax."""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, NamedTuple

from msgspec import structs

from relayload.core.metrics.catalog import METRICS
from relayload.core.metrics.metric import Per, Unit
from relayload.core.model.objective_options import DEFAULTS, ObjectiveOptions, ObjectiveSpec
from relayload.core.units import format_duration


class Op(StrEnum):
    """The comparison between the observed value and the limit."""

    BELOW = "<"
    AT_MOST = "<="
    ABOVE = ">"
    AT_LEAST = ">="
    EQUAL = "=="
    NOT_EQUAL = "!="

    @property
    def ceiling(self) -> bool:
        """The limit is an upper one."""
        return self in (Op.BELOW, Op.AT_MOST)

    @property
    def floor(self) -> bool:
        """The limit is a lower one."""
        return self in (Op.ABOVE, Op.AT_LEAST)

    def within(self, limit: float) -> Callable[[float], bool]:
        """Return a fast predicate for values within an upper or lower limit."""
        return {
            Op.BELOW: limit.__gt__,
            Op.AT_MOST: limit.__ge__,
            Op.ABOVE: limit.__lt__,
            Op.AT_LEAST: limit.__le__,
        }[self]

    def beyond(self, limit: float) -> Callable[[float], bool]:
        """Return the opposite predicate of `within`; a value that was not measured satisfies neither."""
        return {
            Op.BELOW: limit.__le__,
            Op.AT_MOST: limit.__lt__,
            Op.ABOVE: limit.__ge__,
            Op.AT_LEAST: limit.__gt__,
        }[self]

    def holds(self, value: float, limit: float) -> bool:
        match self:
            case Op.BELOW:
                return value < limit
            case Op.AT_MOST:
                return value <= limit
            case Op.ABOVE:
                return value > limit
            case Op.AT_LEAST:
                return value >= limit
            case Op.EQUAL:
                return value == limit
            case Op.NOT_EQUAL:
                return value != limit


@dataclass(frozen=True, slots=True)
class Tag:
    """Narrows a metric to the requests whose tag has, or has not, this value."""

    name: str
    value: str
    negated: bool = False
    scenarios: frozenset[str] | None = None
    """The scenarios that have a free tag, which `value` then spells."""

    def __str__(self) -> str:
        return self.value if self.scenarios is not None else f"{self.name}{'!=' if self.negated else '='}{self.value}"

    def admits(self, value: str) -> bool:
        has_it = value == self.value if self.scenarios is None else value in self.scenarios
        return has_it is not self.negated


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition that a good request meets: a metric of its own within a limit."""

    metric: str
    op: Op
    limit: float
    text: str

    def __str__(self) -> str:
        return self.text


class Indicator(NamedTuple):
    """The specification of what is counted of requests for objectives."""

    metric: str
    is_mean: bool
    compared: tuple[Op, float] | None
    """The comparison applied to each value; None where there are no values."""
    tags: tuple[Tag, ...]
    conditions: tuple[Condition, ...]
    over_s: float | None
    by_end: bool


@dataclass(frozen=True, slots=True)
class Objective:
    """One pass condition. `limit` is in seconds, per second, a fraction or a count, according to `unit`."""

    text: str
    metric: str
    aggregate: str
    op: Op
    limit: float
    unit: Unit
    tags: tuple[Tag, ...] = ()
    conditions: tuple[Condition, ...] = ()
    """The conditions that good requests must meet besides ending ok; for goodput only."""
    options: ObjectiveOptions = DEFAULTS

    @property
    def id(self) -> str:
        """The name in reports: the id of its options, or its text as in `errors.rate < 1% over 30s, 3 in a row`."""
        return self._full_text if self.options.id is None else self.options.id

    @property
    def title(self) -> str:
        """The id, followed by the text if that differs: `fuse: errors.rate < 1%`."""
        return self._full_text if self.options.id is None else f"{self.options.id}: {self._full_text}"

    @property
    def _full_text(self) -> str:
        over_s, wanted = self.options.over_s, self.options.for_windows
        over = "" if over_s is None else f" over {format_duration(over_s)}"
        return f"{self.text}{over}{f', {wanted} in a row' if wanted > 1 else ''}"

    @property
    def indicator(self) -> "Indicator":
        """Its counted events, apart from what is derived from them; objectives that count the same share it."""
        compared = METRICS[self.metric].distribution
        op_and_limit = (self.op, self.limit) if compared else None
        is_mean = compared and self.quantile is None
        return Indicator(
            self.metric, is_mean, op_and_limit, self.tags, self.conditions, self.options.over_s, self.by_end
        )

    @property
    def while_it_grows(self) -> "Objective":
        """The condition to check before the run is over: a growing sum that must equal the limit must not exceed it."""
        return replace(self, op=Op.AT_MOST) if self.op is Op.EQUAL else self

    @property
    def by_end(self) -> bool:
        """Requests count when they end, whichever stage they were sent in; all others count when they are due."""
        return self.aggregate == "per_second"

    @property
    def one_outcome(self) -> bool:
        """Its tags name the outcome, so that no other counts."""
        return any(not tag.negated for tag in self.tagged("outcome"))

    @property
    def asks_all(self) -> bool:
        """Requests count with their values regardless of their outcome."""
        metric = METRICS[self.metric]
        return self.quantile is not None and (metric.known_of_failed or metric.per is Per.CHUNK)

    @property
    def spec(self) -> str | ObjectiveSpec:
        """The form that a recording keeps."""
        return self.text if self.options == DEFAULTS else ObjectiveSpec(expr=self.text, options=self.options)

    @property
    def quantile(self) -> float | None:
        """The quantile of its aggregate: 0.99 for p99, 0 for min, 1 for max; None for any other."""
        if self.aggregate in ("min", "max"):
            return float(self.aggregate == "max")
        return float(self.aggregate[1:]) / 100 if PERCENTILE.fullmatch(self.aggregate) else None

    @property
    def budget(self) -> float:
        """The error budget of a percentile or a rate: the share of its requests that may be bad.

        "p99 < T" says that 1 % may be beyond T, "p5 > T" that 5 % may be below it; a rate of good requests leaves the
        rest.
        """
        if self.quantile is not None:
            return 1 - self.quantile if self.op.ceiling else self.quantile
        return 1 - self.limit if self.op.floor else self.limit

    @property
    def bounds_what_is_bad(self) -> bool:
        """It limits what is bad: an upper limit of failures, or a lower limit of what is good."""
        if METRICS[self.metric].distribution:
            return True
        metric = METRICS[self.metric]
        return self.op.floor if metric.more_is_better and metric.share_of_all else self.op.ceiling

    @property
    def worst(self) -> float:
        """The value of a request without an answer, where each has one."""
        return -math.inf if self.op.floor else math.inf

    @property
    def tag_names(self) -> tuple[str, ...]:
        """The tags that its metric has."""
        return METRICS[self.metric].tags

    @property
    def metrics(self) -> tuple[str, ...]:
        """Its own metric, and those of its conditions."""
        return (self.metric, *(condition.metric for condition in self.conditions))

    def passed_by(self, amount: float) -> bool:
        """Return whether a sum that only grows is beyond the limit for good."""
        if self.op is Op.EQUAL:
            return amount > self.limit
        return self.op.ceiling and not self.op.holds(amount, self.limit)

    def tagged(self, name: str) -> tuple[Tag, ...]:
        return tuple(tag for tag in self.tags if tag.name == name)


def replace_options(objective: Objective, **changes: Any) -> Objective:
    """Return the objective with some of its options changed."""
    return replace(objective, options=structs.replace(objective.options, **changes))


PERCENTILE = re.compile(r"p(?!0+(\.0+)?$)\d{1,2}(\.\d+)?")
"""Matches the aggregates that are percentiles."""
