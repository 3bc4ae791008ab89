"""Pages of made-up runs."""

from collections.abc import Callable, Sequence

import pytest

from relayload.core.model.health import Thresholds
from relayload.core.model.record import Line
from relayload.core.objectives.charts import charts_of
from relayload.core.objectives.grammar import parse
from relayload.core.objectives.verdict import assess
from relayload.report.html.page import RunPage

MakePage = Callable[..., RunPage]


@pytest.fixture(scope="session")
def make_page(make_run, folded) -> MakePage:
    """What a page is made of, from objectives and lines; fields of the run may be given."""

    def make(
        objectives: Sequence[str], lines: Sequence[Line], profile: str | None = None, **changes: object
    ) -> RunPage:
        run = make_run(**{"thresholds": Thresholds(drop_share=1.0), **changes})
        read = [parse(text) for text in objectives]
        fold = folded(lines, read, run)
        summary, verdict = assess(read, fold, run)
        return RunPage(summary, verdict, run, charts_of(read, fold, run, summary), profile)

    return make
