"""Renders a summary and a verdict as OpenMetrics text, for GitLab's metrics report and Prometheus' textfile collector.

Source: the OpenMetrics specification 1.0. Values are in base units; what was not measured is absent.
"""

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType

from relayload.core.metrics.catalog import shown_in
from relayload.core.metrics.metric import Output, Unit
from relayload.core.metrics.summary import Metrics, Summary
from relayload.core.model.verdict import ObjectiveResult, Status, Verdict
from relayload.core.stats.sample import Distribution
from relayload.report.not_run import NotRun

_UNITS = MappingProxyType({Unit.SECONDS: "seconds", Unit.PER_SECOND: "per_second"})
"""The units of distributions, as names end by the specification."""
_Labels = dict[str, str]
_Point = tuple[str, _Labels, float | None]
"""A suffix of the family's name, labels, and a value."""


def render_openmetrics(summary: Summary, verdict: Verdict) -> str:
    """Render every number that is worth watching from run to run."""
    families = (*_verdict(verdict), *_counts(summary), *_rates(summary), *_distributions(summary))
    return "".join(line for family in families for line in family) + "# EOF\n"


def render_openmetrics_not_run(not_run: NotRun) -> str:
    """Render the exit code alone, as nothing was measured."""
    return "".join(_exit_code(not_run.exit_code)) + "# EOF\n"


def _exit_code(exit_code: int) -> list[str]:
    return _gauge("exit_code", "0 where the run passed, or was not judged.", [({}, int(exit_code))])


def _verdict(verdict: Verdict) -> Iterator[list[str]]:
    yield _exit_code(verdict.exit_code)
    passed = [(_named(judged), float(judged.verdict is Status.PASS)) for judged in verdict.objectives]
    yield _gauge("objective_passed", "1 where the objective holds.", passed)
    seen = [(_named(judged), judged.observed) for judged in verdict.objectives]
    yield _gauge("objective_observed", "What was observed, in the unit of the objective.", seen)


_COUNTS: Mapping[str, str] = MappingProxyType(
    dict.fromkeys(("offered", "started", "dropped", "lost"), "Requests")
    | {"attempts": "Tries on the wire", "retries": "Tries after the first of a request"}
)


def _counts(summary: Summary) -> Iterator[list[str]]:
    counts = summary.counts
    for name, what in _COUNTS.items():
        yield _gauge(name, f"{what} of the whole run.", [({}, getattr(counts, name))])
    yield _gauge("requests", "By outcome.", [({"outcome": name}, count) for name, count in counts.by_outcome.items()])


def _rates(summary: Summary) -> Iterator[list[str]]:
    rates = summary.rates
    for name in ("offered_per_s", "started_per_s", "ok_per_s", "output_tokens_per_s"):
        words = name.removesuffix("_per_s")
        yield _gauge(f"{words}_per_second", "Of the measured stages.", [({}, getattr(rates, name))])


def _distributions(summary: Summary) -> Iterator[list[str]]:
    """Yield the families over all ok requests, and over those of each scenario, target, key and free tag."""
    scopes: list[tuple[_Labels, Metrics]] = [({}, summary.metrics)]
    scopes += [({"scenario": name}, group.metrics) for name, group in summary.by_scenario.items()]
    scopes += [({"target": name}, group.metrics) for name, group in summary.by_target.items()]
    scopes += [({"key": name}, group.metrics) for name, group in summary.by_key.items()]
    scopes += [
        ({tag: value}, group.metrics) for tag, groups in summary.by_tag.items() for value, group in groups.items()
    ]
    for metric in shown_in(Output.OPENMETRICS):
        points = [point for labels, metrics in scopes for point in _quantiles(metrics[metric.name], labels)]
        unit = _UNITS[metric.unit]
        name = f"relayload_{metric.name}_{unit}"
        meta = [f"# TYPE {name} summary\n", f"# UNIT {name} {unit}\n", f"# HELP {name} Requests that ended ok.\n"]
        yield [*meta, *_samples(name, points)] if points else []


def _quantiles(distribution: Distribution | None, labels: _Labels) -> Iterator[_Point]:
    if distribution is None:
        return
    for percentile in distribution.percentiles:
        yield "", {**labels, "quantile": f"{percentile.p / 100:g}"}, percentile.value
    yield "_count", labels, distribution.count
    yield "_sum", labels, distribution.mean * distribution.count


def _gauge(name: str, help_text: str, points: Iterable[tuple[_Labels, float | None]]) -> list[str]:
    name = f"relayload_{name}"
    samples = _samples(name, [("", labels, value) for labels, value in points])
    return [f"# TYPE {name} gauge\n", f"# HELP {name} {help_text}\n", *samples] if samples else []


def _samples(name: str, points: Iterable[_Point]) -> list[str]:
    return [f"{name}{suffix}{_spelled(labels)} {value!r}\n" for suffix, labels, value in points if value is not None]


def _spelled(labels: _Labels) -> str:
    pairs = ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items())
    return f"{{{pairs}}}" if pairs else ""


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _named(result: ObjectiveResult) -> _Labels:
    unit = result.unit or Unit.COUNT.name.lower()
    return {"objective": result.id, "unit": unit}
