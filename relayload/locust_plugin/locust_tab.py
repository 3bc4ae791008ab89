"""Our tab in Locust's own page, and the links under "Download Data".

Locust's page shows further tabs of one table each (`extended_tabs`, `extended_tables`), whose cells are text, out of
what its poll for statistics brings along (`extended_stats`). It sorts rows by `name`, which no column shows here, and
asks only while a test runs: so it is told that one runs until there is a verdict.
"""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from flask import Response, request

from relayload.core.metrics.breaker_history import trips
from relayload.core.model.verdict import ObjectiveResult
from relayload.core.printable import one_line
from relayload.core.units import format_duration
from relayload.locust_plugin.controller import Controller
from relayload.report.html.page import status_so_far
from relayload.report.text import condition, counted, observed

KEY = "relayload"
_COLUMNS = {"what": "", "state": "State", "observed": "Observed", "counted": "k of n ≈ eff.", "reason": "Why"}
_STATS = "locust.request_stats"
_PERCENTILES = (50.0, 90.0, 99.0)
_OVER = ("stopping", "cleanup", "stopped")
_LONGEST, _MOST_BREAKERS = 300, 20
Row = tuple[str, str, str, str, str]


def template_args(links: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """Return what Locust's page needs to know of the tab and the links: addresses with their titles."""
    structure = [{"key": key, "title": title} for key, title in _COLUMNS.items()]
    return {
        "extended_tabs": [{"title": "relayload", "key": KEY}],
        "extended_tables": [{"key": KEY, "structure": structure}],
        "extended_csv_files": [{"href": href, "title": title} for href, title in links],
    }


def add_rows(response: Response, run: Controller | None, notices: Sequence[str], page: str) -> Response:
    """Add the rows of the tab to an answer of Locust's view for statistics; `page` is the address of ours."""
    if request.endpoint != _STATS or response.status_code != 200:
        return response
    stats = json.loads(response.get_data())
    rows = [*_notices(notices), *([] if run is None else _run_rows(run)), ("whole page", page, "", "", "")]
    stats["extended_stats"] = [{"key": KEY, "data": [_row(number, row) for number, row in enumerate(rows)]}]
    if run is not None and run.verdict is None and not run.crash and stats["state"] in _OVER:
        stats["state"] = "running"
    response.set_data(json.dumps(stats))
    return response


def _row(number: int, row: Row) -> dict[str, str]:
    cells = {key: one_line(text, _LONGEST) for key, text in zip(_COLUMNS, row, strict=True)}
    return {"name": f"{number:04}", **cells}


def _notices(notices: Sequence[str]) -> Iterator[Row]:
    yield from (("warning", notice, "", "", "") for notice in notices)


def _run_rows(run: Controller) -> Iterator[Row]:
    if run.verdict is None:
        at_best = run.latest_progress.at_best if run.latest_progress else ""
        yield ("run", "adding up" if run.ending else "running", format_duration(run.elapsed_s), "", at_best)
    else:
        yield ("verdict", run.verdict.verdict.value, "", "", "; ".join(run.verdict.reasons))
    if run.verdict is None:
        yield from (_objective(result, status_so_far(stands)) for result, stands in run.standings_so_far())
    else:
        yield from (_objective(result, result.verdict.value) for result in run.verdict.objectives)
    yield from _times(run)
    tripped = Counter(change.scope for change in trips(run.merged.transitions))
    yield from (
        (f"breaker {scope}", "", f"{count:,} trips", "", "") for scope, count in tripped.most_common(_MOST_BREAKERS)
    )


def _objective(result: ObjectiveResult, state: str) -> Row:
    return (condition(result), state, observed(result), counted(result), result.reason)


def _times(run: Controller) -> Iterator[Row]:
    told = _judged if run.summary is not None else _so_far
    for name, metric in (("TTFT", "ttft"), ("TPOT", "tpot"), ("latency", "latency")):
        yield (name, "", " · ".join(told(run, metric)) or "nothing measured", "", "")


def _so_far(run: Controller, metric: str) -> Iterator[str]:
    """Yield the percentiles so far, which are known to within a bucket."""
    values = run.merged.total(metric, lambda tags: tags.ok)
    for p in _PERCENTILES:
        if (value := values.quantile_s(p / 100)) is not None:
            yield f"p{p:g} ≈ {format_duration(value)}"


def _judged(run: Controller, metric: str) -> Iterator[str]:
    """Yield the percentiles of the report."""
    assert run.summary is not None, "is judged"
    distribution = run.summary.metrics[metric]
    for found in distribution.percentiles if distribution is not None else ():
        if found.p in _PERCENTILES:
            yield f"p{found.p:g} {format_duration(found.value)}"
