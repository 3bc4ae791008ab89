from decimal import Decimal

import pytest

from relayload.core.model.record import Attempt, BreakerState, FailureKind, Outcome
from relayload.core.model.run import StageInfo, TargetInfo
from relayload.core.model.verdict import ObjectiveResult, Status
from relayload.core.objectives.evaluate import judge_objective
from relayload.core.objectives.grammar import parse
from relayload.core.objectives.indicators import Indicators
from relayload.core.objectives.recorded_run import RecordedRun
from relayload.core.price import Price

CLOSED, OPEN, TRYING = BreakerState.CLOSED, BreakerState.OPEN, BreakerState.HALF_OPEN
_STAGES = (StageInfo(name="warm", for_s=10.0, warmup=True), StageInfo(name="steady", for_s=90.0))
_LIMITED = Attempt(outcome=Outcome.RATE_LIMITED, status=429, kind=FailureKind.RATE_LIMITED)
_EXHAUSTED = Attempt(outcome=Outcome.RATE_LIMITED, status=429, kind=FailureKind.QUOTA_EXHAUSTED)


@pytest.fixture
def judged(indicators, make_run):
    def judge(text: str, lines, lost: int = 0, **run) -> ObjectiveResult:
        objective = parse(text)
        return judge_objective(objective, indicators([objective], lines, make_run(**run), lost))

    return judge


@pytest.fixture
def drill(request_line, breaker_line):
    """A breaker opens 4 s after the first failure and closes 50 s later; that of another model never closes."""
    return [
        request_line(50),
        breaker_line(30.0, CLOSED, OPEN, since_s=26.0),
        breaker_line(60.0, OPEN, TRYING, reason="cooled_down"),
        breaker_line(61.0, TRYING, OPEN, reason="trial_failed", since_s=60.5),
        breaker_line(79.0, OPEN, TRYING, reason="cooled_down"),
        breaker_line(80.0, TRYING, CLOSED, reason="trials_passed"),
        breaker_line(70.0, CLOSED, OPEN, scope="o4", since_s=69.0),
    ]


def test_a_breaker_that_never_trips_has_no_line_and_passes(judged, request_line):
    for text in ("breaker.trips == 0", "breaker{scope=o3}.trips == 0", "breaker.open_time < 1s"):
        result = judged(text, [request_line(0)])
        assert (result.verdict, result.observed, result.n) == (Status.PASS, 0, 1)
    for text in ("breaker.opened_after < 10s", "breaker.recovered_after < 90s", "breaker.trips >= 1"):
        assert judged(text, [request_line(0)]).verdict is Status.FAIL
    assert judged("breaker.recovered_after < 90s", [request_line(0)]).reason == "the breaker never opened"


@pytest.mark.parametrize(
    ("text", "observed", "word"),
    [
        ("breaker.trips == 3", 3, Status.PASS),
        ("breaker{scope=o3}.trips == 2", 2, Status.PASS),
        ("breaker{scope!=o3}.trips == 1", 1, Status.PASS),
        ("breaker.open_time < 50s", 30 + 18 + 30, Status.FAIL),
        ("breaker{scope=o3}.open_time < 50s", 48, Status.PASS),
        ("breaker.opened_after < 5s", 4, Status.PASS),
        ("breaker.opened_after < 4s", 4, Status.FAIL),
        ("breaker{scope=o3}.recovered_after <= 50s", 50, Status.PASS),
        ("breaker{scope=o3}.recovered_after < 50s", 50, Status.FAIL),
    ],
)
def test_a_breaker_is_judged_by_its_history(text: str, observed: float, word: Status, judged, drill):
    result = judged(text, drill)
    assert (result.observed, result.verdict) == (pytest.approx(observed), word)


def test_a_breaker_that_never_closes_again_fails(judged, drill):
    result = judged("breaker.recovered_after < 90s", drill)
    assert (result.verdict, result.observed, result.n) == (Status.FAIL, None, 2)
    assert result.reason == "1 of 2 never closed again"


def test_a_trip_that_does_not_tell_its_failures_is_no_data(judged, request_line, breaker_line):
    result = judged("breaker.opened_after < 10s", [request_line(0), breaker_line(5.0, CLOSED, OPEN)])
    assert (result.verdict, result.reason) == (Status.FAIL, "no trip told when its failures began")


def test_a_trip_of_the_warm_up_is_not_judged_and_one_after_the_load_is(judged, request_line, breaker_line):
    lines = [request_line(50), breaker_line(5.0, CLOSED, OPEN), breaker_line(103.0, CLOSED, OPEN, worker=1)]
    assert judged("breaker.trips == 1", lines, stages=_STAGES).verdict is Status.PASS
    assert judged("breaker.open_time <= 90s", lines, stages=_STAGES).observed == 90.0


