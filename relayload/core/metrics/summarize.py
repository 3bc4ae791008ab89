"""From a fold to the summary of its run."""

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property, partial
from typing import NamedTuple, cast

from msgspec import structs

from relayload.core.audit.findings import Audit
from relayload.core.audit.reference import ReferenceAnswers
from relayload.core.metrics.answer_warnings import remarks_on
from relayload.core.metrics.audited import audit_of
from relayload.core.metrics.cost import Cost, paid, paid_at
from relayload.core.metrics.distributions import Column, MetricsOf
from relayload.core.metrics.fold import Account, Fold, account
from relayload.core.metrics.generator_health import health_of, stepped_clocks
from relayload.core.metrics.saturation import Saturation, saturation
from relayload.core.metrics.selection import Selection, Series
from relayload.core.metrics.side_by_side import SideBySide, side_by_side
from relayload.core.metrics.summary import (
    Counts,
    Group,
    PaidGroup,
    ProfileName,
    Rates,
    Scope,
    Second,
    Summary,
)
from relayload.core.metrics.tagged_requests import TaggedRequests
from relayload.core.metrics.tasks import RunAll, Task, one_by_one
from relayload.core.metrics.timeline import step_s, timeline
from relayload.core.metrics.totals import batch_of, breaker_acts_of, errors_of, quota_waits_of, retries_of, tokens_of
from relayload.core.model.record import Outcome
from relayload.core.model.run import RunInfo, Span
from relayload.core.model.tags import PlanTags, ScenarioTags, Tags, values_of


def summarize(
    fold: Fold,
    run: RunInfo,
    faults: Iterable[str] = (),
    warnings: Iterable[str] = (),
    run_all: RunAll = one_by_one,
    *,
    recorded: ReferenceAnswers | None = None,
) -> Summary:
    """Return the summary.

    `faults` are reasons not to trust the recording; `warnings` are only shown. `recorded` are the answers of the
    reference of an audit.
    """
    making = SummaryInTheMaking(fold, run, faults, warnings, recorded=recorded)
    return making.made_of(run_all(making.tasks()), making.audit)


Named = dict[str, tuple[Selection, int]]
"""Requests and the number of drops by name."""


