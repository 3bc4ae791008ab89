import pytest

from relayload.core.comparison.repeats import RunLine, Spread, repeats, run_line
from relayload.core.model.record import Outcome
from relayload.core.objectives.grammar import parse
from relayload.core.objectives.verdict import assess


@pytest.fixture
def line(request_line, end_line, make_run, folded):
    """Makes the line of a run of 100 requests, of which some failed."""

    def make(number: int, service_s: float, failed: int = 0, unfit: str | None = None) -> RunLine:
        refused = {"outcome": Outcome.RATE_LIMITED, "error": "http_429", "status": 429}
        requests = [
            request_line(index, service_s=service_s, **(refused if index < failed else {})) for index in range(100)
        ]
        objectives = [parse("errors.rate < 50%")]
        fold = folded([*requests, end_line(0, started=100)], objectives)
        return run_line(f"set/run-{number}", *assess(objectives, fold, make_run()), unfit)

    return make


def test_a_line_has_what_a_run_comes_to(line):
    told = line(1, 0.5, failed=10)
    assert (told.run_dir, told.verdict.verdict, told.errors) == ("set/run-1", "PASS", 10)
    assert (told.ttft_p50_s, told.ttft_p99_s) == (0.1, 0.1)
    assert told.latency_p50_s == told.latency_p99_s == pytest.approx(0.501)
    assert told.ok_per_s == pytest.approx(0.9)


def test_the_spread_is_that_of_the_runs_that_may_be_compared(line):
    lines = [line(1, 0.5), line(2, 0.6, failed=4), line(3, 0.9, failed=1), line(4, 9.0, unfit="INVALID: it was killed")]
    found = repeats(lines, 4)
    assert (found.exit_code, len(found.runs)) == (4, 4)
    assert found.spread["errors"] == Spread(1, 0, 4)
    latency = found.spread["latency_p50_s"]
    assert (latency.median, latency.min, latency.max) == pytest.approx((0.601, 0.501, 0.901))


def test_what_no_run_has_measured_has_no_spread(line):
    assert "latency_p50_s" not in repeats([line(1, 0.5, failed=100)], 3).spread
    assert repeats([], 1).spread == {}