def test_a_trip_of_a_load_that_was_due_at_one_instant_counts(judged, request_line, breaker_line):
    lines = [request_line(index, intended_at_s=0.0) for index in range(9)] + [breaker_line(1.0, CLOSED, OPEN)]
    trace = {"stages": (StageInfo(name="trace", for_s=None),), "ended_at_s": 0.0}
    assert judged("breaker.trips == 0", lines, **trace).observed == 1


def test_retries_are_counted_by_request_and_told_apart_by_kind(judged, request_line):
    lines = [request_line(index) for index in range(96)]
    lines += [request_line(index, retried=(_LIMITED, _EXHAUSTED)) for index in (96, 97)]
    lines += [request_line(98, retried=(_LIMITED,)), request_line(99, outcome=Outcome.SHORT_CIRCUITED)]
    assert judged("retries.count == 5", lines).verdict is Status.PASS
    assert judged("retries{kind=quota_exhausted}.count == 2", lines).verdict is Status.PASS
    assert judged("retries{kind=429}.count == 5", lines).verdict is Status.PASS
    result = judged("retries.rate < 20%", lines)
    assert (result.verdict, result.observed, result.k, result.n) == (Status.PASS, 0.05, 5, 100)
    assert judged("retries{model=o4}.rate < 20%", lines).verdict is Status.FAIL


def test_a_retry_storm_is_more_than_a_share(judged, request_line):
    lines = [request_line(index, retried=(_LIMITED,) * 3) for index in range(100)]
    result = judged("retries.rate < 20%", lines)
    assert (result.verdict, result.observed) == (Status.FAIL, 3.0)
    assert judged("retries.rate <= 300%", lines).verdict is Status.PASS


@pytest.mark.parametrize(
    ("kind", "count"), [("quota_exhausted", 1), ("rate_limited", 2), ("429", 2), ("auth", 1), ("rejected", 1)]
)
def test_errors_are_told_apart_by_what_the_client_made_of_them(kind: str, count: int, judged, request_line):
    lines = [
        request_line(0, outcome=Outcome.RATE_LIMITED, status=429, kind=FailureKind.QUOTA_EXHAUSTED),
        request_line(1, outcome=Outcome.RATE_LIMITED, status=429, kind=FailureKind.RATE_LIMITED),
        request_line(2, outcome=Outcome.REJECTED, status=401, kind=FailureKind.AUTH),
    ]
    assert judged(f"errors{{kind={kind}}}.count == {count}", lines).verdict is Status.PASS


def test_cancelled_requests_do_not_dilute_the_errors(judged, request_line):
    outcomes = [Outcome.REJECTED] * 9 + [Outcome.OK] * 491 + [Outcome.CANCELLED] * 500
    lines = [request_line(index, intended_at_s=index / 10, outcome=outcome) for index, outcome in enumerate(outcomes)]
    result = judged("errors.rate < 1%", lines)
    assert (result.verdict, result.observed, result.k, result.n) == (Status.INCONCLUSIVE, 0.018, 9, 500)
    assert judged("errors.rate > 1.5%", lines).verdict is Status.PASS
    assert judged("goodput.rate > 99%", lines).observed == 1 - 0.018
    result = judged("errors.count <= 9", lines)
    assert (result.verdict, result.n) == (Status.PASS, 1000)


def test_where_all_are_cancelled_no_rate_of_errors_is_known(judged, request_line):
    lines = [request_line(index, outcome=Outcome.CANCELLED) for index in range(100)]
    assert judged("errors.rate < 1%", lines).reason == "nothing was measured"
    assert judged("errors.count == 0", lines).verdict is Status.PASS


def test_cancelled_requests_are_part_of_a_rate_of_retries(judged, request_line):
    """They were sent as well, and may have been tried again before they were cancelled."""
    lines = [request_line(index) for index in range(90)]
    lines += [request_line(90 + index, outcome=Outcome.CANCELLED, retried=(_LIMITED,)) for index in range(10)]
    assert judged("retries.rate < 20%", lines).observed == 0.1


def test_whoever_a_breaker_refuses_waited_in_vain_unless_a_tag_leaves_it_out(judged, request_line):
    lines = [request_line(index) for index in range(90)]
    lines += [request_line(index, outcome=Outcome.SHORT_CIRCUITED, latency_s=0.0) for index in range(90, 100)]
    assert (judged("latency.p95 < 1s", lines).k, judged("latency.p95 < 1s", lines).n) == (10, 100)
    assert judged("latency{outcome!=short_circuited}.p95 < 1s", lines).n == 90
    assert judged("errors.count == 10", lines).verdict is Status.PASS


