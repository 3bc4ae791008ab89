"""Renders runs as rows of a CSV in which Apache Otava looks for changes, one row for each run.

Otava reads a header, a column of times and columns of numbers, and takes the rows in their order, whatever their times.
What was not measured is `nan`, since an empty cell is an error; Otava finds nothing in a column with a `nan`. Source:
the csv importer and `compute_change_points` of Otava 0.8.0.
"""

import json
from collections.abc import Iterable, Sequence
from types import MappingProxyType

from relayload.core.metrics.catalog import shown_in
from relayload.core.metrics.metric import Metric, Output, Unit
from relayload.core.metrics.summary import Summary
from relayload.core.model.verdict import Verdict
from relayload.core.printable import cell

_METRICS = shown_in(Output.OTAVA)
_PERCENTILES = (50.0, 95.0, 99.0)
_ATTRIBUTES = ("time", "run", "profile", "verdict", "summary_version")
_UNITS = MappingProxyType({Unit.SECONDS: "s", Unit.PER_SECOND: "per_s"})
"""The unit at the end of a column's name."""
_RATES = ("ok_per_s", "output_tokens_per_s")
_OTHERS = ("errors_rate", "usd_per_ok")


def _columns(metrics: Iterable[Metric]) -> list[str]:
    return [f"{metric.name}_p{p:g}_{_UNITS[metric.unit]}" for metric in metrics for p in _PERCENTILES]


MORE_IS_BETTER = (*_RATES, *_columns(metric for metric in _METRICS if metric.more_is_better))
METRIC_COLUMNS = (*_columns(_METRICS), *_RATES, *_OTHERS)
COLUMNS = (*_ATTRIBUTES, *METRIC_COLUMNS)
_NOT_MEASURED = "nan"
_MOST_NAMES = 3


def row(summary: Summary, verdict: Verdict) -> list[str]:
    """Return the row of a run, with a value for each of `COLUMNS`."""
    numbers = [*_percentiles(summary), *(getattr(summary.rates, name) for name in _RATES)]
    numbers += [summary.counts.errors_rate, _usd_per_ok(summary)]
    values = [_NOT_MEASURED if number is None else f"{number:.9g}" for number in numbers]
    attributes = [summary.started_at, cell(summary.run_id), cell(summary.profile.name), verdict.verdict.value]
    return [*attributes, str(summary.schema_version), *values]


def otava_config(csv_file: str, test: str, rows: Sequence[Sequence[str]] = ()) -> str:
    """Return Otava's configuration for the file, as YAML, with the metrics that all rows have."""
    missing = _missing(rows)
    metrics = "".join(
        f"      {name}: {{direction: {1 if name in MORE_IS_BETTER else -1}}}\n"
        for name in METRIC_COLUMNS
        if name not in missing
    )
    return (
        f"tests:\n  {_quoted(test)}:\n    type: csv\n    file: {_quoted(csv_file)}\n    time_column: time\n"
        f"    attributes: [run, profile, verdict]\n    metrics:\n{metrics}"
    )


def remarks(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return warnings about what keeps Otava from finding changes in these rows."""
    profiles = sorted({row[COLUMNS.index("profile")] for row in rows})
    mixed = f"rows of {len(profiles)} profiles, {', '.join(profiles)}, are one series to Otava: give each its own file"
    partly = [name for name, count in _missing(rows).items() if count < len(rows)]
    incomplete = f"{_listed(partly)}: not measured in every run, so Otava finds no change there"
    return [*([mixed] if len(profiles) > 1 else []), *([incomplete] if partly else [])]


def _listed(names: Sequence[str]) -> str:
    """Return the first names; the others are in the file."""
    more = len(names) - _MOST_NAMES
    return ", ".join(names) if more <= 1 else f"{', '.join(names[:_MOST_NAMES])} and {more} more metrics"


def _missing(rows: Sequence[Sequence[str]]) -> dict[str, int]:
    """Return the metrics that some runs did not measure, with the number of those runs."""
    counts = {name: sum(row[COLUMNS.index(name)] == _NOT_MEASURED for row in rows) for name in METRIC_COLUMNS}
    return {name: count for name, count in counts.items() if count}


def _quoted(text: str) -> str:
    """Return the text as a quoted scalar of YAML."""
    return json.dumps(text, ensure_ascii=False)


def _percentiles(summary: Summary) -> list[float | None]:
    values: list[float | None] = []
    for metric in _METRICS:
        distribution = summary.metrics[metric.name]
        by_p = {known.p: known.value for known in distribution.percentiles} if distribution else {}
        values += [by_p.get(p) for p in _PERCENTILES]
    return values


def _usd_per_ok(summary: Summary) -> float | None:
    paid = summary.cost.usd
    return float(paid) / summary.counts.ok if paid is not None and summary.counts.ok else None
