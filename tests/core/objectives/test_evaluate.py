from decimal import Decimal
from random import Random

import pytest

from relayload.core.model.objective_options import DEFAULTS, NoData, ObjectiveOptions, TooFew
from relayload.core.model.record import Outcome
from relayload.core.model.run import StageInfo
from relayload.core.model.verdict import ObjectiveResult, Status
from relayload.core.objectives.evaluate import judge_objective
from relayload.core.objectives.grammar import parse, with_options
from relayload.core.price import Price
from relayload.core.stats.effective_size import FEWEST


@pytest.fixture
def judged(indicators, make_run):
    def judge(text: str, lines, lost: int = 0, options: ObjectiveOptions = DEFAULTS, **run) -> ObjectiveResult:
        objective = with_options(parse(text), options)
        return judge_objective(objective, indicators([objective], lines, make_run(**run), lost))

    return judge


def _many(request_line, n: int, **changes):
    return [request_line(index, **changes) for index in range(n)]


def test_a_percentile_within_its_limit_passes_and_shows_what_it_saw(judged, request_line):
    lines = [request_line(index, ttft_s=0.001 * (index * 617 % 1000 + 1)) for index in range(1000)]
    result = judged("ttft.p99 < 1s", lines)
    assert (result.verdict, result.reason) == (Status.PASS, "")
    assert (result.observed, result.n, result.k) == (pytest.approx(0.990), 1000, 1)
    assert result.budget == pytest.approx(0.01)
    assert (result.expr, result.limit, result.unit) == ("ttft.p99 < 1s", 1.0, "s")


def test_a_percentile_over_its_limit_fails(judged, request_line):
    result = judged("latency.p50 < 100ms", _many(request_line, 100))
    assert (result.verdict, result.k) == (Status.FAIL, 100)
    assert result.reason == "100 of 100 were not within the limit, 50% may"


def test_too_few_samples_are_inconclusive_and_say_how_many_are_needed(judged, request_line):
    result = judged("ttft.p99 < 1s", _many(request_line, 99))
    assert (result.verdict, result.proven) == (Status.INCONCLUSIVE, None)
    assert result.reason == "needs 100 requests, and there are 99"
    strict = judged("ttft.p99.9 < 1s", _many(request_line, 1200), options=ObjectiveOptions(strict=True))
    assert (strict.verdict, strict.reason) == (Status.INCONCLUSIVE, "needs 2,995 requests, and there are 1,200")


@pytest.mark.parametrize(("n", "proven"), [(100, False), (298, False), (299, True)])
def test_a_pass_is_observed_with_enough_requests_to_resolve_the_limit_and_proven_with_more(
    n: int, proven: bool, judged, request_line
):
    result = judged("ttft.p99 < 1s", _many(request_line, n))
    assert (result.verdict, result.proven, result.reason) == (Status.PASS, proven, "")


@pytest.mark.parametrize(
    "text", ["latency.max < 1s", "errors.count == 0", "throughput.per_second > 0", "errors.rate >= 0%"]
)
def test_facts_need_no_proof(text: str, judged, request_line):
    result = judged(text, _many(request_line, 400))
    assert (result.verdict, result.proven) == (Status.PASS, None)


def test_what_does_not_pass_is_not_proven(judged, request_line):
    assert judged("latency.p50 < 100ms", _many(request_line, 400)).proven is None
    assert judged("latency.p50 < 1s", []).proven is None


@pytest.mark.parametrize(
    ("text", "too_few"),
    [
        ("ttft.p99 < 1s", "needs 100 requests, and there are 20"),
        ("errors.rate < 1%", "needs 100 requests, and there are 20"),
        ("goodput{ttft<1s}.rate > 99%", "needs 100 requests, and there are 20"),
        ("latency.avg < 1s", "20 values are too few for a mean"),
    ],
)
def test_what_too_few_requests_mean_can_be_said(text: str, too_few: str, judged, request_line):
    good = _many(request_line, 20)
    told = {answer: judged(text, good, options=ObjectiveOptions(on_too_few=answer)) for answer in TooFew}
    assert [told[answer].verdict for answer in (TooFew.INCONCLUSIVE, TooFew.FAIL)] == [Status.INCONCLUSIVE, Status.FAIL]
    assert told[TooFew.INCONCLUSIVE].reason.startswith(too_few)
    assert told[TooFew.FAIL].reason == too_few
    assert (told[TooFew.PASS].verdict, told[TooFew.PASS].reason) == (Status.PASS, "")
    assert not told[TooFew.PASS].proven
    slow = [request_line(index, service_s=9.0, ttft_s=9.0, outcome=Outcome.OK) for index in range(20)]
    if "errors" not in text:
        assert judged(text, slow, options=ObjectiveOptions(on_too_few=TooFew.PASS)).verdict is Status.FAIL