@pytest.mark.parametrize(
    ("text", "lost", "word"),
    [
        ("errors.rate < 1%", 0, Status.PASS),
        ("errors.rate < 1%", 1, Status.PASS),
        ("errors.rate < 1%", 2, Status.INCONCLUSIVE),
        ("errors.rate < 50%", 100, Status.PASS),
        ("errors.rate < 50%", 200, Status.INCONCLUSIVE),
        ("errors{kind=429}.count == 0", 0, Status.PASS),
        ("errors{kind=429}.count == 0", 1, Status.INCONCLUSIVE),
        ("errors.count <= 3", 2, Status.PASS),
        ("errors.count <= 1", 1, Status.INCONCLUSIVE),
        ("errors.count >= 1", 9, Status.PASS),
        ("errors.count == 9", 9, Status.FAIL),
        ("requests{outcome=rejected}.count == 0", 0, Status.PASS),
        ("requests{outcome=rejected}.count == 0", 1, Status.INCONCLUSIVE),
        ("requests.count >= 100", 1, Status.PASS),
        ("retries.rate < 1%", 0, Status.PASS),
        ("retries.rate < 1%", 1, Status.INCONCLUSIVE),
        ("retries.rate < 150%", 1, Status.INCONCLUSIVE),
        ("retries.count == 0", 1, Status.INCONCLUSIVE),
        ("retries.count != 5", 1, Status.INCONCLUSIVE),
        ("retries.count >= 1", 1, Status.FAIL),
    ],
)
def test_what_was_lost_may_have_failed(text: str, lost: int, word: Status, judged, request_line):
    lines = [request_line(index, outcome=Outcome.OK if index else Outcome.TIMED_OUT) for index in range(201)]
    assert judged(text, lines, lost).verdict is word


@pytest.mark.parametrize(("lost", "word"), [(0, Status.PASS), (1, Status.INCONCLUSIVE)])
def test_what_was_lost_may_have_cost_anything(lost: int, word: Status, judged, request_line):
    lines = [request_line(index, input_tokens=100, output_tokens=10) for index in range(10)]
    prices = {"o3": Price(input=Decimal(2), output=Decimal(8))}
    assert judged("cost.usd < $1", lines, lost, prices=prices).verdict is word
    assert judged("cost.usd > $1", lines, lost, prices=prices).verdict is Status.FAIL


def test_waiting_for_a_quota_is_known_of_every_request(judged, request_line, drop_line):
    lines = [request_line(index, throttled_s=0.01 * index) for index in range(100)]
    lines += [request_line(100, outcome=Outcome.TIMED_OUT, throttled_s=5.0)]
    result = judged("throttled.p50 < 1s", lines)
    assert (result.verdict, result.observed, result.n) == (Status.PASS, pytest.approx(0.5), 101)
    assert judged("throttled.max <= 5s", lines).verdict is Status.PASS
    assert judged("throttled.max <= 5s", [*lines, drop_line(101)]).verdict is Status.FAIL


def test_goodput_is_the_share_of_what_was_offered_that_met_every_condition(judged, request_line, drop_line):
    lines = [
        *(request_line(index, ttft_s=0.1, service_s=0.5) for index in range(90)),
        *(request_line(index, ttft_s=0.3, service_s=0.5) for index in range(90, 94)),
        request_line(94, ttft_s=0.1, service_s=5.0),
        request_line(95, ttft_s=0.1, service_s=0.2, output_tokens=1),
        request_line(96, outcome=Outcome.TIMED_OUT),
        request_line(97, outcome=Outcome.CANCELLED),
        drop_line(98),
    ]
    result = judged("goodput{ttft<200ms, tpot<50ms}.rate >= 90%", lines, lost=1)
    assert (result.verdict, result.k, result.n) == (Status.PASS, 4 + 1 + 1 + 1 + 1, 99)
    assert result.observed == pytest.approx(91 / 99)
    assert judged("goodput{ttft<200ms}.rate >= 99%", lines).verdict is Status.FAIL
    assert judged("goodput.rate >= 98%", lines).k == 2
    assert judged("goodput{ttft<200ms, tpot<50ms}.per_second > 0.9", lines, ended_at_s=100.0).observed == 0.91


