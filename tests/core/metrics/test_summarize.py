import pytest
from support import present

from relayload.core.metrics.end_cells import Cells
from relayload.core.metrics.fold import Fold
from relayload.core.metrics.summarize import SummaryInTheMaking, summarize
from relayload.core.model.record import Outcome
from relayload.core.model.run import StageInfo

_STAGES = (StageInfo(name="warm", for_s=10.0, warmup=True), StageInfo(name="steady", for_s=20.0))


def _warm(request_line, index: int, **changes):
    return request_line(index, stage="warm", measured=False, **changes)


def test_counts_cover_the_whole_run_and_rates_and_metrics_the_measured_stages(
    request_line, drop_line, make_run, folded
):
    lines = [
        _warm(request_line, 0, service_s=9.0),
        request_line(1, intended_at_s=11.0),
        request_line(2, intended_at_s=12.0),
        drop_line(3, intended_at_s=13.0),
    ]
    summary = summarize(folded(lines), make_run(stages=_STAGES, ended_at_s=30.0))
    assert (summary.counts.offered, summary.counts.started, summary.counts.ok) == (4, 3, 3)
    assert summary.rates.measured_s == 20.0
    assert summary.rates.offered_per_s == pytest.approx(3 / 20)
    assert summary.rates.started_per_s == summary.rates.ok_per_s == pytest.approx(2 / 20)
    assert summary.rates.output_tokens_per_s == pytest.approx(20 / 20)
    assert summary.metrics.latency is not None
    assert (summary.metrics.latency.count, summary.metrics.latency.max) == (2, pytest.approx(0.501))


def test_metrics_are_of_successful_requests(request_line, make_run, folded):
    lines = [request_line(0), request_line(1, service_s=60.0, outcome=Outcome.TIMED_OUT, error="total_timeout")]
    summary = summarize(folded(lines), make_run())
    metrics = summary.metrics
    assert metrics.latency is not None
    assert metrics.latency.max == pytest.approx(0.501)
    assert metrics.tpot is not None
    assert metrics.tpot.mean == pytest.approx(0.4 / 9)
    assert [(error.outcome, error.error, error.count) for error in summary.errors] == [
        ("timed_out", "total_timeout", 1)
    ]


def test_what_was_never_measured_is_absent(request_line, make_run, folded):
    plain = request_line(0, ttft_s=None, ttfo_s=None)
    metrics = summarize(folded([plain]), make_run()).metrics
    assert metrics.ttft is None
    assert metrics.tpot is None
    assert metrics.chunk_gap is None
    assert metrics.service is not None


def test_gaps_between_chunks_are_added_up(request_line, make_run, folded):
    lines = [request_line(0, chunk_gaps=(500, 2, 600, 1)), request_line(1, chunk_gaps=(600, 3))]
    gaps = summarize(folded(lines), make_run()).metrics.chunk_gap
    assert gaps is not None
    assert gaps.count == 6


def test_scenarios_models_and_stages_have_tables_of_their_own(request_line, drop_line, make_run, folded):
    lines = [
        _warm(request_line, 0),
        request_line(1, intended_at_s=11.0),
        request_line(2, intended_at_s=12.0, scenario="proof", model="o4", outcome=Outcome.SERVER_ERROR, status=503),
        drop_line(3, intended_at_s=13.0, scenario="proof", model="o4"),
    ]
    summary = summarize(folded(lines), make_run(stages=_STAGES, ended_at_s=30.0))
    assert list(summary.by_scenario) == ["proof", "simple"]
    assert list(summary.by_model) == ["o3", "o4"]
    assert list(summary.by_stage) == ["warm", "steady"]
    proof, simple = summary.by_scenario["proof"], summary.by_scenario["simple"]
    assert (proof.started, proof.dropped, proof.ok, proof.by_outcome) == (1, 1, 0, {"server_error": 1})
    assert (simple.started, simple.ok, simple.ok_per_s) == (2, 2, pytest.approx(1 / 20))
    warm = summary.by_stage["warm"]
    assert (warm.warmup, warm.started, warm.measured_s, warm.ok_per_s) == (True, 1, 10.0, pytest.approx(0.1))
    assert warm.metrics.latency is not None


def test_a_stage_counts_only_as_long_as_it_lasted(request_line, make_run, folded):
    run = make_run(stages=_STAGES, ended_at_s=15.0, ended_by="sigint")
    assert summarize(folded([request_line(0)]), run).rates.measured_s == 5.0