def test_few_requests_that_miss_by_chance_are_no_pass_whatever_is_said_of_few(judged, request_line):
    lines = [*_many(request_line, 19), request_line(19, service_s=2.0)]
    result = judged("latency.p99 < 1s", lines, options=ObjectiveOptions(on_too_few=TooFew.PASS))
    assert (result.verdict, result.reason) == (
        Status.INCONCLUSIVE,
        "1 of 20 were not within the limit, 1% may: too close to tell",
    )


@pytest.mark.parametrize("text", ["errors.rate < 100%", "goodput{ttft<1s}.rate > 0%"])
def test_where_any_that_is_good_would_do_all_failed_is_a_fail(text: str, judged, request_line):
    failed = _many(request_line, 1000, outcome=Outcome.SERVER_ERROR)
    assert judged(text, failed).verdict is Status.FAIL
    assert judged(text, [*failed[1:], request_line(0)]).verdict is Status.PASS


def test_a_queue_that_grows_far_beyond_a_mean_is_a_fail_of_this_run(judged, request_line):
    """Its requests are worth a few independent ones, however many there are."""
    lines = [request_line(index, intended_at_s=index / 10, latency_s=index / 100) for index in range(1000)]
    result = judged("latency.avg < 2s", lines)
    assert (result.verdict, result.low, result.effective_n < FEWEST) == (Status.FAIL, None, True)
    assert judged("latency.avg < 4s", lines).verdict is Status.INCONCLUSIVE


def test_an_outage_in_one_stretch_is_a_fail_of_this_run(judged, request_line):
    """Of 20,000 requests a tenth failed, in one piece; a twentieth may."""
    lines = [
        request_line(
            index,
            intended_at_s=index / 200,
            outcome=Outcome.SERVER_ERROR if 9000 <= index < 11_000 else Outcome.OK,
        )
        for index in range(20_000)
    ]
    for text in ("errors.rate < 5%", "latency.p95 < 1s"):
        result = judged(text, lines)
        assert (result.verdict, result.k, result.n) == (Status.FAIL, 2000, 20_000)
        assert (result.effective_n < FEWEST, result.low, result.high) == (True, None, None)
    assert judged("errors.rate < 6%", lines).verdict is Status.INCONCLUSIVE


def _in_spells(request_line, slow_s: float = 2.0):
    """1,200 requests of about 100 ms; in one spell of forty they take longer."""
    return [
        request_line(index, intended_at_s=index / 12, service_s=slow_s if 600 <= index < 640 else 0.1 + index * 1e-6)
        for index in range(1200)
    ]


def test_a_limit_far_beyond_every_value_is_proven_however_the_slowest_cluster(judged, request_line):
    lines = _in_spells(request_line)
    for text in ("latency.p99 < 1h", "latency.p95 < 1h", "latency.p95 < 4.1s"):
        result = judged(text, lines)
        assert (result.verdict, result.proven, result.k) == (Status.PASS, True, 0)
        assert judged(text, lines, options=ObjectiveOptions(strict=True)).verdict is Status.PASS


def test_a_limit_just_beyond_the_slowest_is_not_proven_where_they_cluster(judged, request_line):
    """They took 2 s together, so next time they may take 3 s together: more than half the limit is near it."""
    result = judged("latency.p95 < 3.9s", _in_spells(request_line))
    assert (result.verdict, result.proven, result.k) == (Status.PASS, False, 0)
    strict = judged("latency.p95 < 3.9s", _in_spells(request_line), options=ObjectiveOptions(strict=True))
    assert strict.verdict is Status.INCONCLUSIVE
    assert "observed, but not proven, as strict asks" in strict.reason
    alone = judged("latency.p95 < 1h", _in_spells(request_line), options=ObjectiveOptions(confidence=0.99))
    assert (alone.verdict, alone.proven) == (Status.PASS, True)


def test_where_less_is_worse_far_within_is_half_of_the_least_value(judged, request_line):
    """Ten tokens in 0.5 s, and in one spell in 2 s."""
    lines = [
        request_line(index, intended_at_s=index / 12, service_s=0.5 if not 600 <= index < 640 else 2.0)
        for index in range(1200)
    ]
    near, far = judged("output_rate.p5 > 3/s", lines), judged("output_rate.p5 > 2/s", lines)
    assert (near.verdict, near.proven) == (Status.PASS, False)
    assert (far.verdict, far.proven) == (Status.PASS, True)