@pytest.mark.parametrize(
    ("changes", "good"),
    [
        ({"service_s": 0.4}, True),
        ({"service_s": 0.6}, False),
        ({"output_tokens": 1}, True),
        ({"last_token_s": 0.1, "service_s": 0.9}, True),
        ({"streamed_tokens": 3}, False),
        ({"streamed_tokens": 1010, "service_s": 9.0}, True),
        ({"streamed_tokens": None}, False),
        ({"streamed_tokens": None, "last_token_s": None}, False),
    ],
    ids=["fast", "slow", "a word", "all at once", "silent thoughts", "long", "a summary", "an old recording"],
)
@pytest.mark.parametrize("most_exact", [1000, 10])
def test_a_good_stream_has_a_good_time_per_token_or_came_at_once(
    changes, good, most_exact, request_line, folded, make_run
):
    objective = parse("goodput{tpot<50ms}.rate >= 90%")
    lines = [request_line(0, service_s=0.2), *(request_line(index, **changes) for index in range(1, 20))]
    fold = folded(lines, [objective], most_exact=most_exact)
    result = judge_objective(objective, Indicators(RecordedRun(fold, make_run()), make_run()))
    assert (result.k, result.n) == (0 if good else 19, 20)


def test_a_condition_is_not_asked_of_answers_that_cannot_meet_it(judged, request_line):
    plain = {"scenario": "plain", "ttft_s": None, "ttfo_s": None}
    lines = [request_line(index) for index in range(50)] + [request_line(index, **plain) for index in range(50, 60)]
    assert judged("goodput{ttft<200ms}.rate >= 90%", lines).k == 0
    assert judged("goodput{ttft<200ms, scenario=plain}.rate >= 90%", lines).reason == "nothing was measured"


@pytest.mark.parametrize("conditions", ["ttft<200ms, latency<1s", "latency<1s, ttft<200ms"])
def test_a_condition_that_is_not_asked_leaves_the_others_as_they_are(conditions: str, judged, request_line):
    plain = {"scenario": "plain", "ttft_s": None, "ttfo_s": None}
    lines = [request_line(index, service_s=2.0 if index < 3 else 0.5, **plain) for index in range(60)]
    lines += [request_line(index) for index in range(60, 100)]
    assert judged(f"goodput{{{conditions}}}.rate >= 90%", lines).k == 3


def test_whoever_fails_is_not_good_though_only_answers_that_cannot_meet_the_condition_are_ok(judged, request_line):
    lines = [request_line(index, scenario="plain", ttft_s=None, ttfo_s=None) for index in range(50)]
    lines += [request_line(index, outcome=Outcome.TIMED_OUT) for index in range(50, 60)]
    result = judged("goodput{ttft<200ms}.rate >= 95%", lines)
    assert (result.verdict, result.k, result.n) == (Status.FAIL, 10, 60)


@pytest.mark.parametrize(("text", "word"), [("> 30%", Status.INCONCLUSIVE), (">= 30%", Status.PASS)])
def test_a_share_of_good_requests_that_equals_the_limit_is_not_more(text: str, word: Status, judged, request_line):
    lines = [request_line(index, outcome=Outcome.OK if index % 10 < 3 else Outcome.TIMED_OUT) for index in range(100)]
    assert judged(f"goodput.rate {text}", lines).verdict is word


def test_the_interval_of_goodput_is_that_of_the_others_turned_round(judged, request_line):
    lines = [request_line(index, outcome=Outcome.TIMED_OUT if index % 10 == 0 else Outcome.OK) for index in range(100)]
    good, failed = judged("goodput.rate >= 80%", lines), judged("errors.rate <= 20%", lines)
    assert (good.observed, failed.observed) == (0.9, 0.1)
    assert 0 < failed.low < 0.1 < failed.high < 1
    assert (good.low, good.high) == (1 - failed.high, 1 - failed.low)


@pytest.mark.parametrize(("text", "word"), [("<= 90%", Status.PASS), ("< 90%", Status.FAIL), ("== 90%", Status.PASS)])
def test_goodput_with_a_ceiling_is_compared_as_it_is(text: str, word: Status, judged, request_line):
    lines = [request_line(index, outcome=Outcome.OK if index else Outcome.TIMED_OUT) for index in range(10)]
    result = judged(f"goodput.rate {text}", lines)
    assert (result.verdict, result.observed, result.n) == (word, 0.9, 10)


def test_where_all_fail_nothing_is_good(judged, request_line):
    lines = [request_line(index, outcome=Outcome.UNREACHABLE) for index in range(10)]
    result = judged("goodput{ttft<200ms}.rate >= 90%", lines)
    assert (result.verdict, result.k, result.observed) == (Status.FAIL, 10, 0)