def test_a_trace_lasts_until_its_last_arrival(request_line, make_run, folded):
    run = make_run(stages=(StageInfo(name="steady", for_s=None),), ended_at_s=60.0)
    assert summarize(folded([request_line(0), request_line(40)]), run).rates.measured_s == 40.0


def test_a_run_that_never_left_its_warm_up_has_no_rates(request_line, make_run, folded):
    run = make_run(stages=_STAGES, ended_at_s=5.0, ended_by="sigint")
    rates = summarize(folded([_warm(request_line, 0)]), run).rates
    assert (rates.measured_s, rates.ok_per_s, rates.offered_per_s) == (0.0, None, None)


def test_starts_count_from_the_instant_they_really_happened(request_line, make_run, folded):
    lines = [request_line(0, late_s=0.95), request_line(1, late_s=0.0), request_line(2, late_s=0.0)]
    rates = summarize(folded(lines), make_run()).rates
    assert (rates.max_in_1s, rates.max_in_60s) == (2, 3)


def test_tokens_of_every_attempt_count(request_line, make_run, folded):
    lines = [request_line(0, cached_input_tokens=5, reasoning_tokens=4), request_line(1, counted=True)]
    summary = summarize(folded(lines), make_run())
    tokens = summary.tokens
    assert (tokens.input, tokens.cached_input, tokens.output, tokens.reasoning, tokens.counted) == (40, 5, 20, 4, 1)
    assert summary.warnings == ("1 answers told no usage: their chunks were counted as tokens",)


_OLD = {"last_token_s": None, "streamed_tokens": None}
"""As streams stand in recordings that an older relayload wrote."""
_IN_PART = {"last_token_s": 0.4, "streamed_tokens": None}


@pytest.mark.parametrize("most_exact", [1000, 1])
@pytest.mark.parametrize(
    ("changes", "warning"),
    [
        (
            _OLD,
            "5 streams were recorded by an older relayload: no TPOT and no output_rate of these",
        ),
        (_IN_PART, "5 streams held a part of their reasoning alone, such as a summary: no TPOT"),
    ],
)
def test_streams_without_a_time_per_token_are_told_with_the_reason(
    changes, warning, most_exact, request_line, make_run, folded
):
    whole = Fold(most_exact=most_exact)
    whole.merge(folded(request_line(index, **changes) for index in range(5)))
    whole.merge(folded([request_line(5, service_s=1.0), request_line(6, ttft_s=None, ttfo_s=None)]))
    summary = summarize(whole, make_run())
    assert summary.warnings[0] == warning
    assert summary.metrics.tpot is not None
    assert (summary.metrics.tpot.count, summary.metrics.tpot.max) == (1, pytest.approx(0.1, rel=0.004))


def test_a_short_answer_without_a_time_per_token_is_no_reason_to_warn(request_line, make_run, folded):
    lines = [request_line(0, output_tokens=1), request_line(1, ttft_s=None), request_line(2, service_s=0.1)]
    summary = summarize(folded(lines), make_run())
    assert (summary.metrics.tpot, summary.warnings) == (None, ())


def test_the_generator_is_as_good_as_its_worst_worker(request_line, end_line, make_run, folded):
    lines = [
        request_line(0, late_s=0.002),
        end_line(0, started=1, timestamps="kernel", loop_lag_p99_s=0.001, cpu_share=0.2),
        end_line(1, timestamps="user", loop_lag_p99_s=0.009, cpu_share=0.1),
    ]
    health = summarize(folded(lines), make_run()).generator
    assert (health.timestamps, health.loop_lag_p99_s, health.cpu_share) == ("user", 0.009, 0.2)
    assert (health.late_p99_s, health.valid, health.reasons) == (0.002, True, ())


def test_a_percentile_tells_how_much_too_late_it_may_be(request_line, end_line, make_run, folded):
    def lines(begin, end):
        return [
            request_line(number, ttft_s=0.1 + number / 1000, ttft_error_s=0.02 if number >= 90 else 0.0)
            for number in range(begin, end)
        ]

    ended = end_line(0, started=100, timestamps="kernel")
    whole, fold = folded([*lines(0, 100), ended]), folded(lines(0, 50))
    fold.merge(folded([*lines(50, 100), ended]))
    for each in (whole, fold):
        summary = summarize(each, make_run())
        # the ten slowest may have come 20 ms earlier, which makes others the slowest
        late = {found.p: found.too_late for found in present(summary.metrics.ttft).percentiles}
        assert (late[50.0], late[99.0]) == (0.0, pytest.approx(0.010))
        assert summary.generator.ttft_error_p99_s == late[99.0]
        assert all(found.too_late == 0.0 for found in present(summary.metrics.ttfo).percentiles)
        assert summary.generator.valid