def test_the_interval_of_errors_is_two_sided_and_that_of_goodput_is_its_mirror(judged, request_line):
    lines = _many(request_line, 689)
    errors, goodput = judged("errors.rate < 1%", lines), judged("goodput{ttft<1s}.rate > 99%", lines)
    assert (errors.low, errors.high) == (0.0, pytest.approx(0.00534, abs=1e-5))
    assert (goodput.low, goodput.high) == (pytest.approx(1 - 0.00534, abs=1e-5), 1.0)
    assert (errors.proven, goodput.proven) == (True, True)


def test_a_percentile_that_is_too_correlated_has_no_interval(judged, request_line):
    result = judged("latency.p95 < 1s", _in_spells(request_line))
    assert (result.low, result.high, result.observed) == (None, None, pytest.approx(0.1, abs=0.01))


def test_a_sample_that_misses_by_chance_is_inconclusive(judged, request_line):
    lines = [request_line(index, service_s=2.0 if index % 10 == 0 else 0.1) for index in range(100)]
    result = judged("latency.p95 < 1s", lines[:30])
    assert (result.verdict, result.k) == (Status.INCONCLUSIVE, 3)
    assert result.reason.endswith("too close to tell")


@pytest.mark.parametrize(
    "text",
    [
        "latency.p50 < 1s",
        "ttft.max < 1s",
        "chunk_gap.p99 < 1s",
        "chunk_gap.avg < 1s",
        "tpot.avg < 1s",
        "errors.rate < 50%",
        "errors.count == 0",
        "throughput.per_second < 10",
        "output_tokens.per_second >= 0",
        "late.p50 < 1s",
        "latency{outcome=timed_out}.p50 < 1s",
        "errors{scenario=other}.rate < 50%",
        "retries.rate < 50%",
        "retries.count == 0",
        "throttled.p50 < 1s",
        "goodput.rate >= 0%",
        "goodput{ttft<1s}.rate >= 50%",
        "goodput{ttft<1s}.per_second >= 0",
        "breaker.trips == 0",
        "breaker.open_time < 1s",
        "breaker{scope=o3}.trips == 0",
    ],
)
def test_no_data_is_never_a_pass(text: str, judged, request_line):
    warm_up = request_line(0, measured=False)
    assert judged(text, []).verdict is Status.FAIL
    result = judged(text, [warm_up], stages=(StageInfo(name="steady", for_s=9.0, warmup=True),))
    assert (result.verdict, result.reason, result.observed) == (Status.FAIL, "nothing was measured", None)


def test_requests_that_were_never_sent_can_be_counted(judged):
    assert judged("requests.count >= 1", []).verdict is Status.FAIL


@pytest.mark.parametrize("how", ["failed", "dropped", "lost"])
def test_whoever_got_no_answer_waits_for_ever(how: str, judged, request_line, drop_line):
    lines, lost = _many(request_line, 90), 10 if how == "lost" else 0
    if how == "failed":
        lines += [request_line(index, outcome=Outcome.RATE_LIMITED, service_s=0.001) for index in range(90, 100)]
    if how == "dropped":
        lines += [drop_line(index) for index in range(90, 100)]
    for text in ("latency.p95 < 1s", "ttft.p95 < 1s", "ttft.max < 1s"):
        result = judged(text, lines, lost)
        assert (result.n, result.k, result.observed) == (100, 10, None)
    assert judged("latency.p50 < 1s", lines, lost).observed == pytest.approx(0.501)
    assert judged("ttft.max < 1s", lines, lost).verdict is Status.FAIL


@pytest.mark.parametrize("text", ["latency.max < 1s", "latency.min > 100ms"])
def test_the_greatest_and_the_least_value_are_facts_also_where_strict_asks_for_proofs(text: str, judged, request_line):
    result = judged(text, _many(request_line, 10), options=ObjectiveOptions(strict=True))
    assert (result.verdict, result.n, result.observed) == (Status.PASS, 10, pytest.approx(0.501))


def test_just_enough_samples_are_not_too_few_for_strict_but_prove_nothing(judged, request_line):
    lines = [request_line(index, service_s=2.0 if index == 9 else 0.1) for index in range(299)]
    result = judged("latency.p99 < 1s", lines, options=ObjectiveOptions(strict=True))
    assert (result.verdict, result.effective_n) == (Status.INCONCLUSIVE, 299)
    assert result.reason == "1 of 299 were not within the limit, 1% may: observed, but not proven, as strict asks"


