import pytest
from msgspec import structs
from msgspec.structs import replace

from relayload.core.model.objective_options import NoData, ObjectiveOptions, TooFew
from relayload.core.model.record import BreakerState, Outcome
from relayload.core.model.run import StageInfo
from relayload.core.model.verdict import ObjectiveResult, Status
from relayload.core.objectives.evaluate import judge_objective
from relayload.core.objectives.grammar import parse, with_options
from relayload.core.objectives.recorded_run import RecordedRun
from relayload.core.objectives.window import Window
from relayload.core.objectives.window_results import taken_together
from relayload.core.stats.histogram import bucket

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
    result = judged("latency.p99 < 1s", _lines(request_line, slow=(), per_second=9))
    assert (result.verdict, result.proven) == (Status.INCONCLUSIVE, None)
    assert "needs 100 requests, and there are 90" in result.reason
    result = judged("latency.p99 < 1s", _lines(request_line, slow=(), per_second=9), on_too_few=TooFew.PASS)
    assert (result.verdict, result.proven) == (Status.PASS, False)


@pytest.mark.parametrize(("per_second", "proven"), [(10, False), (29, False), (30, True)])
def test_a_pass_is_proven_once_it_is_in_every_window(per_second: int, proven: bool, judged, request_line):
    result = judged("latency.p99 < 1s", _lines(request_line, slow=(), per_second=per_second))
    assert (result.verdict, result.proven) == (Status.PASS, proven)
    few = [line for line in _lines(request_line, slow=(), per_second=30) if not 50 < line.intended_at_s < 54]
    result = judged("latency.p99 < 1s", few)
    assert (result.verdict, result.proven) == (Status.PASS, False)


def test_counts_in_windows_need_no_proof(judged, request_line):
    assert judged("errors.count == 0", _lines(request_line, slow=())).proven is None


def test_a_window_of_which_a_third_is_slow_in_one_stretch_is_not_broken_for_sure(judged, request_line):
    """One hiccup within ten seconds is a single event; at half of them it is a fact."""
    for slow, word in ((range(43, 46), Status.INCONCLUSIVE), (range(43, 48), Status.FAIL)):
        assert judged("latency.p90 < 1s", _lines(request_line, slow=slow)).verdict is word


def test_windows_are_of_the_measured_stages_that_the_tags_admit(judged, request_line):
    run = {"stages": _STAGES}
    lines = _lines(request_line, slow=range(10))
    lines = [*_lines(request_line, slow=range(10), stage="warm", measured=False)[:100], *lines[100:]]
    result = judged("latency.p50 < 1s", lines, run=run, over_s=30.0)
    assert (result.verdict, result.windows.count) == (Status.PASS, 3)
    assert judged("latency.p50 < 1s", lines, run=run, over_s=20.0).windows.count == 5
    result = judged("latency{stage!=steady}.p50 < 1s", lines, run=run)
    assert (result.verdict, result.reason) == (Status.FAIL, "no measured stage lasted as long as a window of 10.0s")
    assert judged("latency.p50 < 1s", lines, run=run, over_s=91.0).verdict is Status.FAIL


@pytest.mark.parametrize(
    "text",
    [
        "latency.p50 < 1s",
        "latency.avg < 1s",
        "errors.rate < 50%",
        "errors.count == 0",
        "requests.count >= 1",
        "throughput.per_second > 5",
        "goodput.rate > 50%",
        "breaker.trips == 0",
        "chunk_gap.p50 < 1s",
    ],
)
def test_a_window_in_which_nothing_was_due_is_no_evidence(text: str, judged, request_line):
    lines = _lines(request_line, slow=(), chunk_gaps=(bucket(0.02), 5))
    result = judged(text, [line for line in lines if not 40 <= line.intended_at_s < 50])
    assert (result.verdict, result.reason) == (Status.PASS, "")
    assert (result.windows.count, result.windows.broken, result.windows.empty) == (9, 0, 1)


def test_a_window_in_which_requests_were_due_and_nothing_was_measured_is_broken(judged, request_line, drop_line):
    others = [line for line in _lines(request_line, slow=()) if not 40 <= line.intended_at_s < 50]
    failed = [*others, request_line(1000, intended_at_s=45.0, outcome=Outcome.REJECTED)]
    result = judged("latency{outcome=ok}.p50 < 1s", failed)
    assert (result.verdict, result.windows.broken, result.windows.empty) == (Status.FAIL, 1, 0)
    assert result.reason.endswith("began at 40.0s: nothing was measured")
    dropped = [*others, drop_line(1000, intended_at_s=45.0)]
    assert judged("latency.avg < 1s", dropped).verdict is Status.FAIL
    assert judged("latency.avg < 1s", dropped, on_no_data=NoData.PASS).verdict is Status.PASS


