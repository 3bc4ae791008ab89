"""Takes the measures of a trial from the fold of its records, and from its summary."""

from collections.abc import Iterable
from decimal import Decimal

from relayload.core.capacity.good_requests import good
from relayload.core.capacity.littles_law import InFlight, in_flight
from relayload.core.capacity.measures import LimitCheck, Measures, ModelTokens
from relayload.core.metrics.cost import paid
from relayload.core.metrics.fold import Fold
from relayload.core.metrics.selection import Selection
from relayload.core.metrics.summary import Summary
from relayload.core.model.run import RunInfo
from relayload.core.objectives.indicators import Indicators
from relayload.core.objectives.objective import Objective
from relayload.core.objectives.recorded_run import RecordedRun
from relayload.core.stats.sample import Distribution


def measure(
    fold: Fold, run: RunInfo, summary: Summary, goods: Iterable[Objective], limits: tuple[LimitCheck, ...] = ()
) -> Measures:
    """Return the measures of a trial, whose fold counted the goodput objectives of its scenarios, `goods`."""
    good_requests, requests = good(goods, Indicators(RecordedRun(fold, run), run, summary.counts.lost))
    measured = Selection(fold.by_tags).where(lambda tags: tags.plan_tags.measured)
    usd = paid(measured.by_tags, run).usd
    ttft, latency = summary.metrics.ttft, summary.metrics.latency
    return Measures(
        limits=limits,
        in_flight=_in_flight(fold, run, summary.counts.lost),
        output_tokens_per_s=summary.rates.output_tokens_per_s,
        ttft_p50_s=_percentile(ttft, 50.0),
        ttft_p99_s=_percentile(ttft, 99.0),
        latency_p99_s=_percentile(latency, 99.0),
        requests=requests,
        good=good_requests,
        usd=None if usd is None else float(usd),
        usd_per_1000_good=None if usd is None or not good_requests else float(usd * Decimal(1000) / good_requests),
        models=_tokens(fold),
    )


def _in_flight(fold: Fold, run: RunInfo, lost: int) -> InFlight | None:
    spans = run.measured_spans(run.load_s(fold.last_due_at_s, fold.last_end_s))
    if fold.condensed or not spans or spans[-1].ends_at_s <= spans[0].begins_at_s:
        return None
    columns = [tagged.columns for tagged in fold.by_tags.values()]
    requests = ((own.due_at_s, own["latency"]) for own in columns)
    return in_flight(requests, spans[0].begins_at_s, spans[-1].ends_at_s, without_record=lost)


def _tokens(fold: Fold) -> dict[str, ModelTokens]:
    models: dict[str, ModelTokens] = {}
    for tags, tagged in fold.by_tags.items():
        if not tags.ok:
            continue
        answers = tagged.tokens.without(tagged.retried)
        own = ModelTokens(
            requests=len(tagged),
            with_input=answers.told,
            with_output=answers.with_output,
            input_tokens=answers.input,
            cached_input_tokens=answers.cached_input,
            output_tokens=answers.output,
            reasoning_tokens=answers.reasoning,
        )
        model = tags.plan_tags.model
        models[model] = models[model].plus(own) if model in models else own
    return dict(sorted(models.items()))


def _percentile(distribution: Distribution | None, p: float) -> float | None:
    known = distribution.percentiles if distribution else ()
    return next((each.value for each in known if each.p == p), None)