def test_more_is_better_turns_the_limit_round(judged, request_line):
    lines = _many(request_line, 90) + [request_line(index, outcome=Outcome.TIMED_OUT) for index in range(90, 100)]
    result = judged("output_rate.p5 > 10/s", lines)
    assert (result.verdict, result.k, result.observed) == (Status.FAIL, 10, None)
    assert judged("output_rate.p6 > 10/s", lines).verdict is Status.INCONCLUSIVE
    assert judged("output_rate.p20 > 10/s", lines).verdict is Status.PASS
    assert judged("output_rate.p20 > 30/s", lines).verdict is Status.FAIL


def test_an_outcome_tag_asks_for_those_requests_alone(judged, request_line, drop_line):
    lines = [*_many(request_line, 60), request_line(60, outcome=Outcome.TIMED_OUT, service_s=9.0), drop_line(61)]
    ok = judged("latency{outcome=ok}.p95 < 1s", lines, lost=5)
    assert (ok.verdict, ok.n, ok.k) == (Status.PASS, 60, 0)
    timed_out = judged("latency{outcome=timed_out}.max < 10s", lines)
    assert (timed_out.verdict, timed_out.n, timed_out.observed) == (Status.PASS, 1, pytest.approx(9.001))
    assert judged("latency{outcome!=timed_out}.p95 < 1s", lines).n == 61


def test_tags_narrow_what_is_asked(judged, request_line, drop_line):
    lines = [
        *(request_line(index, service_s=0.1) for index in range(60)),
        *(request_line(index, service_s=5.0, scenario="proof", model="o4") for index in range(60, 120)),
        drop_line(120, scenario="proof"),
    ]
    assert judged("latency{scenario=simple}.max < 1s", lines).n == 60
    assert judged("latency{scenario!=simple}.max < 1s", lines).n == 61
    assert judged("requests{model=o4}.count == 60", lines).verdict is Status.PASS
    assert judged("latency{stage=steady, model=o3}.max < 1s", lines).verdict is Status.FAIL


def test_a_scenario_without_streams_is_not_asked_for_ttft(judged, request_line):
    plain = {"scenario": "plain", "ttft_s": None, "ttfo_s": None}
    lines = _many(request_line, 80)
    lines += [request_line(index, **plain) for index in range(80, 90)]
    lines += [request_line(index, scenario="plain", outcome=Outcome.TIMED_OUT) for index in range(90, 100)]
    assert judged("ttft.p95 < 1s", lines).k == 0
    assert judged("latency.p95 < 1s", lines).k == 10


@pytest.mark.parametrize("text", ["ttft.p95 < 1s", "ttfo.p95 < 1s", "ttft.max < 1s"])
def test_a_stream_that_ended_without_a_token_made_somebody_wait_in_vain(text: str, judged, request_line):
    empty = {"ttft_s": None, "ttfo_s": None, "output_tokens": 0}
    lines = [request_line(index, **(empty if index % 5 == 0 else {})) for index in range(100)]
    result = judged(text, lines, streaming=("simple",))
    assert (result.verdict, result.k, result.n) == (Status.FAIL, 20, 100)
    assert judged(text.replace(".", "{outcome=ok}."), lines, streaming=("simple",)).n == 80
    assert judged(text, lines).n == 80
    windows = judged(text, lines, options=ObjectiveOptions(over_s=50.0), streaming=("simple",)).windows
    assert windows is not None
    assert windows.broken == 2


def test_failures_of_streams_count_though_the_one_that_ended_ok_was_empty(judged, request_line):
    lines = [*_many(request_line, 400), request_line(400, scenario="chat", ttft_s=None, ttfo_s=None)]
    lines += [request_line(index, scenario="chat", outcome=Outcome.TIMED_OUT) for index in range(401, 700)]
    for text in ("ttft.p95 < 1s", "goodput{ttft<1s}.rate >= 95%"):
        result = judged(text, lines, streaming=("simple", "chat"))
        assert (result.verdict, result.k) == (Status.FAIL, 300)


def test_lateness_is_known_of_failed_requests_too(judged, request_line, drop_line):
    lines = [*_many(request_line, 90), request_line(90, outcome=Outcome.UNREACHABLE, late_s=0.5), drop_line(91)]
    result = judged("late.p95 < 2ms", lines)
    assert (result.n, result.k) == (92, 2)


