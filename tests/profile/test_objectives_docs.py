import re
from pathlib import Path

import pytest

from relayload.core.metrics.catalog import METRICS
from relayload.core.model.record import FailureKind, Outcome
from relayload.core.objectives.grammar import parse
from relayload.core.objectives.statistics import samples_needed, samples_to_resolve
from relayload.profile import load

PAGE = (Path(__file__).parents[2] / "docs" / "objectives.md").read_text(encoding="utf-8")
ROWS = {row[0]: row for row in re.findall(r"^\| `([\w.]+)` \| `([^`]+)` \|([^|]*)\|", PAGE, re.MULTILINE)}


def test_the_example_is_a_profile_whose_objectives_are_read(tmp_path):
    (example,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    path = tmp_path / "objectives.yaml"
    path.write_text(example, encoding="utf-8")
    objectives = load(path, environ={}).objectives
    assert len(objectives) == 22
    assert {objective.id for objective in objectives} >= {"fuse", "ttft{scenario=proof}.p95 < 2s"}


@pytest.mark.parametrize("name", METRICS)
def test_every_metric_is_told_with_its_aggregates_and_tags(name: str):
    _, aggregates, tags = ROWS[name]
    metric = METRICS[name]
    assert aggregates.split() == list(metric.aggregates)
    own = [tag for tag in metric.tags if tag not in ("scenario", "model", "stage", "target", "key")]
    assert all(f"`{tag}`" in tags for tag in own)
    assert ("request" in tags) is ("scenario" in metric.tags)
    assert ("condition" in tags) is (metric.conditional is not None)


def test_every_objective_in_the_text_is_read():
    told = re.findall(r"`([a-z_]+(?:\{[^`]*\})?\.\w+ [<>=!]=? [^`]+)`", PAGE)
    assert len(told) == 10
    for text in told:
        if not text.endswith(" T"):
            parse(text)


def test_every_outcome_is_told_and_the_kinds_exist():
    assert all(f"`{outcome}`" in PAGE for outcome in Outcome)
    kinds = re.search(r"the client's classification \(([^)]*) \.\.\.\)", PAGE)
    assert kinds
    assert {name.strip("`") for name in re.split(r",\s+", kinds[1])} <= set(FailureKind)


def test_the_sizes_it_tells_are_those_that_are_needed():
    page, budgets = " ".join(PAGE.split()), (0.01, 0.05, 0.1, 0.5, 0.001)
    assert [samples_to_resolve(budget) for budget in budgets] == [100, 20, 10, 2, 1000]
    assert "100 for p99, 20 for p95, 10 for p90, 2 for p50, 1,000 for p99.9" in page
    assert [samples_needed(budget) for budget in budgets] == [299, 59, 29, 5, 2995]
    assert "299 requests for p99, 59 for p95, 29 for p90, 5 for p50 and 2,995 for p99.9" in page
