"""Judged runs, for everything that tells of one."""

from collections.abc import Callable, Sequence

import pytest
from live import LiveRun

from relayload.core.metrics.summary import Summary
from relayload.core.model.health import Thresholds
from relayload.core.model.objective_options import ObjectiveOptions, Severity
from relayload.core.model.progress import Progress
from relayload.core.model.record import Line, Outcome
from relayload.core.model.run import RunInfo
from relayload.core.model.verdict import Verdict
from relayload.core.objectives.grammar import parse, with_options
from relayload.core.objectives.objective import Objective
from relayload.core.objectives.run_so_far import RunSoFar
from relayload.core.objectives.so_far import judge_so_far
from relayload.core.objectives.verdict import assess
from relayload.core.resilience.guard import Caps

Judged = Callable[..., tuple[Summary, Verdict]]
_NO_CAPS = Caps()
PROGRESS = Progress(
    stage="steady",
    elapsed_s=7.5,
    total_s=None,
    offered=600,
    started=600,
    dropped=0,
    in_flight=3,
    ok=1,
    failed=0,
    workers=2,
)


@pytest.fixture(scope="session")
def judged(make_run, folded) -> Judged:
    """A summary and a verdict from objectives and lines; other fields of the run may be given."""

    def judged(
        objectives: Sequence[str | Objective], lines: Sequence[Line], **changes: object
    ) -> tuple[Summary, Verdict]:
        run: RunInfo = make_run(thresholds=Thresholds(drop_share=1.0), **changes)
        read = [parse(asked) if isinstance(asked, str) else asked for asked in objectives]
        return assess(read, folded(lines, read, run), run)

    return judged


@pytest.fixture
def some_lines(request_line, drop_line, end_line) -> list[Line]:
    """600 requests of 100 to 700 ms, of which every hundredth was refused."""
    refused = {"outcome": Outcome.RATE_LIMITED, "error": "http_429", "status": 429}
    return [
        *(
            request_line(index, service_s=0.1 + 0.001 * index, **(refused if index % 100 == 50 else {}))
            for index in range(600)
        ),
        end_line(0, started=600, timestamps="kernel", loop_lag_p99_s=0.001, cpu_share=0.25),
    ]


@pytest.fixture
def warning() -> Objective:
    """An objective that `some_lines` do not meet, and that only warns."""
    return with_options(parse("errors.rate < 0.1%"), ObjectiveOptions(severity=Severity.WARN))


@pytest.fixture
def so_far(make_run: Callable[..., RunInfo]) -> Callable[..., RunSoFar]:
    """A run that goes on, of which the master knows those lines."""

    def so_far(
        lines: Sequence[Line], objectives: Sequence[str] = (), caps: Caps = _NO_CAPS, **changes: object
    ) -> RunSoFar:
        asked = [parse(text) for text in objectives]
        live = LiveRun(asked, make_run(ended_at_s=None, ended_by=None, **changes))
        live.add(lines)
        results = [judge_so_far(objective, live.so_far, 700.0) for objective in asked]
        return RunSoFar(merged=live.so_far, progress=PROGRESS, objectives=results, version="1.2", caps=caps)

    return so_far