@pytest.mark.parametrize(("timestamps", "error_s"), [("kernel", 0.0), ("user", None)])
def test_timestamps_of_the_process_itself_have_no_known_error(
    timestamps, error_s, request_line, end_line, make_run, folded
):
    lines = [request_line(0), end_line(0, started=1, timestamps=timestamps)]
    assert summarize(folded(lines), make_run()).generator.ttft_error_p99_s == error_s


def test_what_the_client_cancelled_is_an_outcome_and_no_error(request_line, make_run, folded):
    lines = [
        request_line(0, outcome=Outcome.CANCELLED, error="cancelled"),
        request_line(1, outcome=Outcome.TIMED_OUT, error="total_timeout"),
    ]
    summary = summarize(folded(lines), make_run())
    assert summary.counts.by_outcome == {"cancelled": 1, "timed_out": 1}
    assert [error.outcome for error in summary.errors] == ["timed_out"]


def test_the_share_of_errors_is_of_what_was_not_cancelled(request_line, make_run, folded):
    outcomes = [Outcome.OK, Outcome.OK, Outcome.OK, Outcome.REJECTED, *[Outcome.CANCELLED] * 4]
    summary = summarize(folded(request_line(n, outcome=outcome) for n, outcome in enumerate(outcomes)), make_run())
    assert (summary.counts.failed, summary.counts.errors_rate) == (1, 0.25)
    assert summary.by_stage["steady"].failed == 1
    assert [(second.started, second.ok, second.failed) for second in summary.timeline[3:5]] == [(1, 0, 1), (1, 0, 0)]
    summary = summarize(folded([request_line(0, outcome=Outcome.CANCELLED)]), make_run())
    assert summary.counts.errors_rate is None


def test_the_worker_nearest_to_its_open_files_is_told(request_line, end_line, make_run, folded):
    lines = [
        request_line(0),
        end_line(0, started=1, gc_pause_max_s=0.004, open_files_max=900, open_files_limit=1000),
        end_line(1, gc_pause_max_s=0.001, open_files_max=950, open_files_limit=10_000),
    ]
    health = summarize(folded(lines), make_run()).generator
    assert (health.gc_pause_max_s, health.open_files_max, health.open_files_limit) == (0.004, 900, 1000)


def test_a_machine_out_of_files_is_not_held_against_the_relay(request_line, make_run, folded):
    fold = folded([request_line(0, outcome=Outcome.UNREACHABLE, error="no_files")])
    health = summarize(fold, make_run()).generator
    assert not health.valid
    assert "1 requests found no open file or port left on this machine" in health.reasons[0]


def test_faults_make_the_generator_invalid_and_warnings_do_not(request_line, make_run, folded):
    fold = folded([request_line(0)])
    assert summarize(fold, make_run(), warnings=["torn"]).generator.valid
    health = summarize(fold, make_run(), faults=["a line is no record"]).generator
    assert (health.valid, health.reasons) == (False, ("a line is no record",))


def test_a_run_without_a_request_still_has_a_summary(make_run, folded):
    summary = summarize(folded([]), make_run())
    assert (summary.counts.offered, summary.metrics.latency, summary.by_scenario) == (0, None, {})
    assert (summary.generator.late_p99_s, summary.generator.timestamps) == (None, None)


def test_arrivals_that_a_guardrail_held_back_are_dropped_but_nobodys_failure(request_line, drop_line, make_run, folded):
    lines = [*(request_line(index) for index in range(8)), *(drop_line(index, reason="guardrail") for index in (8, 9))]
    summary = summarize(
        folded(lines), make_run(offered=10, ended_by="guardrail", stopped_by_guardrail="max_requests: 8")
    )
    assert (summary.counts.offered, summary.counts.dropped, summary.counts.lost) == (10, 2, 0)
    assert summary.by_scenario["simple"].dropped == 2
    assert sum(second.offered for second in summary.timeline) == 10
    assert summary.generator.valid
    assert summary.warnings[0] == "a guardrail stopped the run: max_requests: 8"


def _one_slot(request_line, rate_per_s: int, for_s: int, **changes) -> list:
    """The requests of a relay that answers one at a time, each within a second, in the order of their arrival."""
    return [
        request_line(
            index,
            intended_at_s=index / rate_per_s,
            late_s=0.0,
            latency_s=index + 1.0 - index / rate_per_s,
            **changes,
        )
        for index in range(rate_per_s * for_s)
    ]