def test_gaps_are_judged_by_their_histogram(judged, request_line):
    lines = [request_line(index, chunk_gaps=(500, 99, 2000, 1)) for index in range(10)]
    lines.append(request_line(10, outcome=Outcome.BROKEN_STREAM))
    result = judged("chunk_gap.p90 < 100ms", lines)
    assert (result.verdict, result.n, result.k) == (Status.PASS, 1100, 110)
    assert judged("chunk_gap.max < 100ms", lines).observed is None
    assert judged("chunk_gap.avg < 100ms", lines).verdict is Status.PASS


def test_where_all_streams_fail_their_gaps_never_end(judged, request_line):
    lines = [request_line(index, outcome=Outcome.TIMED_OUT) for index in range(100)]
    result = judged("chunk_gap.p90 < 100ms", lines, options=ObjectiveOptions(on_no_data=NoData.PASS))
    assert (result.verdict, result.k, result.n, result.observed) == (Status.FAIL, 100, 100, None)
    lines += [request_line(index, chunk_gaps=(2000, 1)) for index in range(100, 200)]
    assert judged("chunk_gap.min > 1ms", lines).verdict is Status.FAIL
    assert judged("chunk_gap.p60 > 1ms", lines).verdict is Status.PASS


@pytest.mark.parametrize("how", ["failed", "dropped", "lost"])
def test_a_request_without_an_answer_weighs_as_many_endless_gaps_as_one_with_it(
    how: str, judged, request_line, drop_line
):
    lines = [request_line(index, chunk_gaps=(500, 150, 600, 50)) for index in range(100)]
    if how != "lost":
        make = drop_line if how == "dropped" else request_line
        changes = {} if how == "dropped" else {"outcome": Outcome.TIMED_OUT}
        lines += [make(100 + index, intended_at_s=float(index), **changes) for index in range(900)]
    result = judged("chunk_gap.p90 < 100ms", lines, lost=900 if how == "lost" else 0)
    assert (result.verdict, result.k, result.n, result.observed) == (Status.FAIL, 180_000, 200_000, None)
    result = judged("chunk_gap{outcome=ok}.p90 < 100ms", lines, lost=900 if how == "lost" else 0)
    assert (result.verdict, result.n) == (Status.PASS, 20_000)


def test_a_failed_request_weighs_as_an_answer_of_its_own_scenario(judged, request_line):
    lines = [request_line(index, scenario="long", chunk_gaps=(500, 300)) for index in range(10)]
    lines += [request_line(index, scenario="short", chunk_gaps=(500, 2)) for index in range(10, 20)]
    for scenario, weight in (("long", 300), ("short", 2), ("unanswered", 151)):
        failed = request_line(20, scenario=scenario, outcome=Outcome.REJECTED)
        assert judged("chunk_gap.p50 < 100ms", [*lines, failed]).k == weight
    few = [request_line(index, chunk_gaps=(500, 1) if index % 4 == 0 else (), chunks=1) for index in range(100)]
    assert judged("chunk_gap.p50 < 100ms", [*few, request_line(100, outcome=Outcome.REJECTED)]).k == 1


def test_windows_take_the_weight_of_a_failed_request_from_the_whole_run(judged, request_line):
    """Where no answer of a window was ok, a failed request weighs as many gaps as ok ones have elsewhere."""
    lines = [request_line(index, chunk_gaps=(500, 200)) for index in range(50)]
    lines += [request_line(index, outcome=Outcome.REJECTED) for index in range(50, 100)]
    result = judged("chunk_gap.p90 < 100ms", lines, options=ObjectiveOptions(over_s=50.0))
    assert (result.verdict, result.k, result.n) == (Status.FAIL, 10_000, 10_000)


_EMPTY = {"ttft_s": None, "ttfo_s": None, "output_tokens": 0}
_UNTOLD = {"output_tokens": None, "streamed_tokens": None}
_GAPS = {"chunk_gaps": (500, 9), "chunks": 10}


@pytest.mark.parametrize(
    ("text", "changes"),
    [
        ("tpot.p90 < 1s", _EMPTY),
        ("tpot.avg < 1s", _EMPTY),
        ("tpot{outcome=ok}.p90 < 1s", _EMPTY),
        ("tpot.p90 < 1s", _UNTOLD),  # a part of its reasoning was streamed
        ("tpot.p90 < 1s", {"last_token_s": None}),  # of an earlier version
        ("output_rate.p5 > 1/s", _UNTOLD),
        ("output_rate.avg > 1/s", {"last_token_s": None}),
        ("chunk_gap.p90 < 1s", _EMPTY | {"chunk_gaps": (), "chunks": 0}),
        ("chunk_gap.avg < 1s", {"chunk_gaps": ()}),
        ("ttft{outcome=ok}.p90 < 1s", _EMPTY),
        ("ttft.avg < 1s", _EMPTY),
        ("ttfo.p90 < 1s", {"ttfo_s": None, "finish_reason": "length"}),
    ],
)
def test_answers_without_a_value_that_they_should_have_leave_a_pass_undecided(text: str, changes, judged, request_line):
    metric = parse(text).metric
    for many, word in ((4, Status.PASS), (12, Status.INCONCLUSIVE)):
        lines = [
            request_line(index, **(_GAPS | (changes if index % 33 == 1 and index < 33 * many else {})))
            for index in range(400)
        ]
        result = judged(text, lines, streaming=("simple",))
        assert (result.verdict, result.reason) == (word, f"{many} of 400 ok answers have no {metric}")


