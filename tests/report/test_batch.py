import pytest

from relayload.core.metrics.summary import BatchTally
from relayload.core.model.run import StageInfo
from relayload.report.batch import batch_facts
from relayload.report.markdown import render_markdown
from relayload.report.text import render_summary

WHOLE = {"requests": 1500, "queued": 0, "running": 0, "done": 1490, "failed": 10, "lost": 0, "makespan_s": 12.34}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "1,500 requests · done 1,490 · failed 10 · makespan 12.3s"),
        (
            {"done": 1000, "running": 5, "queued": 485},
            "1,500 requests · done 1,000 · failed 10 · running 5 · queued 485 · ended after 12.3s",
        ),
        (
            {"done": 1000, "lost": 490},
            "1,500 requests · done 1,000 · failed 10 · lost 490 · ended after 12.3s",
        ),
        (
            {"done": 0, "failed": 0, "queued": 1500, "makespan_s": None},
            "1,500 requests · done 0 · failed 0 · queued 1,500",
        ),
    ],
    ids=["finished", "stopped", "a worker died", "nothing sent"],
)
def test_a_batch_tells_where_its_requests_are(changes, expected):
    assert batch_facts(BatchTally(**(WHOLE | changes))) == [("batch", expected)]


def test_reports_of_a_batch_begin_with_it(judged, some_lines):
    stages = (StageInfo(name="steady", for_s=None),)
    batch = {"load_kind": "batch", "stages": stages, "requests": 600, "offered": 600}
    summary, verdict = judged(["batch.makespan < 10min"], some_lines, **batch)
    told = "600 requests · done 594 · failed 6 · makespan 10m"
    assert f"\nbatch      {told}\narrivals   offered 600" in render_summary(summary)
    assert f"\n{told}\n\noffered 600 = started 600" in render_markdown(summary, verdict)
    assert verdict.verdict == "PASS"


def test_other_loads_say_nothing_of_batches(judged, some_lines):
    assert "batch" not in render_summary(judged([], some_lines)[0])