@pytest.mark.parametrize("most_exact", [1000, 10])
def test_what_ended_after_a_saturated_run_is_told_beside_its_throughput(most_exact, request_line, make_run, folded):
    run = make_run(stages=(StageInfo(name="steady", for_s=5.0),), ended_at_s=5.0)
    rates = summarize(folded(_one_slot(request_line, 5, 5), most_exact=most_exact), run).rates
    assert (rates.offered_per_s, rates.ok_per_s, rates.output_tokens_per_s) == (5.0, 1.0, 10.0)
    assert (rates.ended_later, rates.ended_later_s) == (20, 20.0)


@pytest.mark.parametrize("most_exact", [1000, 10])
def test_throughput_counts_what_ended_in_the_measured_span_whichever_stage_it_was_sent_in(
    most_exact, request_line, make_run, folded
):
    lines = [
        _warm(request_line, 0, intended_at_s=8.0, late_s=0.0, service_s=2.0, scenario="proof"),
        _warm(request_line, 1, intended_at_s=9.0, late_s=0.0, service_s=2.0, scenario="proof"),
        request_line(2, intended_at_s=10.0, late_s=0.0, service_s=2.0),
        request_line(3, intended_at_s=28.0, late_s=0.0, service_s=2.0),
        request_line(4, intended_at_s=29.0, late_s=0.0, service_s=2.0),
    ]
    summary = summarize(folded(lines, most_exact=most_exact), make_run(stages=_STAGES, ended_at_s=30.0))
    assert (summary.rates.ok_per_s, summary.rates.output_tokens_per_s) == (3 / 20, 30 / 20)
    assert (summary.rates.ended_later, summary.rates.ended_later_s) == (1, 1.0)
    assert {name: stage.ok_per_s for name, stage in summary.by_stage.items()} == {"warm": 1 / 10, "steady": 3 / 20}
    assert {name: own.ok_per_s for name, own in summary.by_scenario.items()} == {"proof": 1 / 20, "simple": 2 / 20}
    assert {name: own.ok for name, own in summary.by_stage.items()} == {"warm": 2, "steady": 3}


def test_a_pause_between_measured_stages_counts_in_throughput(request_line, make_run, folded):
    stages = (
        StageInfo(name="warm", for_s=4.0, warmup=True),
        StageInfo(name="first", for_s=4.0, pause=True),
        StageInfo(name="steady", for_s=4.0),
        StageInfo(name="between", for_s=4.0, pause=True),
        StageInfo(name="steady", for_s=4.0),
        StageInfo(name="last", for_s=4.0, pause=True),
    )
    lines = [request_line(at_s, service_s=0.999) for at_s in (4, 8, 11, 12, 18, 19, 20, 21)]
    rates = summarize(folded(lines), make_run(stages=stages, ended_at_s=24.0)).rates
    assert (rates.measured_s, rates.ok_per_s, rates.ended_later, rates.ended_later_s) == (12.0, 5 / 12, 2, 2.0)


def test_a_run_that_ended_early_is_cut_there_to_the_instant(request_line, make_run, folded):
    run = make_run(ended_at_s=10.25, ended_by="sigint")
    lines = [request_line(0, intended_at_s=10.0, late_s=0.0, service_s=service_s) for service_s in (0.25, 0.250001)]
    rates = summarize(folded(lines, cells=Cells.of(run)), run).rates
    assert (rates.ok_per_s, rates.ended_later) == (1 / 10.25, 1)


def test_a_fold_that_can_not_be_cut_where_a_stage_ends_is_a_fault_of_ours(make_run, folded):
    with pytest.raises(AssertionError, match="can't be cut"):
        summarize(folded([]), make_run(ended_at_s=10.25))


@pytest.mark.parametrize("most_exact", [1000, 10])
@pytest.mark.parametrize(("load_kind", "told"), [("open", True), ("closed", False)])
def test_a_saturated_open_load_says_so(load_kind, told, most_exact, request_line, make_run, folded):
    run = make_run(stages=(StageInfo(name="steady", for_s=60.0),), ended_at_s=60.0, load_kind=load_kind)
    fold = folded(_one_slot(request_line, 2, 60), most_exact=most_exact)
    making = SummaryInTheMaking(fold, run)
    for summary in (summarize(fold, run), making.outline()):
        assert (summary.saturation is not None) is told
        if summary.saturation is not None:
            assert summary.saturation.in_flight_per_s == pytest.approx(1.0)
            assert summary.warnings[0] == "saturated: in flight grew by 1/s (95% interval 1/s to 1/s)"
    assert not any("saturated" in warning for warning in summarize(folded([]), run).warnings)
