import pytest
from msgspec.structs import replace

from relayload.core.model.objective_options import NoData, ObjectiveOptions
from relayload.core.model.record import BreakerState, Outcome
from relayload.core.model.run import StageInfo
from relayload.core.model.verdict import ObjectiveResult, Status
from relayload.core.objectives.evaluate import judge_objective
from relayload.core.objectives.grammar import parse, with_options
from relayload.core.objectives.indicators import Window
from relayload.core.objectives.recorded_run import RecordedRun
from relayload.core.objectives.window_results import taken_together

_STAGES = (StageInfo(name="warm", for_s=10.0, warmup=True), StageInfo(name="steady", for_s=90.0))


@pytest.fixture
def judged(indicators, make_run):
    def judge(text: str, lines, lost: int = 0, run=None, **options) -> ObjectiveResult:
        objective = with_options(parse(text), ObjectiveOptions(**({"over_s": 10.0} | options)))
        return judge_objective(objective, indicators([objective], lines, make_run(**(run or {})), lost))

    return judge


def _lines(request_line, slow, per_second: int = 10, **changes):
    """A hundred seconds of traffic that is slow in some of them."""
    return [
        request_line(
            at * per_second + number,
            intended_at_s=at + number / per_second,
            service_s=5.0 if at in slow else 0.1,
            **changes,
        )
        for at in range(100)
        for number in range(per_second)
    ]


@pytest.mark.parametrize(
    ("words", "in_a_row", "word"),
    [
        ("PPPP", 1, Status.PASS),
        ("PPFP", 1, Status.FAIL),
        ("PPIP", 1, Status.INCONCLUSIVE),
        ("FPFP", 2, Status.PASS),
        ("FFPP", 2, Status.FAIL),
        ("FIPP", 2, Status.INCONCLUSIVE),
        ("IIPF", 2, Status.INCONCLUSIVE),
        ("FIFF", 3, Status.INCONCLUSIVE),
        ("PFFF", 3, Status.FAIL),
        ("FF", 3, Status.INCONCLUSIVE),
        ("FP", 3, Status.PASS),
    ],
)
def test_windows_break_an_objective_where_enough_in_a_row_are_broken(words: str, in_a_row: int, word: Status):
    objective = with_options(parse("latency.p50 < 1s"), ObjectiveOptions(over_s=10.0, for_windows=in_a_row))
    meaning = {"P": Status.PASS, "F": Status.FAIL, "I": Status.INCONCLUSIVE}
    judged = [
        (10.0 * number, ObjectiveResult(id="", expr="", unit="s", limit=1.0, verdict=meaning[letter], reason="", n=1))
        for number, letter in enumerate(words)
    ]
    taken = taken_together(objective, judged)
    assert taken.verdict is word
    assert taken.windows is not None
    assert (taken.windows.count, taken.windows.broken) == (len(words), words.count("F"))


@pytest.mark.parametrize(
    ("text", "worst_at_s", "observed"), [("throughput.per_second > 5", 10.0, 7), ("ttft.p50 < 30s", 20.0, 20)]
)
def test_the_worst_window_has_the_least_where_more_is_better_and_else_the_most(
    text: str, worst_at_s: float, observed: float
):
    objective = with_options(parse(text), ObjectiveOptions(over_s=10.0))
    result = ObjectiveResult(id="", expr="", unit="", limit=objective.limit, verdict=Status.PASS, reason="", n=1)
    judged = [(at_s, replace(result, observed=observed)) for at_s, observed in ((0.0, 9), (10.0, 7), (20.0, 20))]
    taken = taken_together(objective, judged)
    assert taken.windows is not None
    assert (taken.windows.worst_at_s, taken.observed) == (worst_at_s, observed)


def test_a_burst_that_the_whole_run_hides_breaks_its_window(judged, request_line):
    lines = _lines(request_line, slow={42, 43, 44, 45, 46, 47})
    assert judged("latency.p90 < 1s", lines, over_s=None).verdict is Status.PASS
    result = judged("latency.p90 < 1s", lines)
    assert (result.verdict, result.k, result.n) == (Status.FAIL, 60, 100)
    assert result.reason == (
        "broken in 1 of 10 windows of 10.0s; the worst began at 40.0s: 60 of 100 were not within the limit, 10% may"
    )
    assert judged("latency.p90 < 1s", lines, for_windows=2).verdict is Status.PASS


def test_windows_in_a_row_must_all_be_broken(judged, request_line):
    lines = _lines(request_line, slow=range(45, 65))
    result = judged("latency.p50 < 1s", lines, for_windows=2)
    assert result.verdict is Status.PASS
    assert result.windows is not None
    result = judged("latency.p90 < 1s", lines, for_windows=3)
    assert (result.verdict, result.windows.most_in_a_row) == (Status.FAIL, 3)
    assert "3 in a row where 3 are too many" in result.reason


