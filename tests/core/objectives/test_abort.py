from decimal import Decimal
from random import Random

import pytest
from live import LiveRun, sent

from relayload.core.model.objective_options import ObjectiveOptions
from relayload.core.model.record import Attempt, BreakerState, Outcome
from relayload.core.model.run import StageInfo
from relayload.core.model.verdict import Status
from relayload.core.objectives.abort import AbortMonitor
from relayload.core.objectives.evaluate import judge_objective
from relayload.core.objectives.grammar import parse, with_options
from relayload.core.objectives.snapshots import MergedSnapshot, SnapshotMaker
from relayload.core.objectives.time_slots import Grid
from relayload.core.price import Price
from relayload.core.stats.histogram import bucket

_LIMITED = Attempt(outcome=Outcome.RATE_LIMITED, status=429)
_GAPS = (bucket(0.02), 50)
_STAGES = (
    StageInfo(name="warm", for_s=10.0, warmup=True),
    StageInfo(name="steady", for_s=95.0),
    StageInfo(name="pause", for_s=5.0, warmup=True),
    StageInfo(name="top", for_s=None),
)


def _objective(text: str, **options):
    return with_options(parse(text), ObjectiveOptions(abort=True, **options))


@pytest.fixture
def told(make_run):
    """What a watch says of one objective at an instant, given the lines of the run until then."""

    def tell(text: str, lines, now_s: float = 100.0, in_flight: int = 0, run=None, **options) -> str | None:
        objectives = [_objective(text, **options)]
        info = make_run(**(run or {}))
        live = LiveRun(objectives, info)
        live.add(lines)
        breach = live.breach(now_s, in_flight)
        return str(breach) if breach else None

    return tell


def _some(request_line, n: int, bad: int, **changes):
    """Requests spread over a hundred seconds, of which so many failed."""
    every = n // bad if bad else n + 1
    return [
        request_line(
            index,
            intended_at_s=100.0 * index / n,
            outcome=Outcome.SERVER_ERROR if index % every == 0 and index < bad * every else Outcome.OK,
            **changes,
        )
        for index in range(n)
    ]


def test_only_those_that_may_end_the_run_do(request_line, make_run):
    plain, ends = parse("errors.rate < 1%"), _objective("errors.rate < 2%")
    for objectives, ended in (([plain], None), ([plain, ends], ends)):
        live = LiveRun(objectives, make_run())
        live.add(_some(request_line, 100, 50))
        breach = live.breach(100.0)
        assert (breach and breach.objective) == ended


def test_a_share_far_over_its_budget_is_proven_broken(told, request_line):
    lines = _some(request_line, 1000, 50)
    assert told("errors.rate < 1%", lines) == "errors.rate < 1%: 50 of 1000 failed, 1% may"
    assert told("errors.rate < 4.5%", lines) is None
    assert told("errors.rate < 10%", lines) is None
    assert told("errors{kind=429}.rate < 1%", lines) is None


def test_what_is_in_flight_is_taken_for_good(told, request_line):
    lines = _some(request_line, 100, 50)
    assert told("errors.rate < 10%", lines, in_flight=50) is not None
    assert told("errors.rate < 10%", lines, in_flight=1000) is None


def test_a_few_requests_end_no_run_by_a_share(told, request_line):
    assert told("errors.rate < 1%", _some(request_line, 93, 93)) is None
    assert told("errors.rate < 1%", _some(request_line, 94, 94)) == "errors.rate < 1%: 94 of 94 failed, 1% may"
    assert told("latency.p99 < 1s", _some(request_line, 374, 187)) is None
    assert told("latency.p99 < 1s", _some(request_line, 375, 187)) is not None
    assert told("errors.count == 0", _some(request_line, 1, 1)) is not None
    assert told("latency.max < 1s", _some(request_line, 1, 0, service_s=5.0)) is not None