@pytest.mark.parametrize(
    ("text", "changes"),
    [
        ("tpot.p90 < 1s", {"output_tokens": 1}),
        ("tpot.p90 < 1s", {"last_token_s": 0.1}),  # all came at once
        ("chunk_gap.p90 < 1s", {"chunk_gaps": (), "chunks": 1}),
        ("chunk_gap.p90 < 1s", {"chunk_gaps": (), "last_token_s": 0.1}),
        ("ttfo.p90 < 1s", {"ttfo_s": None, "finish_reason": "tool_calls"}),
        ("ttft.p50 < 1s", _EMPTY),  # infinitely slow
        *(
            (text, {"scenario": "plain"} | _EMPTY | {"chunk_gaps": ()})
            for text in ("tpot.p90 < 1s", "chunk_gap.p90 < 1s", "ttft.p90 < 1s")
        ),
        ("output_rate.p5 > 1/s", {"scenario": "embeddings"} | _EMPTY | _UNTOLD),
        ("tpot.p90 < 1s", {"outcome": Outcome.CANCELLED}),
        ("latency.p90 < 1s", _EMPTY),
    ],
)
def test_what_does_not_apply_to_an_answer_is_not_missing(text: str, changes, judged, request_line):
    lines = [request_line(index, **(_GAPS | (changes if index % 4 == 0 else {}))) for index in range(400)]
    result = judged(text, lines, streaming=("simple",))
    assert (result.verdict, result.reason) == (Status.PASS, "")


def test_what_is_missing_is_told_beside_any_other_reason(judged, request_line):
    lines = [request_line(index, service_s=2.0, **(_UNTOLD if index % 2 else {})) for index in range(400)]
    result = judged("tpot.p90 < 100ms", lines)
    assert result.reason == "200 of 200 were not within the limit, 10% may; 200 of 400 ok answers have no tpot"
    result = judged("tpot.p90 < 1s", [line for line in lines if line.index % 2], streaming=("simple",))
    assert (result.verdict, result.reason) == (Status.FAIL, "nothing was measured; 200 of 200 ok answers have no tpot")


def test_one_answer_without_a_value_is_let_pass_in_a_window(judged, request_line):
    for many, word in ((1, Status.PASS), (2, Status.INCONCLUSIVE)):
        lines = [request_line(index, **(_UNTOLD if index < many else {})) for index in range(100)]
        assert judged("tpot.p50 < 1s", lines, options=ObjectiveOptions(over_s=20.0)).verdict is word


def test_the_mean_gap_is_of_the_streams_that_ended_ok(judged, request_line):
    lines = [request_line(index, chunk_gaps=(2000, 1)) for index in range(60)]
    lines += [request_line(index, outcome=Outcome.BROKEN_STREAM, chunk_gaps=(1, 1000)) for index in range(60, 70)]
    result = judged("chunk_gap.avg < 100ms", lines)
    assert (result.verdict, result.n) == (Status.FAIL, 60)
    assert judged("chunk_gap{outcome=broken_stream}.avg < 100ms", lines).n == 10_000


@pytest.mark.parametrize(
    ("limit", "word"), [("600ms", Status.PASS), ("501ms", Status.INCONCLUSIVE), ("400ms", Status.FAIL)]
)
def test_a_mean_is_judged_with_its_interval(limit: str, word: Status, judged, request_line):
    lines = [request_line(index, service_s=0.4 if index % 2 else 0.61) for index in range(100)]
    result = judged(f"latency.avg < {limit}", lines)
    assert result.verdict is word
    assert result.observed == pytest.approx(0.506)


def test_a_mean_of_a_few_values_is_inconclusive(judged, request_line):
    result = judged("latency.avg < 1s", _many(request_line, 29))
    assert (result.verdict, result.reason) == (
        Status.INCONCLUSIVE,
        "29 values are too few for a mean: it takes 30",
    )