class SummaryInTheMaking:
    """The tasks for a summary, and the summary of their results."""

    def __init__(
        self,
        fold: Fold,
        run: RunInfo,
        faults: Iterable[str] = (),
        warnings: Iterable[str] = (),
        *,
        recorded: ReferenceAnswers | None = None,
    ) -> None:
        """Take the same arguments as `summarize`."""
        assert fold.cells.suit(run), "the fold can't be cut where stages of the run end"
        self._faults, self._warnings = tuple(faults), tuple(warnings)
        self._fold = fold
        self._run = run
        self._recorded = recorded
        self._all = Selection(fold.by_tags)
        self._measured = self._all.where(_is_measured)
        self._load_s = run.load_s(fold.last_due_at_s, fold.last_end_s)
        self._began_s = fold.starts.first_s if run.batch and fold.started else 0.0
        self._measured_spans = run.measured_spans(self._load_s, self._began_s)
        self._by_scenario = self._split(lambda plan_tags: plan_tags.scenario)
        self._by_model = self._split(lambda plan_tags: plan_tags.model)
        self._by_stage = self._split(lambda plan_tags: plan_tags.stage)
        self._by_target = self._split(lambda plan_tags: plan_tags.target) if run.targets else {}
        self._by_key = self._split(lambda plan_tags: plan_tags.key) if run.keys else {}
        self._by_tag = {name: self._split(partial(_value_of, run.tags, name)) for name in values_of(run.tags)}
        self._metrics = MetricsOf(self._tabled())
        self._timeline_step_s = step_s(fold)
        self.accounted = account(fold, run)

    @cached_property
    def audit(self) -> Audit | None:
        """What the audited answers say, which takes a while if models are compared."""
        return audit_of(self._fold, self._run, self._recorded)

    def tasks(self) -> list[Task[object]]:
        """Return the tasks, larger ones first so that they spread evenly."""
        fold, run = self._fold, self._run
        return [
            Task(partial(timeline, fold, self._timeline_step_s)),
            Task(partial(side_by_side, fold, run)),
            Task(partial(_Starts.of, fold), about="late"),
            *self._metrics.tasks(),
        ]

    def made_of(self, results: Sequence[object], audit: Audit | None = None) -> Summary:
        """Return the summary from the results of the tasks, and the audit."""
        fold, run = self._fold, self._run
        seconds, comparison, late, *columns = results
        starts = cast(_Starts, late)
        self._metrics.fill(cast(list[Column], columns))
        accounted, errors = self.accounted, errors_of(self._all)
        saturated = self._saturation()
        metrics = self._metrics[self._measured.where(_is_ok)]
        faults = (*accounted.faults, *self._faults)
        return Summary(
            run_id=run.run_id,
            profile=ProfileName(run.profile.name, run.profile.sha256),
            started_at=run.started_at,
            duration_s=max(run.ended_at_s or 0.0, fold.last_at_s),
            workers=max(run.workers, len(fold.lines_of)),
            scope=Scope(),
            counts=self._counts(accounted),
            rates=self._rates(accounted, starts),
            metrics=metrics,
            errors=errors,
            tokens=tokens_of(self._all),
            cost=paid(fold.by_tags, run),
            by_scenario=self._groups(self._by_scenario),
            by_model=self._groups(self._by_model),
            by_stage=self._stages(),
            by_target=self._paid(self._by_target, run.targets, lambda name: paid_at(name, fold.by_tags, run)),
            by_key=self._of_one(self._by_key, run.keys),
            by_tag={name: self._of_one(self._by_tag[name], values) for name, values in values_of(run.tags).items()},
            comparison=cast(SideBySide | None, comparison),
            timeline_step_s=self._timeline_step_s,
            timeline=cast(tuple[Second, ...], seconds),
            generator=health_of(fold, run, errors, starts.late_p99_s, faults, metrics.ttft, accounted.lost),
            retries=retries_of(fold),
            quota=quota_waits_of(fold),
            breaker=breaker_acts_of(fold, self._load_s),
            batch=None if fold.so_far else batch_of(fold, run, accounted),
            saturation=saturated,
            audit=audit,
            warnings=(
                *_stopped(run),
                *([] if saturated is None else [str(saturated)]),
                *run.cautions,
                *self._warnings,
                *accounted.warnings,
                *stepped_clocks(run.worker_reports),
                *remarks_on(self._all),
                *_condensed(fold, run),
            ),
        )

    def outline(self) -> Summary:
        """Return the summary without its expensive parts: latencies, timeline, and the most starts in a window."""
        return self.made_of([(), None, _Starts(0, 0, 0, 0, None), *self._metrics.nothing()])

    def _counts(self, accounted: Account) -> Counts:
        by_outcome = self._all.by_outcome()
        all_tagged = self._fold.by_tags.values()
        return Counts(
            offered=accounted.offered,
            started=accounted.started,
            dropped=accounted.dropped,
            lost=accounted.lost,
            ok=by_outcome.get(Outcome.OK.value, 0),
            by_outcome=by_outcome,
            attempts=sum(tagged.attempts for tagged in all_tagged),
            retries=sum(tagged.retries for tagged in all_tagged),
        )

    def _rates(self, accounted: Account, starts: "_Starts") -> Rates:
        measured_s = _length_s(self._measured_spans)
        dropped = sum(len(due_at_s) for plan_tags, due_at_s in self._fold.all_drops if plan_tags.measured)
        ended = self._all.where(_is_ok).ended(_bounds(self._measured_spans))
        later = self._later()
        return Rates(
            measured_s=measured_s,
            offered_per_s=_per(self._measured.count + dropped + accounted.lost, measured_s),
            started_per_s=_per(self._measured.count, measured_s),
            ok_per_s=_per(ended.requests, measured_s),
            output_tokens_per_s=_per(ended.output_tokens, measured_s),
            ended_later=later.requests,
            ended_later_s=later.until_s,
            max_in_1s=starts.most_in_1s,
            max_in_60s=starts.most_in_60s,
            max_attempts_in_1s=starts.most_attempts_in_1s,
            max_attempts_in_60s=starts.most_attempts_in_60s,
        )

    def _later(self) -> "_Later":
        """Return the measured requests that ended ok after the measured span."""
        if not _length_s(self._measured_spans):
            return _Later()
        ok, ends_at_s = self._measured.where(_is_ok), self._measured_spans[-1].ends_at_s
        requests = ok.ended([(ends_at_s, max(ends_at_s, ok.last_end_s))]).requests
        return _Later(requests, ok.last_end_s - ends_at_s) if requests else _Later()

    def _saturation(self) -> Saturation | None:
        """Return how the backlog grew; None if it did not do so throughout, or if the load is no open one."""
        if not (self._run.open and self._measured_spans):
            return None
        ended: Counter[int] = Counter()
        for tagged in self._fold.by_tags.values():
            ended.update(tagged.ends.by_second())
        first, last = self._measured_spans[0], self._measured_spans[-1]
        return saturation(self._fold.due_in, ended, first.begins_at_s, last.ends_at_s)

    def _tabled(self) -> Iterator[Selection]:
        """Yield the selections that have metrics of their own."""
        yield self._measured.where(_is_ok)
        for named in (self._by_scenario, self._by_model, self._by_target, self._by_key, *self._by_tag.values()):
            yield from (own.where(_is_measured).where(_is_ok) for own, _ in named.values())
        yield from (own.where(_is_ok) for own, _ in self._by_stage.values())

    def _groups(self, named: Named) -> dict[str, Group]:
        """Return tables over the measured requests of each name; their counts cover the whole run."""
        ended = {name: own.where(_is_ok) for name, (own, _) in named.items()}
        return {
            name: self._group(own, own.where(_is_measured), ended[name], self._measured_spans, dropped)
            for name, (own, dropped) in named.items()
        }

    def _stages(self) -> dict[str, Group]:
        """Return tables over all requests of each stage, in the order of the plan."""
        ok, spans = self._all.where(_is_ok), self._stage_spans()
        return {
            name: self._group(own, own, ok, spans[name], dropped, spans[name][0].stage.warmup)
            for name in spans
            if name in self._by_stage
            for own, dropped in (self._by_stage[name],)
        }

    def _stage_spans(self) -> dict[str, list[Span]]:
        """Return when the stages of each name ran."""
        spans: defaultdict[str, list[Span]] = defaultdict(list)
        for span in self._run.spans(self._load_s, self._began_s):
            spans[span.stage.name].append(span)
        return spans

    def _of_one(self, named: Named, order: Iterable[str]) -> dict[str, PaidGroup]:
        """Return tables of requests that may go to several targets."""
        return self._paid(named, order, lambda name: paid(named[name][0].by_tags, self._run))

    def _paid(self, named: Named, order: Iterable[str], cost_of: Callable[[str], Cost]) -> dict[str, PaidGroup]:
        """Return tables with tokens and cost, in that order."""
        groups = self._groups(named)
        return {
            name: PaidGroup(**structs.asdict(groups[name]), tokens=tokens_of(named[name][0]), cost=cost_of(name))
            for name in order
            if name in groups
        }

    def _split(self, name_of: Callable[[PlanTags], str | None]) -> Named:
        """Return requests and the number of drops by name."""
        by_name: defaultdict[str | None, dict[Tags, TaggedRequests]] = defaultdict(dict)
        for tags, tagged in self._fold.by_tags.items():
            by_name[name_of(tags.plan_tags)][tags] = tagged
        drops: Counter[str | None] = Counter()
        for plan_tags, due_at_s in self._fold.all_drops:
            drops[name_of(plan_tags)] += len(due_at_s)
        names = sorted(filter(None, {*by_name, *drops}))
        return {name: (Selection(by_name[name]), drops[name]) for name in names}

    def _group(
        self,
        everything: Selection,
        measured: Selection,
        counted: Selection,
        spans: Sequence[Span],
        dropped: int,
        warmup: bool = False,
    ) -> Group:
        """Return a table with the metrics of the measured requests, and the rates of those `counted` by their ends."""
        by_outcome, seconds, ended = everything.by_outcome(), _length_s(spans), counted.ended(_bounds(spans))
        return Group(
            started=everything.count,
            dropped=dropped,
            ok=by_outcome.get(Outcome.OK.value, 0),
            by_outcome=by_outcome,
            measured_s=seconds,
            ok_per_s=_per(ended.requests, seconds),
            output_tokens_per_s=_per(ended.output_tokens, seconds),
            metrics=self._metrics[measured.where(_is_ok)],
            warmup=warmup,
        )