def test_requests_that_were_cancelled_on_purpose_make_no_window_evidence(judged, request_line):
    others = [line for line in _lines(request_line, slow=()) if not 40 <= line.intended_at_s < 50]
    lines = [*others, request_line(1000, intended_at_s=45.0, outcome=Outcome.CANCELLED)]
    for text in ("latency.max < 1s", "goodput.rate > 50%"):
        assert (judged(text, lines).verdict, judged(text, lines).windows.empty) == (Status.PASS, 1)


def test_a_run_whose_windows_are_all_empty_has_no_data(judged, request_line):
    lines = _lines(request_line, slow=(), scenario="other")
    result = judged("latency{scenario=simple}.p50 < 1s", lines)
    assert (result.verdict, result.n, result.reason) == (Status.FAIL, 0, "nothing was due in any window")
    assert judged("latency{scenario=simple}.p50 < 1s", lines, on_no_data=NoData.PASS).verdict is Status.PASS


def test_the_time_in_which_users_wait_for_an_answer_is_evidence_of_a_rate(judged, request_line):
    """Users of a closed load ask for nothing while they wait, so a relay that hangs leaves windows without requests."""
    lines = [line for line in _lines(request_line, slow=()) if not 40 <= line.intended_at_s < 60]
    closed = {"load_kind": "closed"}
    assert judged("throughput.per_second > 5", lines).verdict is Status.PASS
    assert judged("throughput.per_second > 5", lines, run=closed).windows.broken == 2
    assert judged("requests.count >= 1", lines, run=closed).windows.broken == 2
    assert judged("latency.p50 < 1s", lines, run=closed).verdict is Status.PASS


@pytest.mark.parametrize(("in_a_row", "word"), [(2, Status.FAIL), (3, Status.PASS)])
def test_a_row_of_broken_windows_goes_on_over_empty_ones(in_a_row: int, word: Status, judged, request_line):
    lines = [line for line in _lines(request_line, slow=range(30, 70)) if not 40 <= line.intended_at_s < 60]
    result = judged("latency.p50 < 1s", lines, for_windows=in_a_row)
    assert (result.verdict, result.windows.most_in_a_row, result.windows.empty) == (word, 2, 2)


def test_windows_in_which_something_was_due_share_the_confidence(judged, request_line):
    """Two of 24 prove an error rate of 1.2% broken at 90% where there is one window, and not where there are ten."""
    lines = [
        request_line(index, intended_at_s=index / 2.4, outcome=Outcome.REJECTED if index in (5, 17) else Outcome.OK)
        for index in range(24)
    ]
    asked = ("errors.rate < 1.2%", lines), {"confidence": 0.9}
    assert judged(*asked[0], **asked[1]).verdict is Status.FAIL
    more = [request_line(24 + index, intended_at_s=10.0 + 2 * index) for index in range(45)]
    assert judged("errors.rate < 1.2%", [*lines, *more], confidence=0.9).verdict is Status.INCONCLUSIVE


_REST = {"stages": (StageInfo(name="steady", for_s=95.0),), "ended_at_s": 95.0}


def test_the_rest_after_the_last_whole_window_is_judged_too(judged, request_line):
    lines = [line for line in _lines(request_line, slow=range(90, 95)) if line.intended_at_s < 95]
    result = judged("latency.p50 < 1s", lines, run=_REST)
    assert (result.verdict, result.n, result.windows.count) == (Status.FAIL, 50, 10)
    assert result.windows.worst_at_s == 90.0
    result = judged("latency.p50 < 1s", lines, run=_REST, over_s=30.0)
    assert (result.verdict, result.n, result.windows.worst_at_s) == (Status.FAIL, 50, 90.0)


def test_a_run_that_fails_in_the_second_half_of_a_minute_less_a_second_is_broken(judged, request_line):
    run = {"stages": (StageInfo(name="steady", for_s=59.0),), "ended_at_s": 59.0}
    lines = [
        request_line(n, intended_at_s=n / 10, outcome=Outcome.SERVER_ERROR if n >= 300 else Outcome.OK)
        for n in range(590)
    ]
    result = judged("errors.rate < 5%", lines, run=run, over_s=30.0)
    assert (result.verdict, result.k, result.n) == (Status.FAIL, 290, 290)