@pytest.mark.parametrize(
    ("failed", "n", "word"),
    [
        (0, 100, Status.PASS),
        (0, 99, Status.INCONCLUSIVE),
        (2, 150, Status.INCONCLUSIVE),
        (5, 200, Status.INCONCLUSIVE),
        (6, 160, Status.FAIL),
    ],
)
def test_a_rate_of_errors_is_a_share(failed: int, n: int, word: Status, judged, request_line):
    bad = {7 + 30 * number for number in range(failed)}
    lines = [request_line(index, outcome=Outcome.SERVER_ERROR if index in bad else Outcome.OK) for index in range(n)]
    result = judged("errors.rate < 1%", lines)
    assert (result.verdict, result.k, result.n) == (word, failed, n)
    assert result.observed == pytest.approx(failed / n)


def test_errors_are_told_apart_by_kind(judged, request_line):
    lines = [
        *_many(request_line, 5),
        request_line(5, outcome=Outcome.RATE_LIMITED, status=429),
        request_line(6, outcome=Outcome.SERVER_ERROR, status=503),
        request_line(7, outcome=Outcome.UNREACHABLE),
    ]
    assert judged("errors.count == 3", lines).verdict is Status.PASS
    assert judged("errors{kind=429}.count == 1", lines).verdict is Status.PASS
    assert judged("errors{kind=server_error}.count == 1", lines).verdict is Status.PASS
    assert judged("errors{kind!=429}.count == 2", lines).verdict is Status.PASS
    assert judged("errors{kind=500}.count == 0", lines).verdict is Status.PASS


def test_throughput_is_of_the_seconds_its_stages_lasted(judged, request_line):
    lines = [*_many(request_line, 50), request_line(50, outcome=Outcome.REJECTED)]
    assert judged("throughput.per_second >= 1", lines, ended_at_s=50.0).observed == pytest.approx(1.0)
    assert judged("output_tokens.per_second >= 10", lines, ended_at_s=25.0).observed == pytest.approx(10.0)
    assert judged("throughput{stage!=steady}.per_second < 1", lines).verdict is Status.FAIL


PRICES = {"o3": Price(input=Decimal(2), output=Decimal(8))}


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("cost.usd < $0.28", Status.FAIL),
        ("cost.usd <= $0.28", Status.PASS),
        ("cost{scenario=other}.usd < $0.1", Status.FAIL),
        ("cost{stage=warm}.usd <= $0.14", Status.PASS),
    ],
)
def test_cost_is_compared_to_the_cent_and_counts_the_warm_up(judged, request_line, text, word):
    told = {"input_tokens": 30_000, "output_tokens": 10_000}
    lines = [request_line(0, **told), request_line(1, stage="warm", measured=False, **told)]
    result = judged(text, lines, prices=PRICES)
    assert result.verdict is word
    assert (result.observed is None) == ("other" in text)


def test_the_cost_of_a_model_without_a_price_fails_and_names_it(judged, request_line):
    result = judged("cost.usd < $9", [request_line(0), request_line(1, model="o9")], prices=PRICES)
    assert (result.verdict, result.reason) == (Status.FAIL, "no price for o9: write target.prices")


def test_the_cost_of_answers_without_tokens_fails(judged, request_line):
    result = judged("cost.usd < $9", [request_line(0, input_tokens=None, output_tokens=None)], prices=PRICES)
    assert (result.verdict, result.reason) == (Status.FAIL, "o3 never told its tokens")


def test_a_run_that_was_refused_throughout_has_no_cost_to_judge(judged, request_line):
    result = judged("cost.usd < $9", [request_line(0, outcome=Outcome.RATE_LIMITED)], prices=PRICES)
    assert (result.verdict, result.reason) == (Status.FAIL, "nothing was measured")


@pytest.mark.parametrize(
    ("answer", "word"),
    [(NoData.FAIL, Status.FAIL), (NoData.PASS, Status.PASS), (NoData.INCONCLUSIVE, Status.INCONCLUSIVE)],
)
def test_what_no_data_means_can_be_said(answer: NoData, word: Status, judged):
    result = judged("ttft.p99 < 1s", [], options=ObjectiveOptions(on_no_data=answer))
    assert (result.verdict, result.reason) == (word, "nothing was measured")