def test_a_value_of_a_window_is_that_of_its_requests(judged, request_line):
    lines = _lines(request_line, slow=range(10, 20))
    result = judged("latency.max < 60s", lines)
    assert (result.verdict, result.observed, result.n) == (Status.PASS, pytest.approx(5.001), 100)
    assert result.windows is not None
    assert result.windows.worst_at_s == 10.0


@pytest.mark.parametrize("most_exact", [1000, 10])
def test_every_request_of_a_window_counts_once_however_they_are_kept(most_exact: int, request_line, folded, make_run):
    objective = with_options(parse("latency.p50 < 1s"), ObjectiveOptions(over_s=10.0))
    lines = _lines(request_line, slow=range(10, 17), per_second=1)
    run = RecordedRun(folded(lines, [objective], most_exact=most_exact), make_run())
    ordered = run.sample(objective, [], Window(1, 10.0, 20.0)).ordered
    assert ordered.count == 10
    assert [ordered.at(3), ordered.at(4)] == pytest.approx([0.101, 5.001], rel=0.004)


def test_too_few_in_every_window_can_not_be_told(judged, request_line):
    result = judged("latency.p99 < 1s", _lines(request_line, slow=()))
    assert result.verdict is Status.INCONCLUSIVE
    assert "needs 299 independent samples" in result.reason


def test_windows_are_of_the_measured_stages_that_the_tags_admit(judged, request_line):
    run = {"stages": _STAGES}
    lines = _lines(request_line, slow=range(10))
    lines = [*_lines(request_line, slow=range(10), stage="warm", measured=False)[:100], *lines[100:]]
    result = judged("latency.p50 < 1s", lines, run=run, over_s=30.0)
    assert (result.verdict, result.windows.count) == (Status.PASS, 3)
    assert judged("latency.p50 < 1s", lines, run=run, over_s=20.0).windows.count == 4
    result = judged("latency{stage!=steady}.p50 < 1s", lines, run=run)
    assert (result.verdict, result.reason) == (Status.FAIL, "no measured stage lasted as long as a window of 10.0s")
    assert judged("latency.p50 < 1s", lines, run=run, over_s=91.0).verdict is Status.FAIL


def test_a_window_without_a_request_is_broken_unless_said_otherwise(judged, request_line):
    lines = [line for line in _lines(request_line, slow=()) if not 40 <= line.intended_at_s < 50]
    result = judged("latency.p50 < 1s", lines)
    assert (result.verdict, result.windows.broken) == (Status.FAIL, 1)
    assert result.reason.endswith("began at 40.0s: nothing was measured")
    assert judged("latency.p50 < 1s", lines, on_no_data=NoData.PASS).verdict is Status.PASS
    assert judged("errors.rate < 50%", lines).verdict is Status.FAIL


def test_whoever_got_no_answer_in_a_window_waits_for_ever(judged, request_line, drop_line):
    lines = _lines(request_line, slow=())
    failed = [request_line(2000 + n, intended_at_s=55.0, outcome=Outcome.TIMED_OUT) for n in range(30)]
    failed += [drop_line(2030 + n, intended_at_s=55.0) for n in range(30)]
    result = judged("ttft.p90 < 1s", lines + failed)
    assert (result.verdict, result.k, result.n) == (Status.FAIL, 60, 160)
    assert judged("ttft.p90 < 1s", lines, lost=60).windows.worst_at_s == 90.0


def test_counts_rates_and_breakers_are_judged_in_windows_too(judged, request_line, breaker_line):
    lines = _lines(request_line, slow=())
    lines += [request_line(2000, intended_at_s=33.0, outcome=Outcome.REJECTED)]
    lines += [
        breaker_line(36.0, BreakerState.CLOSED, BreakerState.OPEN),
        breaker_line(52.0, BreakerState.OPEN, BreakerState.HALF_OPEN),
    ]
    assert judged("errors.count == 0", lines).windows.worst_at_s == 30.0
    first = judged("throughput.per_second >= 10", lines)
    assert (first.windows.broken, first.windows.worst_at_s) == (1, 0.0), "what was due at its end ended in the next"
    assert judged("throughput.per_second >= 9.5", lines).verdict is Status.PASS
    assert judged("throughput.per_second >= 10.5", lines).windows.broken == 10
    assert judged("output_tokens.per_second >= 95", lines).verdict is Status.PASS
    assert judged("breaker.trips == 0", lines).windows.broken == 1
    open_time = judged("breaker.open_time < 5s", lines)
    assert (open_time.windows.broken, open_time.observed, open_time.windows.worst_at_s) == (1, 10.0, 40.0)
    assert judged("goodput{latency<1s}.rate >= 90%", lines).verdict is Status.PASS