@pytest.mark.parametrize(
    ("text", "until_s", "word"),
    [
        ("errors.rate < 5%", 90.5, Status.PASS),  # 5 requests can't tell of 5 %, and 105 can
        ("latency.p90 < 1s", 90.5, Status.PASS),
        ("latency.avg < 1s", 90.5, Status.PASS),
        ("throughput.per_second >= 9.5", 90.05, Status.PASS),  # one request in a twentieth of a second
        ("throughput.per_second < 15", 90.05, Status.PASS),
        ("requests.count >= 100", 90.5, Status.PASS),
        ("requests.count <= 100", 90.5, Status.PASS),
        ("errors.count == 0", 90.5, Status.PASS),
    ],
)
def test_a_rest_that_is_too_short_counts_with_the_window_before_it(
    text: str, until_s: float, word: Status, judged, request_line
):
    run = {"stages": (StageInfo(name="steady", for_s=until_s),), "ended_at_s": until_s}
    lines = [line for line in _lines(request_line, slow=()) if line.intended_at_s < until_s]
    assert judged(text, lines, run=run).verdict is word


def test_a_rest_does_not_mend_the_window_before_it(judged, request_line):
    run = {"stages": (StageInfo(name="steady", for_s=95.0),), "ended_at_s": 95.0}
    lines = [line for line in _lines(request_line, slow=range(80, 86)) if line.intended_at_s < 95]
    wanted = judged("latency.p90 < 1s", lines[:900], over_s=10.0, confidence=0.6)
    found = judged("latency.p90 < 1s", lines, run=run, over_s=10.0, confidence=0.6)
    assert (wanted.verdict, found.verdict) == (Status.FAIL, Status.FAIL)
    few = [*lines[:900], *lines[900:905]]
    found = judged("latency.p90 < 1s", few, run=run, over_s=10.0, confidence=0.6, for_windows=1)
    assert (found.verdict, found.windows.broken, found.windows.worst_at_s) == (Status.FAIL, 1, 80.0)
    assert judged("latency.p90 < 1s", few, run=run, over_s=10.0, confidence=0.6, for_windows=2).verdict is Status.PASS


def test_a_few_failures_in_a_rest_are_proof_by_themselves(judged, request_line):
    run = {"stages": (StageInfo(name="steady", for_s=90.5),), "ended_at_s": 90.5}
    lines = [line for line in _lines(request_line, slow=()) if line.intended_at_s < 90]
    lines += [request_line(2000 + n, intended_at_s=90.0 + n / 10, outcome=Outcome.REJECTED) for n in range(5)]
    result = judged("errors.rate < 5%", lines, run=run)
    assert (result.verdict, result.k, result.n, result.windows.worst_at_s) == (Status.FAIL, 5, 5, 90.0)


def test_a_stage_shorter_than_a_window_is_judged_where_others_are_longer(judged, request_line):
    stages = (
        StageInfo(name="steady", for_s=60.0),
        StageInfo(name="warm", for_s=10.0, warmup=True),
        StageInfo(name="top", for_s=5.0),
        StageInfo(name="end", for_s=25.0, warmup=True),
    )
    lines = [
        structs.replace(line, measured=not 60 <= line.intended_at_s < 70)
        for line in _lines(request_line, slow=range(70, 75))
        if line.intended_at_s < 75
    ]
    result = judged("latency.p50 < 1s", lines, run={"stages": stages})
    assert (result.verdict, result.n, result.windows.worst_at_s) == (Status.FAIL, 50, 70.0)
    few = [line for line in lines if line.intended_at_s < 70.4]
    result = judged("latency.p50 < 1s", few, run={"stages": stages})
    assert (result.verdict, result.windows.count) == (Status.PASS, 6)


def test_whoever_got_no_answer_in_a_window_waits_for_ever(judged, request_line, drop_line):
    lines = _lines(request_line, slow=())
    failed = [request_line(2000 + n, intended_at_s=55.0, outcome=Outcome.TIMED_OUT) for n in range(60)]
    failed += [drop_line(2060 + n, intended_at_s=55.0) for n in range(60)]
    result = judged("ttft.p90 < 1s", lines + failed)
    assert (result.verdict, result.k, result.n) == (Status.FAIL, 120, 220)
    assert judged("ttft.p90 < 1s", lines, lost=60).windows.worst_at_s == 90.0
    before = [line for line in lines if line.intended_at_s < 70]
    assert judged("ttft.p90 < 1s", before, lost=60).windows.worst_at_s == 60.0
    assert judged("ttft.p90 < 1s", lines, run=_REST, lost=60).windows.worst_at_s == 80.0


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