class _Later(NamedTuple):
    """Requests that ended after the measured span, and how long after it the last one did."""

    requests: int = 0
    until_s: float | None = None


class _Starts(NamedTuple):
    """The most starts and attempts in any second and minute, and how late starts were."""

    most_in_1s: int | None = None
    most_in_60s: int | None = None
    most_attempts_in_1s: int | None = None
    most_attempts_in_60s: int | None = None
    late_p99_s: float | None = None

    @classmethod
    def of(cls, fold: Fold) -> "_Starts":
        if fold.so_far:
            return cls()
        late = Series(Selection(fold.by_tags), "late").ordered
        late_p99_s = late.quantile(0.99) if late.count else None
        if fold.of_snapshots:
            return cls(late_p99_s=late_p99_s)
        requests = fold.starts.most_in(1.0), fold.starts.most_in(60.0)
        attempts = requests
        if len(fold.retry_starts):
            sent = fold.starts.with_all(fold.retry_starts)
            attempts = sent.most_in(1.0), sent.most_in(60.0)
        return cls(*requests, *attempts, late_p99_s)


def _condensed(fold: Fold, run: RunInfo) -> Iterator[str]:
    """Yield what is less exact, or left out, because of the number of requests."""
    if fold.of_snapshots and not fold.so_far:
        yield (
            f"judged from snapshots, since the run kept records: {run.records}: counts are exact, values are known to "
            "within 0.4%, and what takes single requests is left out"
        )
    elif fold.condensed and not fold.so_far:
        yield f"{fold.started:,} requests are too many to keep each: values come from histograms, to within 0.4%"
        if run.copies > 1:
            yield "pairs of requests to several targets are not compared where there are so many"


def _length_s(spans: Iterable[Span]) -> float:
    return math.fsum(span.seconds for span in spans)


def _bounds(spans: Iterable[Span]) -> list[tuple[float, float]]:
    return [(span.begins_at_s, span.ends_at_s) for span in spans]


def _per(count: float, seconds: float) -> float | None:
    return count / seconds if seconds > 0 else None


def _stopped(run: RunInfo) -> tuple[str, ...]:
    return (run.guardrail_reason,) if run.guardrail_reason else ()


def _value_of(tags: ScenarioTags, name: str, plan_tags: PlanTags) -> str | None:
    return tags.get(plan_tags.scenario, {}).get(name)


def _is_ok(tags: Tags) -> bool:
    return tags.ok


def _is_measured(tags: Tags) -> bool:
    return tags.plan_tags.measured
