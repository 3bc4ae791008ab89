"""What the charts of a run show beyond its summary, from the same fold.

Every series has one number a bin, so that its size does not depend on the length of the run.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import accumulate
from typing import Any

from relayload.core.metrics.decode_rate import decoded_in
from relayload.core.metrics.error_series import ErrorSeries, error_series
from relayload.core.metrics.fold import Fold
from relayload.core.metrics.group_bands import GroupBands, Groups, Medians, groups_of
from relayload.core.metrics.lanes import Lane, lane
from relayload.core.metrics.percentile_bands import Bands, bands_of
from relayload.core.metrics.selection import Selection
from relayload.core.metrics.summary import Summary
from relayload.core.metrics.tails import Tail, tail_of
from relayload.core.metrics.tasks import RunAll, Task, one_by_one
from relayload.core.metrics.time_bins import Bins
from relayload.core.metrics.token_pairs import TokenPairs, token_pairs
from relayload.core.metrics.values_by_bin import ByBin
from relayload.core.model.tags import Tags

WAITS = ("ttft", "latency")
"""The metrics that are charted: the waits of a caller."""


@dataclass(frozen=True, slots=True)
class QuotaWaits:
    """The waits for the client's own quota of the requests that were due in each bin."""

    requests: tuple[int, ...]
    """How many waited."""
    seconds: tuple[float, ...]
    """How long they waited, added up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartData:
    """The series of a run, all over the same bins."""

    bins: Bins
    ended: tuple[int, ...]
    """Requests that ended in each bin, whatever their outcome."""
    in_flight: tuple[int, ...]
    """Requests that had been due and had not ended, at the end of each bin."""
    bands: Mapping[str, Bands]
    """By metric, where it was measured."""
    tails: Mapping[str, Tail]
    groups: tuple[GroupBands, ...]
    """Those metrics by scenario, target and key, where there are several."""
    output_tokens: tuple[float, ...]
    """Tokens in each bin, spread over the time in which their answer was decoded."""
    spread_by_ends: bool
    """There are too many requests to keep each, so the tokens are spread evenly over the ends of their likes."""
    errors: tuple[ErrorSeries, ...]
    retries: tuple[int, ...]
    """Attempts after the first of their request that were sent in each bin."""
    quota_waits: QuotaWaits | None
    """None where no request waited."""
    usd: tuple[float, ...] | None
    """Dollars until the end of each bin, those of a model spread evenly over the ends of its requests; None where the
    cost is not known."""
    slowest: tuple[Lane, ...] | None
    """None where there is none on record."""
    token_pairs: tuple[TokenPairs, ...]
    """Input tokens of audited answers, by target and model."""


def chart_data(fold: Fold, summary: Summary, run_all: RunAll = one_by_one) -> ChartData:
    """Return the series of a run from its fold and the summary of it."""
    bins, groups = Bins.of(fold), groups_of(fold)
    measured = Selection(fold.by_tags).where(lambda tags: tags.ok and tags.plan_tags.measured)
    tasks: list[Task[Any]] = [
        Task(partial(_output_tokens, fold, bins)),
        *(Task(partial(_over_time, fold, metric, bins, groups), about=f"{metric} over time") for metric in WAITS),
        *(Task(partial(tail_of, measured, metric), about=metric) for metric in WAITS),
    ]
    output_tokens, *by_metric = run_all(tasks)
    over_time, tails = by_metric[: len(WAITS)], by_metric[len(WAITS) :]
    ended = bins.added_up(_ended(fold).items())
    due = bins.added_up(fold.due_in.items())
    return ChartData(
        bins=bins,
        ended=tuple(ended),
        in_flight=tuple(accumulate(started - over for started, over in zip(due, ended, strict=True))),
        bands={metric: own for metric, (own, _) in zip(WAITS, over_time, strict=True) if own is not None},
        tails={metric: own for metric, own in zip(WAITS, tails, strict=True) if own is not None},
        groups=tuple(
            group.bands(dict(zip(WAITS, medians, strict=True)))
            for group, *medians in zip(groups, *(own for _, own in over_time), strict=True)
        ),
        output_tokens=tuple(output_tokens),
        spread_by_ends=fold.condensed,
        errors=error_series(fold, bins),
        retries=tuple(bins.added_up(fold.retry_starts.by_second().items())),
        quota_waits=_quota_waits(fold, bins) if summary.quota.throttled else None,
        usd=_usd(fold, summary, bins),
        slowest=None if fold.of_snapshots and not fold.slowest.records else tuple(map(lane, fold.slowest.records)),
        token_pairs=token_pairs(fold.audited),
    )


def _over_time(fold: Fold, metric: str, bins: Bins, groups: Sequence[Groups]) -> tuple[Bands | None, list[Medians]]:
    """Return a metric over time, of all requests and of those groups."""
    values = ByBin(fold, metric, bins)
    return bands_of(values), [group.medians_of(values) for group in groups]


def _output_tokens(fold: Fold, bins: Bins) -> list[float]:
    if not fold.condensed:
        return decoded_in([tagged.columns for tagged in fold.by_tags.values()], bins)
    shares = ((tags, float(tagged.tokens.output)) for tags, tagged in fold.by_tags.items())
    return _over_ends(fold, {tags: tokens for tags, tokens in shares if tokens}, bins)


def _quota_waits(fold: Fold, bins: Bins) -> QuotaWaits:
    requests, seconds = [0] * bins.count, [0.0] * bins.count
    for tagged in fold.by_tags.values():
        if not tagged.values.waits[0]:
            continue
        points = tagged.values.points("throttled")
        counts = [1] * len(points.values) if points.counts is None else points.counts
        for wait_s, due_at_s, count in zip(points.values, points.due_at_s, counts, strict=True):
            if wait_s > 0:
                number = bins.number(due_at_s)
                requests[number] += count
                seconds[number] += wait_s * count
    return QuotaWaits(tuple(requests), tuple(seconds))


def _usd(fold: Fold, summary: Summary, bins: Bins) -> tuple[float, ...] | None:
    """Return the dollars so far. What a model costs is known of the whole run alone."""
    if summary.cost.usd is None or not summary.cost.by_model:
        return None
    requests: Counter[str] = Counter()
    for tags, tagged in fold.by_tags.items():
        requests[tags.plan_tags.model] += len(tagged)
    shares = {
        tags: float(summary.cost.by_model[model]) * len(tagged) / requests[model]
        for tags, tagged in fold.by_tags.items()
        if (model := tags.plan_tags.model) in summary.cost.by_model and len(tagged)
    }
    return tuple(accumulate(_over_ends(fold, shares, bins)))


def _over_ends(fold: Fold, amounts: Mapping[Tags, float], bins: Bins) -> list[float]:
    """Return what falls into each bin of amounts that are spread evenly over the ends of their requests."""
    sums = [0.0] * bins.count
    for tags, amount in amounts.items():
        tagged = fold.by_tags[tags]
        share = amount / len(tagged)
        for second, count in tagged.ends.by_second().items():
            sums[bins.number(second)] += share * count
    return sums


def _ended(fold: Fold) -> Counter[int]:
    seconds: Counter[int] = Counter()
    for tagged in fold.by_tags.values():
        seconds.update(tagged.ends.by_second())
    return seconds