@pytest.mark.parametrize("text", ["errors.rate < 100%", "goodput.rate > 0%"])
@pytest.mark.parametrize(("failed", "word"), [(100, Status.FAIL), (99, Status.PASS)])
def test_where_not_all_may_fail_one_that_did_not_decides(text: str, failed: int, word: Status, judged, request_line):
    lines = [request_line(n, outcome=Outcome.REJECTED if n < failed else Outcome.OK) for n in range(100)]
    result = judged(text, lines)
    assert (result.verdict, result.k, result.n) == (word, failed, 100)
    if word is Status.FAIL:
        assert result.reason in ("100 of 100 failed, 100% may", "100 of 100 were not good, 100% may")


def test_a_tag_of_the_target_narrows_requests_and_breakers(judged, request_line, breaker_line):
    lines = [
        request_line(0, target="relay"),
        request_line(0, target="direct", outcome=Outcome.TIMED_OUT),
        breaker_line(30.0, CLOSED, OPEN, scope="direct/o3", target="direct"),
    ]
    assert judged("errors{target=direct}.count == 1", lines).verdict is Status.PASS
    assert judged("errors{target!=direct}.count == 0", lines).verdict is Status.PASS
    assert judged("breaker{target=relay}.trips == 0", lines).verdict is Status.PASS
    assert judged("breaker{target=direct}.trips == 1", lines).verdict is Status.PASS


@pytest.mark.parametrize(
    ("text", "offered", "word", "observed", "reason"),
    [
        ("batch.makespan < 5s", 3, Status.PASS, 2.5, ""),
        ("batch.makespan < 2s", 3, Status.FAIL, 2.5, ""),
        ("batch.makespan < 5s", 2, Status.FAIL, None, "1 of 3 requests never ended"),
        ("batch.makespan > 1s", 2, Status.FAIL, None, "1 of 3 requests never ended"),
    ],
    ids=["in time", "too late", "stopped", "stopped, whatever was asked"],
)
def test_a_batch_that_never_ended_took_infinitely_long(judged, request_line, text, offered, word, observed, reason):
    lines = [request_line(index) for index in range(offered)]
    result = judged(text, lines, load_kind="batch", requests=3, offered=offered)
    assert (result.verdict, result.observed, result.reason) == (word, observed, reason)
    assert result.n == 3


@pytest.mark.parametrize(("answered", "word"), [(6, Status.PASS), (5, Status.FAIL)])
def test_a_paired_batch_is_over_when_every_target_has_answered_all_of_it(
    answered: int, word: Status, judged, request_line
):
    lines = [request_line(index, target=target) for index in range(3) for target in ("direct", "relay")]
    targets = dict.fromkeys(("direct", "relay"), TargetInfo(base_url="http://127.0.0.1:1/v1"))
    batch = {"load_kind": "batch", "requests": 3, "targets": targets, "paired": True}
    result = judged("batch.makespan < 5s", lines[:answered], **batch)
    assert (result.verdict, result.n) == (word, 6)


def test_no_makespan_is_no_pass(judged, request_line):
    assert judged("batch.makespan < 5s", [request_line(0)]).reason == "the load was no batch"
    assert judged("batch.makespan < 5s", [], load_kind="batch", requests=3, offered=0).verdict is Status.FAIL


def test_a_breaker_may_trip_before_any_request_has_ended(judged, breaker_line):
    trip = breaker_line(50.0, CLOSED, OPEN)
    assert (judged("breaker.trips < 1", [trip]).verdict, judged("breaker.trips < 1", [trip]).observed) == (
        Status.FAIL,
        1,
    )
    assert judged("breaker.open_time < 60s", [trip]).verdict is Status.PASS
    assert judged("breaker.trips < 1", []).reason == "nothing was measured"


def test_what_is_known_of_a_cost_may_have_passed_its_limit(judged, request_line):
    prices = {"o3": Price(input=Decimal(1000), output=Decimal(1000))}
    lines = [request_line(0), request_line(1, model="o9")]
    passed, not_yet = (judged(f"cost.usd < ${limit}", lines, prices=prices) for limit in ("0.02", "0.05"))
    assert (passed.verdict, passed.observed, passed.reason) == (
        Status.FAIL,
        0.03,
        "what is known has passed it; no price for o9: write target.prices",
    )
    assert (not_yet.verdict, not_yet.observed) == (Status.FAIL, None)
    assert not_yet.reason == "no price for o9: write target.prices"