def test_strict_terms_want_a_pass_proven(judged, request_line):
    lines = [request_line(index, service_s=2.0 if index in (100, 300) else 0.1) for index in range(500)]
    assert judged("latency.p99 < 1s", lines).verdict is Status.PASS
    strict = judged("latency.p99 < 1s", lines, options=ObjectiveOptions(strict=True))
    assert (strict.verdict, strict.reason) == (
        Status.INCONCLUSIVE,
        "2 of 500 were not within the limit, 1% may: observed, but not proven, as strict asks",
    )
    assert judged(
        "latency.p99 < 1s", lines[:99] + lines[101:300] + lines[301:], options=ObjectiveOptions(strict=True)
    ).verdict is (Status.PASS)
    uneven = [request_line(index, service_s=0.4 if index % 2 else 0.61) for index in range(100)]
    assert [judged(f"latency.avg < {limit}", uneven).proven for limit in ("515ms", "600ms")] == [False, True]
    assert judged("latency.avg < 515ms", uneven).verdict is Status.PASS
    assert judged("latency.avg < 515ms", uneven, options=ObjectiveOptions(strict=True)).verdict is Status.INCONCLUSIVE
    assert judged("latency.avg < 600ms", uneven, options=ObjectiveOptions(strict=True)).verdict is Status.PASS


def test_more_confidence_makes_a_fail_harder_and_a_pass_dearer(judged, request_line):
    lines = [request_line(index, service_s=2.0 if index % 60 == 7 else 0.1) for index in range(1000)]
    sure, surer = (judged("latency.p99 < 1s", lines, options=ObjectiveOptions(confidence=c)) for c in (0.95, 0.999))
    assert (sure.k, sure.verdict, surer.verdict) == (17, Status.FAIL, Status.INCONCLUSIVE)
    few = [request_line(index) for index in range(400)]
    assert judged("latency.p99 < 1s", few).proven
    result = judged("latency.p99 < 1s", few, options=ObjectiveOptions(confidence=0.99))
    assert (result.verdict, result.proven, result.confidence) == (Status.PASS, False, 0.99)
    strict = judged("latency.p99 < 1s", few, options=ObjectiveOptions(confidence=0.99, strict=True))
    assert strict.reason == "needs 459 requests, and there are 400"


def test_a_mean_exactly_at_its_limit_is_beyond_it_whatever_rounding_makes_of_the_sum(judged, request_line):
    """As Python 3.11 adds them, 207 times 5 ms are less than 1.035 s."""
    lines = _many(request_line, 207, late_s=0.005)
    assert judged("late.avg < 5ms", lines).verdict is Status.FAIL
    assert judged("late.avg <= 5ms", lines).verdict is Status.PASS


def test_a_mean_beyond_its_limit_has_its_interval_from_batches_of_seconds(judged, request_line):
    """A thousand values, twenty in a row of which are alike: that is worth some fifty values."""
    slow = [True, False] * 25
    Random(2).shuffle(slow)
    lines = [
        request_line(index, intended_at_s=index / 10, service_s=0.399 if slow[index // 20] else 0.199)
        for index in range(1000)
    ]
    near, far = judged("service.avg < 280ms", lines), judged("service.avg < 200ms", lines)
    assert (near.verdict, far.verdict) == (Status.INCONCLUSIVE, Status.FAIL)
    assert near.observed == pytest.approx(0.299)
    assert near.low is not None
    assert near.low < 0.28 < near.observed
    assert 20 < near.effective_n < 80


def test_a_mean_of_values_that_are_too_correlated_has_no_interval(judged, request_line):
    """A hundred values, of which ten in a row are slow by turns."""
    lines = [request_line(index, service_s=0.2 if index // 10 % 2 else 0.4) for index in range(100)]
    for limit in ("310ms", "1h"):
        result = judged(f"service.avg < {limit}", lines)
        assert (result.verdict, result.proven) == (Status.PASS, False)
        assert (result.low, result.high, result.effective_n < 30) == (None, None, True)
        strict = judged(f"service.avg < {limit}", lines, options=ObjectiveOptions(strict=True))
        assert strict.verdict is Status.INCONCLUSIVE
        assert strict.reason == "the values are too correlated to have an interval of the mean"


def test_a_share_beyond_its_budget_is_worth_what_its_seconds_are(judged, request_line):
    burst, apart = (
        [
            request_line(index, outcome=Outcome.REJECTED if index in bad else Outcome.OK, intended_at_s=index / 10)
            for index in range(1000)
        ]
        for bad in (range(400, 450), range(0, 1000, 20))
    )
    assert judged("errors.rate < 4%", apart).effective_n == 1000
    assert judged("errors.rate < 4%", burst).effective_n < 20
    assert judged("errors.rate < 3%", burst).verdict is Status.INCONCLUSIVE
    assert judged("errors.rate < 3%", apart).verdict is Status.FAIL
