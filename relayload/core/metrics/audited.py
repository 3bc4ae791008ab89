"""What the audited answers of a run say, by the terms that follow from the run: prices, traffic, and load by stage."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

from relayload.core.audit.findings import Audit
from relayload.core.audit.judge import Terms, judge
from relayload.core.audit.reference import ReferenceAnswers
from relayload.core.metrics.fold import Fold
from relayload.core.model.run import RunInfo
from relayload.core.price import Price, price_of
from relayload.core.units import MONTH_S

LOW, PLANNED, BURST = "low rate", "plan's rate", "burst"
_ALIKE = 1.5
"""Stages whose rates differ by less than this factor are of one load."""

Asked = tuple[str | None, str]
"""A target, and a model that it was asked for."""


def audit_of(fold: Fold, run: RunInfo, recorded: ReferenceAnswers | None = None) -> Audit | None:
    """Return what the audited answers say; None where none was audited. `recorded` are those of a reference."""
    return judge(fold.audited, terms_of(fold, run, recorded)) if fold.audited else None


def terms_of(fold: Fold, run: RunInfo, recorded: ReferenceAnswers | None = None) -> Terms:
    """Return what an audit has to know of the run beside its answers."""
    return Terms(
        reference=run.reference,
        recorded=recorded,
        prices=_prices(fold, run),
        requests_per_month=_requests_per_month(fold, run),
        conditions=_conditions(fold, run),
    )


def _prices(fold: Fold, run: RunInfo) -> dict[Asked, Price]:
    """Return the prices of what was audited, as far as they are known."""
    asked = {(line.target, line.model) for line in fold.audited}
    found = {
        (target, model): price_of(model, run.targets[target].prices if target in run.targets else run.prices)
        for target, model in asked
    }
    return {key: price for key, price in found.items() if price is not None}


def _requests_per_month(fold: Fold, run: RunInfo) -> dict[Asked, float]:
    """Return how many requests a month of the measured traffic has, without the questions of the audit itself."""
    own = {line.scenario for line in fold.audited if line.question is not None}
    counts: Counter[Asked] = Counter()
    for tags, tagged in fold.by_tags.items():
        plan = tags.plan_tags
        if plan.measured and tags.ok and plan.scenario not in own:
            counts[plan.target, plan.model] += len(tagged)
    measured_s = run.measured_s(run.load_s(fold.last_due_at_s, fold.last_end_s))
    return {key: count / measured_s * MONTH_S for key, count in counts.items()} if measured_s else {}


def _conditions(fold: Fold, run: RunInfo) -> dict[str, str]:
    """Return the load of each measured stage, by what was sent in it."""
    requests: Counter[str] = Counter()
    for tags, tagged in fold.by_tags.items():
        if tags.plan_tags.measured:
            requests[tags.plan_tags.stage] += len(tagged)
    lengths: defaultdict[str, float] = defaultdict(float)
    for span in run.spans(run.load_s(fold.last_due_at_s, fold.last_end_s)):
        if not span.stage.warmup and not span.stage.pause:
            lengths[span.stage.name] += span.seconds
    return conditions(requests, lengths)


def conditions(requests: Mapping[str, int], lengths_s: Mapping[str, float]) -> dict[str, str]:
    """Return the load of each stage, given its requests and its length; empty where all have one rate.

    The lowest rate is the low one. Of the other stages the longest has the plan's rate, and those with far more are
    bursts.
    """
    rates = {name: requests[name] / seconds for name, seconds in lengths_s.items() if seconds and requests.get(name)}
    lowest = min(rates.values(), default=math.inf)
    others = {name: rate for name, rate in rates.items() if rate >= _ALIKE * lowest}
    if not others:
        return {}
    planned = others[_longest(others, lengths_s)]
    return {
        name: LOW if name not in others else BURST if rate >= _ALIKE * planned else PLANNED
        for name, rate in rates.items()
    }


def _longest(names: Iterable[str], lengths_s: Mapping[str, float]) -> str:
    return max(names, key=lengths_s.__getitem__)