def test_early_looks_find_only_that_most_of_the_requests_are_bad(told, request_line):
    """A third of them failed: by far more than may, and found by the first look that is not early."""
    for n, found in ((94, False), (375, False), (749, False), (750, True)):
        assert bool(told("errors.rate < 5%", _some(request_line, n, n // 3))) is found


def test_a_run_that_is_bad_from_its_first_request_on_may_have_met_one_backlog(told, request_line):
    """Seven hundred slow requests may be one, and so may 25 that failed: p90 takes 1,500 of the former."""
    slow = {"service_s": 5.0}
    for n, found in ((375, False), (750, False), (1300, False), (1500, True)):
        assert bool(told("latency.p90 < 1s", _some(request_line, n, 0, **slow))) is found
    for n, found in ((94, True), (187, True)):
        assert bool(told("errors.rate < 10%", _some(request_line, n, n))) is found
    assert told("errors.rate < 20%", _some(request_line, 94, 94)) is None
    assert told("errors.rate < 20%", _some(request_line, 188, 188)) is not None


def test_a_later_answer_may_always_be_the_one_that_did_not_fail(told, request_line):
    assert told("errors.rate < 100%", _some(request_line, 1000, 1000)) is None
    assert told("goodput.rate > 0%", _some(request_line, 1000, 1000)) is None


def test_a_run_is_not_ended_before_its_time(told, request_line):
    lines = _some(request_line, 1000, 500)
    assert told("errors.rate < 1%", lines, now_s=59.9, abort_after_s=60.0) is None
    assert told("errors.rate < 1%", lines, now_s=60.0, abort_after_s=60.0) is not None


def test_a_percentile_counts_whoever_got_no_answer(told, request_line, drop_line):
    lines = _some(request_line, 1500, 0)
    assert told("latency.p99 < 1s", lines) is None
    assert told("latency.p99 < 400ms", lines) == "latency.p99 < 400ms: 1500 of 1500 were not within the limit, 1% may"
    dropped = [drop_line(2000 + index, intended_at_s=index / 1.5) for index in range(150)]
    assert told("latency.p95 < 1s", lines + dropped) is not None
    assert told("latency{outcome=ok}.p95 < 1s", lines + dropped) is None
    assert told("output_rate.p5 > 30/s", lines) is not None
    assert told("ttft.max < 100ms", lines) is not None


def test_silent_thoughts_hide_no_slow_token_while_the_run_goes_on(told, request_line):
    thinking = {"service_s": 0.5, "output_tokens": 1010, "reasoning_tokens": 1000}
    lines = _some(request_line, 1500, 0, **thinking, streamed_tokens=5)
    for text in ("tpot.p95 < 50ms", "tpot.avg < 50ms", "goodput{tpot<50ms}.rate >= 90%"):
        assert told(text, lines) is not None
        assert told(text.replace("<50ms", "<200ms").replace("< 50ms", "< 200ms"), lines) is None
    assert told("tpot.p95 < 50ms", _some(request_line, 1500, 0, **thinking, streamed_tokens=None)) is None


def test_a_scenario_that_never_streams_is_not_asked_for_ttft(told, request_line):
    plain = {"scenario": "plain", "ttft_s": None, "ttfo_s": None}
    lines = _some(request_line, 500, 0) + _some(request_line, 500, 100, **plain)
    assert told("ttft.p95 < 1s", lines) is None
    assert told("latency.p95 < 1s", lines) is not None
    assert told("ttft.p95 < 1s", _some(request_line, 1500, 1499)) is not None


def test_a_stream_that_ended_without_a_token_is_beyond_any_limit(told, request_line):
    lines = _some(request_line, 500, 0) + _some(request_line, 500, 0, ttft_s=None, ttfo_s=None)
    run = {"streaming": ("simple",)}
    assert told("ttft.p95 < 1s", lines, run=run) == "ttft.p95 < 1s: 500 of 1000 were not within the limit, 5% may"
    assert told("ttft.p95 < 1s", lines) is None
    assert told("ttft.avg < 1s", lines, run=run) is None
    assert told("ttft.p95 < 1s", _some(request_line, 1500, 0, ttft_s=None), run=run) is not None


def test_failures_in_one_burst_prove_less_than_as_many_apart(told, request_line):
    burst = [
        request_line(index, intended_at_s=index / 10, outcome=Outcome.TIMED_OUT if 500 <= index < 530 else Outcome.OK)
        for index in range(1000)
    ]
    assert told("errors.rate < 1%", burst) is None
    assert told("errors.rate < 1%", _some(request_line, 1000, 30)) is not None


def test_what_only_grows_is_proven_at_once(told, request_line, breaker_line):
    lines = [request_line(0), request_line(1, outcome=Outcome.REJECTED, retried=(_LIMITED, _LIMITED))]
    lines += [
        breaker_line(2.0, BreakerState.CLOSED, BreakerState.OPEN),
        breaker_line(90.0, BreakerState.CLOSED, BreakerState.OPEN, scope="o4"),
    ]
    assert told("errors.count == 0", lines) == "errors.count == 0: 1 until now"
    assert told("errors.count <= 1", lines) is None
    assert told("retries.count < 2", lines) == "retries.count < 2: 2 until now"
    assert told("breaker.trips < 2", lines) == "breaker.trips < 2: 2 until now"
    assert told("breaker{scope=o3}.trips < 2", lines) is None
    assert told("breaker.open_time < 1m", lines, now_s=60.0) is None
    assert told("breaker{scope=o3}.open_time < 1m", lines, now_s=62.5) == (
        "breaker{scope=o3}.open_time < 1m: 1m until now"
    )


def test_money_is_added_up_over_sightings(request_line, make_run):
    run = make_run(prices={"o3": Price(input=Decimal(1000), output=Decimal(1000))})
    objectives = [_objective("cost.usd < $0.05")]
    live = LiveRun(objectives, run)
    live.add([request_line(0)])
    assert live.breach(1.0) is None
    live.add([request_line(1)])
    assert str(live.breach(2.0)) == "cost.usd < $0.05: $0.0600 until now"


def test_retries_may_be_more_than_requests(told, request_line):
    storm = _some(request_line, 100, 0, retried=(_LIMITED, _LIMITED))
    assert told("retries.rate < 20%", storm) == "retries.rate < 20%: 200 of 100, 20% may"
    assert told("retries.rate < 20%", _some(request_line, 100, 0)) is None


def test_goodput_is_proven_by_those_that_are_not_good(told, request_line):
    lines = _some(request_line, 1500, 375)
    assert told("goodput{ttft<200ms}.rate >= 90%", lines) is not None
    assert told("goodput{ttft<200ms}.rate >= 70%", lines) is None
    assert told("goodput{ttft<50ms}.rate >= 90%", lines) is not None


def test_a_mean_is_proven_by_its_interval(told, request_line):
    rng = Random(5)
    lines = [request_line(index, intended_at_s=index / 10, service_s=rng.expovariate(1.0)) for index in range(1000)]
    assert told("service.avg < 700ms", lines) is not None
    assert told("service.avg < 990ms", lines) is None
    assert told("service.avg < 700ms", lines[:5]) is None


def test_windows_in_a_row_end_the_run(told, request_line):
    bad = {index for index in range(1000) if 200 <= index < 420}
    lines = [
        request_line(index, intended_at_s=index / 10, outcome=Outcome.SERVER_ERROR if index in bad else Outcome.OK)
        for index in range(1000)
    ]
    assert told("errors.rate < 10%", lines, over_s=10.0) is not None
    assert told("errors.rate < 10%", lines, over_s=10.0, for_windows=2) == (
        "errors.rate < 10% over 10.0s, 2 in a row: in 2 windows of 10.0s in a row, 100 of 100 failed, 10% may"
    )
    assert told("errors.rate < 20%", lines, over_s=10.0, for_windows=3) is None


@pytest.mark.parametrize(
    ("due_at_s", "place"),
    [
        (5.0, None),
        (10.0, (0, 0)),
        (29.9, (0, 19)),
        (30.0, (1, 0)),
        (95.0, (4, 5)),  # the rest of the row
        (106.0, (4, 16)),  # due after it by rounding at most
        (110.0, (5, 0)),
        (151.0, (7, 1)),
    ],
)
def test_windows_are_numbered_by_the_plan(due_at_s, place, make_run):
    grid = Grid.of(_objective("errors.rate < 1%", over_s=20.0), make_run(stages=_STAGES))
    code = grid.code(due_at_s)
    assert (None if code < 0 else divmod(code, 1 << 32)) == place


def test_short_windows_are_counted_by_their_tenths(make_run):
    grid = Grid.of(_objective("errors.rate < 1%", over_s=5.0), make_run(stages=_STAGES))
    assert [divmod(grid.code(due_at_s), 1 << 32) for due_at_s in (10.0, 11.7, 16.0)] == [(0, 0), (0, 3), (1, 2)]


def test_gaps_are_counted_by_the_seconds_of_the_run(request_line, make_run):
    run = make_run(stages=(StageInfo(name="warm", for_s=2.5, warmup=True), StageInfo(name="steady", for_s=50.0)))
    objective = _objective("chunk_gap.p98 < 1s", over_s=10.0)
    live = LiveRun([objective], run)
    live.add([request_line(index, intended_at_s=3.9 + index, chunk_gaps=(bucket(0.02), 5)) for index in range(3)])
    (slots,) = live.so_far.counts[objective].windows.values()
    assert sorted(position.second for position in slots) == [3, 4, 5]


def test_an_equation_may_still_come_true(told, request_line, breaker_line):
    lines = [*_some(request_line, 100, 1), *_trips(breaker_line, 5.0)]
    assert told("breaker.trips == 2", lines) is None
    assert told("breaker.trips == 2", [*lines, *_trips(breaker_line, 15.0, 25.0)]) == "breaker.trips == 2: 3 until now"
    assert told("errors.count == 2", lines) is None
    assert told("errors.count == 0", lines) == "errors.count == 0: 1 until now"


def test_what_processes_see_adds_up(request_line, make_run):
    objectives, run = [_objective("errors.rate < 1%"), _objective("ttft.p50 < 1s")], make_run()
    lines, so_far = _some(request_line, 900, 90), MergedSnapshot(objectives, run)
    for number in range(3):
        maker = SnapshotMaker(number, objectives, run)
        maker.add(lines[number::3])
        so_far.replace(sent(maker.snapshot(100.0)))
    breach = AbortMonitor(objectives).breach(so_far, 100.0)
    assert str(breach) == "errors.rate < 1%: 90 of 900 failed, 1% may"


def test_warm_ups_do_not_count(told, request_line):
    lines = _some(request_line, 500, 400, stage="warm", measured=False)
    assert told("errors.rate < 1%", lines) is None
    assert told("errors.count == 0", lines) is None


@pytest.mark.parametrize(("runs", "most"), [(15, 1), pytest.param(60, 3, marks=pytest.mark.slow)])
def test_a_run_that_is_just_within_its_budget_is_hardly_ever_ended(runs, most, request_line, make_run):
    rng, run = Random(11), make_run()
    objectives = [_objective("errors.rate < 2%")]
    ended = 0
    for _ in range(runs):
        live = LiveRun(objectives, run)
        for second in range(60):
            lines = [
                request_line(
                    number,
                    intended_at_s=second + number / 20,
                    outcome=Outcome.REJECTED if rng.random() < 0.02 else Outcome.OK,
                )
                for number in range(20)
            ]
            live.add(lines)
            if live.breach(second + 1.0):
                ended += 1
                break
    assert ended <= most


def _streams(request_line, long_gaps: int, n: int = 200):
    """A stream every half second with 50 gaps of 20 ms, of which some take two seconds."""
    short, long = bucket(0.02), bucket(2.0)
    return [
        request_line(index, intended_at_s=index / 2, chunk_gaps=(short, 50 - long_gaps, long, long_gaps))
        for index in range(n)
    ]


@pytest.mark.parametrize(("long_gaps", "broken"), [(0, False), (1, False), (2, True)])
def test_gaps_between_chunks_may_end_a_run(long_gaps: int, broken: bool, told, request_line):
    reason = told("chunk_gap.p98 < 1s", _streams(request_line, long_gaps))
    assert bool(reason) is broken
    if broken:
        assert reason == "chunk_gap.p98 < 1s: 400 of 10000 were not within the limit, 2% may"


def test_streams_in_flight_may_bring_many_short_gaps(told, request_line):
    lines = _streams(request_line, 2)
    assert told("chunk_gap.p98 < 1s", lines, in_flight=20)
    assert told("chunk_gap.p98 < 1s", lines, in_flight=100) is None


def test_a_scenario_without_chunks_is_not_asked_for_gaps_between_them(told, request_line):
    plain = [request_line(index, scenario="plain") for index in range(500)]
    failed = [request_line(index, scenario="plain", outcome=Outcome.TIMED_OUT) for index in range(500, 600)]
    assert told("chunk_gap.p90 < 1s", [*plain, *failed, *_streams(request_line, 0)]) is None


def _trips(breaker_line, *at_s: float, open_s: float = 1.0):
    """A breaker that opens at these instants, each time for a second."""
    for at in at_s:
        yield breaker_line(at, BreakerState.CLOSED, BreakerState.OPEN)
        yield breaker_line(at + open_s, BreakerState.OPEN, BreakerState.CLOSED)


def test_breakers_are_judged_in_windows_as_the_gate_does(told, request_line, breaker_line):
    once_each = [*_some(request_line, 100, 0), *_trips(breaker_line, 5.0, 15.0, 25.0, 35.0, 45.0)]
    twice_each = [*once_each, *_trips(breaker_line, 27.0, 37.0)]
    windows = {"over_s": 10.0, "for_windows": 2}
    assert told("breaker.trips < 2", once_each, **windows) is None
    assert told("breaker.trips < 2", twice_each, **windows) == (
        "breaker.trips < 2 over 10.0s, 2 in a row: in 2 windows of 10.0s in a row, 2 in the worst"
    )
    assert told("breaker.open_time < 1.5s", once_each, **windows) is None
    assert told("breaker.open_time < 1.5s", twice_each, **windows) is not None
    assert told("breaker.trips < 2", twice_each, over_s=10.0, for_windows=3) is None


def test_windows_of_breakers_are_judged_again_as_they_go_by(make_run, breaker_line):
    objectives, run = [_objective("breaker.trips < 1", over_s=10.0, for_windows=2)], make_run()
    live = LiveRun(objectives, run)
    live.add(_trips(breaker_line, 5.0, 15.0))
    assert [live.breach(now_s) is not None for now_s in (16.0, 19.9, 20.0)] == [False, False, True]


def test_a_window_is_judged_once_it_is_over(told, request_line):
    lines = _some(request_line, 100, 100)
    assert told("errors.count == 0", lines[:15], now_s=15.0, over_s=20.0) is None
    assert told("errors.count == 0", lines[:15], now_s=20.0, over_s=20.0) is not None


def test_the_rest_of_a_row_is_over_when_its_last_stage_is(told, request_line):
    run = {"stages": (StageInfo(name="steady", for_s=50.0), StageInfo(name="cool", for_s=50.0, warmup=True))}
    lines = [
        request_line(at, intended_at_s=float(at), outcome=Outcome.REJECTED if at > 40 else Outcome.OK)
        for at in range(50)
    ]
    assert told("errors.count == 0", lines, now_s=49.0, run=run, over_s=20.0) is None
    assert told("errors.count == 0", lines, now_s=50.0, run=run, over_s=20.0) is not None


@pytest.mark.parametrize(
    ("quiet_from_s", "in_flight", "broken"),
    [
        (10.0, (0, 0), True),
        (10.0, (0, 7), True),
        (10.0, (7, 7), False),
        (19.0, (0, 0), False),
    ],
)
def test_a_row_goes_on_over_a_window_in_which_nothing_was_due(
    quiet_from_s: float, in_flight: tuple[int, int], broken: bool, request_line, make_run
):
    """What was due in it and is in flight may turn out well, so nothing may be in flight some time after it."""
    objective = _objective("errors.rate < 50%", over_s=10.0, for_windows=2)
    live = LiveRun([objective], make_run())
    busy = [at for at in range(300) if at / 10 < quiet_from_s or at >= 200]
    lines = [request_line(at, intended_at_s=at / 10, outcome=Outcome.REJECTED) for at in busy]
    lines = [
        line if not 10 <= line.intended_at_s < 20 else request_line(line.index, intended_at_s=line.intended_at_s)
        for line in lines
    ]
    live.add(lines[:-100])
    assert live.breach(25.0, in_flight[0]) is None
    live.add(lines[-100:])
    assert (live.breach(30.0, in_flight[1]) is not None) is broken


@pytest.mark.parametrize("metric", ["throttled", "late"])
def test_a_mean_leaves_out_what_failed(metric: str, told, request_line):
    waited = {"throttled_s": 5.0, "late_s": 5.0, "outcome": Outcome.SERVER_ERROR}
    lines = [request_line(index, intended_at_s=index / 15, **(waited if index % 2 else {})) for index in range(1500)]
    assert told(f"{metric}.avg < 1s", lines) is None
    assert told(f"{metric}{{outcome=server_error}}.avg < 1s", lines) is not None
    assert told(f"{metric}.p90 < 1s", lines) is not None


def test_a_mean_exactly_at_its_limit_is_judged_as_in_a_recording(told, request_line):
    lines = [request_line(index, intended_at_s=index / 10) for index in range(750)]
    assert told("late.avg < 1ms", lines) is not None
    assert told("late.avg <= 1ms", lines) is None
    assert told("late.avg < 1ms", lines[:749]) is None


def test_a_scenario_is_known_by_all_its_answers_also_where_tags_leave_them_out(told, request_line):
    plain = {"scenario": "plain", "ttft_s": None, "ttfo_s": None}
    failed = _some(request_line, 1500, 1500, **plain)
    assert told("ttft{outcome!=ok}.p95 < 1s", failed) is not None
    assert told("ttft{outcome!=ok}.p95 < 1s", [*failed, request_line(2000, **plain)]) is None
    warm = request_line(2000, stage="warm", measured=False, **plain)
    assert told("ttft.p95 < 1s", [*failed, warm]) is None


def test_conditions_are_asked_of_a_scenario_whose_answers_had_the_metric_before(request_line, make_run):
    objectives, run = [_objective("goodput{ttft<200ms}.rate >= 90%")], make_run()
    live = LiveRun(objectives, run)
    live.add(_some(request_line, 400, 0))
    assert live.breach(100.0) is None
    live.add(_some(request_line, 400, 0, ttft_s=None))
    assert str(live.breach(100.0)).endswith("400 of 800 were not good, 10% may")


def test_goodput_that_nobody_can_tell_ends_no_run(told, request_line):
    plain = {"ttft_s": None, "ttfo_s": None}
    assert told("goodput{ttft<200ms}.rate >= 90%", _some(request_line, 400, 200, **plain)) is None
    assert told("goodput{latency<2s}.rate >= 90%", _some(request_line, 400, 200, **plain)) is not None
    mixed = [*_some(request_line, 800, 0, **plain), *_some(request_line, 800, 0, scenario="chat")]
    assert told("goodput{ttft<200ms}.rate >= 90%", mixed) is None
    assert told("goodput{ttft<50ms}.rate >= 90%", mixed) is not None


def test_gaps_of_streams_that_broke_count_as_well(told, request_line):
    good, slow = (bucket(0.02), 50), (bucket(2.0), 200)
    broken = [request_line(3 * index, outcome=Outcome.BROKEN_STREAM, chunk_gaps=slow) for index in range(30)]
    lines = [*broken, *(request_line(index, chunk_gaps=good) for index in range(100))]
    assert told("chunk_gap.p30 < 1s", lines) is None
    assert told("chunk_gap.p95 < 1s", lines) == "chunk_gap.p95 < 1s: 7500 of 12500 were not within the limit, 5% may"


def test_a_failed_stream_weighs_as_many_endless_gaps_as_an_ok_one_has(told, request_line):
    lines = [
        request_line(index, **({"outcome": Outcome.REJECTED} if index % 10 == 0 else {"chunk_gaps": _GAPS}))
        for index in range(200)
    ]
    assert told("chunk_gap.p85 < 1s", lines) is None
    assert told("chunk_gap.p95 < 1s", lines) == "chunk_gap.p95 < 1s: 1000 of 10000 were not within the limit, 5% may"
    # Were those in flight to answer without a gap, they would be 9000 of 200.
    assert told("chunk_gap.p98 < 1s", lines, in_flight=20).startswith("chunk_gap.p98 < 1s: 900 of 9900")


@pytest.mark.parametrize("count", [0, 1, 25, 50, 100])
def test_whatever_gaps_those_in_flight_have_the_gate_does_not_pass_what_ended_the_run(
    count: int, request_line, make_run, indicators
):
    lines = [
        request_line(
            index,
            intended_at_s=index / 2,
            **({"outcome": Outcome.REJECTED} if index % 7 == 0 else {"chunk_gaps": _GAPS}),
        )
        for index in range(160)
    ]
    gaps = {"chunk_gaps": (bucket(0.02), count)} if count else {}
    in_flight = [request_line(index, intended_at_s=index / 2, **gaps) for index in range(160, 200)]
    ended = 0
    for tenths in range(800, 1000, 5):
        objective = _objective(f"chunk_gap.p{tenths / 10:g} < 1s")
        live = LiveRun([objective], make_run())
        live.add(lines)
        if live.breach(100.0, len(in_flight)):
            ended += 1
            gate = indicators([objective], [*lines, *in_flight], make_run())
            assert judge_objective(objective, gate).verdict is not Status.PASS, objective
    assert 0 < ended < 40


def test_a_limit_that_what_is_known_of_the_cost_has_passed_is_broken(told, request_line):
    run = {"prices": {"o3": Price(input=Decimal(1000), output=Decimal(1000))}}
    lines = [request_line(0), request_line(1, model="o9")]
    assert told("cost.usd < $0.02", lines, run=run) == "cost.usd < $0.02: $0.0300 until now"
    assert told("cost.usd < $0.05", lines, run=run) is None


def test_money_is_added_up_to_the_last_millionth(request_line, make_run):
    run = make_run(prices={"o3": Price(input=Decimal("0.07"), output=Decimal("0.14"))})
    objectives = [_objective("cost.usd <= $0.000840")]
    live = LiveRun(objectives, run)
    for index in range(300):  # of 1.4 micro-dollars and 1.4 more each
        live.add([request_line(index)])
    assert live.breach(300.0) is None
    live.add([request_line(300)])
    assert str(live.breach(301.0)) == "cost.usd <= $0.000840: $0.000843 until now"


def test_windows_share_the_confidence_as_they_do_in_the_verdict(told, request_line):
    """Two of 24 that failed prove by themselves what they do not where ten windows were looked at."""
    lines = [
        request_line(index, intended_at_s=index / 2.4, outcome=Outcome.REJECTED if index in (5, 17) else Outcome.OK)
        for index in range(24)
    ]
    few = [request_line(24 + index, intended_at_s=10.0 + 2 * index) for index in range(45)]
    assert told("errors.rate < 1.2%", [*lines, *few], now_s=10.0, over_s=10.0, confidence=0.9) is not None
    assert told("errors.rate < 1.2%", [*lines, *few], now_s=100.0, over_s=10.0, confidence=0.9) is None
