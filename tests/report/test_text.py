import re
from decimal import Decimal

import pytest
from msgspec import structs

from relayload.core.metrics.summarize import summarize
from relayload.core.model.health import Thresholds
from relayload.core.model.objective_options import ObjectiveOptions, Severity
from relayload.core.model.record import Attempt, Outcome
from relayload.core.model.run import StageInfo, TargetInfo, WorkerInfo
from relayload.core.model.verdict import Status
from relayload.core.objectives.grammar import parse, with_options
from relayload.core.objectives.verdict import assess
from relayload.core.price import Price
from relayload.report.markdown import render_markdown
from relayload.report.screen import WIDTH, Screen
from relayload.report.text import (
    COUNTED_LEGEND,
    OBSERVED_LEGEND,
    ends_of,
    render_remarks,
    render_run,
    render_summary,
    render_verdict,
    tallied,
)


@pytest.fixture
def lines(request_line, drop_line, end_line):
    return [
        *(request_line(index, service_s=0.1 + 0.001 * index) for index in range(60)),
        *(request_line(index, scenario="a scenario with a very long name") for index in range(60, 90)),
        *(request_line(index, outcome=Outcome.RATE_LIMITED, error="http_429", status=429) for index in range(90, 95)),
        *(drop_line(index) for index in range(95, 97)),
        end_line(0, started=95, dropped=2, timestamps="kernel", loop_lag_p99_s=0.001, cpu_share=0.25),
    ]


def test_a_summary_tells_counts_latencies_errors_rates_and_the_generator(lines, make_run, folded):
    text = render_summary(summarize(folded(lines), make_run(offered=100)))
    assert "trial · 1m40s · 1 worker · run-1" in text
    assert "arrivals   offered 100 = started 95 + dropped 2 + lost 3" in text
    assert "outcomes   ok 90 · rate_limited 5" in text
    assert "all                 latency  90   145ms   501ms   501ms" in text
    assert "simple              latency  60   130ms   154ms   160ms" in text
    assert "a scenario with a   latency  30" in text
    assert "\nvery long name\n" in text
    assert "errors     5 rate_limited (http_429)" in text
    assert "rates      offered 1/s · started 0.95/s · ok 0.9/s · 9 tokens/s" in text
    assert "starts     at most 1 in any second, 60 in any minute" in text
    assert "generator  late p99 1.00ms · loop p99 1.00ms · CPU 25% · kernel timestamps" in text


def test_a_percentile_that_may_be_too_late_is_told_where_that_matters(request_line, end_line, make_run, folded):
    lines = [
        *(request_line(index, ttft_s=0.1, ttft_error_s=0.0005) for index in range(98)),
        *(request_line(index, ttft_s=0.2, ttft_error_s=0.011) for index in (98, 99)),
        end_line(0, started=100, timestamps="kernel"),
    ]
    text = render_summary(summarize(folded(lines), make_run()))
    assert re.search(r"\n +too late by +≤ 11.0ms\n", text)
    assert "kernel timestamps · TTFT p99 ≤ 11.0ms too late" in text


def test_how_far_clocks_may_be_apart_is_told_where_there_are_several_hosts(request_line, make_run, folded):
    told = [WorkerInfo(worker=0, started=0, clock_error_s=0.0), WorkerInfo(worker=1, started=0, clock_error_s=0.00042)]
    lines = [request_line(0)]
    text = render_summary(summarize(folded(lines), make_run(worker_reports=tuple(told))))
    assert "clocks within 420µs" in text
    assert "clocks" not in render_summary(summarize(folded(lines), make_run(worker_reports=tuple(told[:1]))))


def test_an_error_that_no_shown_percentile_has_takes_no_row(request_line, make_run, folded):
    lines = [request_line(index, ttft_error_s=0.05 if index < 10 else 0.0) for index in range(100)]
    assert "too late" not in render_summary(summarize(folded(lines), make_run()))


def test_the_most_attempts_are_told_where_there_were_retries(request_line, make_run, folded):
    failed = [Attempt(outcome=Outcome.SERVER_ERROR, status=503, sent_at_s=0.1 * number) for number in range(3)]
    lines = [request_line(0, retried=failed, sent_at_s=0.3), request_line(1, sent_at_s=1.0)]
    summary = summarize(folded(lines), make_run())
    assert (summary.rates.max_in_1s, summary.rates.max_in_60s) == (1, 2)
    assert (summary.rates.max_attempts_in_1s, summary.rates.max_attempts_in_60s) == (4, 5)
    assert "attempts   at most 4 in any second, 5 in any minute, retries included" in render_summary(summary)
    without = summarize(folded(lines[1:]), make_run())
    assert (without.rates.max_attempts_in_1s, without.rates.max_attempts_in_60s) == (1, 1)
    assert "attempts " not in render_summary(without)


def test_an_error_is_told_as_the_relay_put_it_first(request_line, make_run, folded):
    refused = {"outcome": Outcome.REJECTED, "error": "http_404", "status": 404}
    lines = [
        request_line(2, relay_message="the model `o33` was not found", **refused),
        request_line(1, relay_message="the model `o33` does not exist", **refused),
        request_line(0, **refused),
    ]
    text = render_summary(summarize(folded(lines), make_run()))
    assert "errors     3 rejected (http_404): the model `o33` does not exist" in text


def test_names_and_messages_are_no_markup(request_line, make_run, folded):
    text = render_summary(summarize(folded([request_line(0)]), make_run(), warnings=["a.jsonl:100: [bold]x[/bold]"]))
    assert "warning: a.jsonl:100: [bold]x[/bold]" in text


def test_a_gate_tells_the_errors_of_a_run_that_did_not_pass_and_what_to_mind(request_line, make_run, folded):
    refused = {"outcome": Outcome.REJECTED, "error": "http_404", "status": 404, "relay_message": "no such model"}
    lines = [request_line(index, **(refused if index == 7 else {})) for index in range(200)]
    for limit, errors in (("0.1%", "errors: 1 rejected (http_404): no such model\n"), ("5%", "")):
        objectives = [parse(f"errors.rate < {limit}")]
        summary, verdict = assess(objectives, folded(lines, objectives), make_run(), warnings=["torn"])
        assert render_remarks(summary, verdict) == f"{errors}warning: torn\n"


def test_what_the_verdict_gives_as_its_reason_is_no_warning_as_well(request_line, make_run, folded):
    run = make_run(ended_by="guardrail", stopped_by_guardrail="max_requests: 1")
    summary, verdict = assess([], folded([request_line(0)]), run, warnings=["torn"])
    assert summary.warnings[0] == verdict.reasons[0] == "a guardrail stopped the run: max_requests: 1"
    assert render_remarks(summary, verdict) == "warning: torn\n"


def test_where_nothing_was_due_nothing_was_late(request_line, make_run, folded):
    summary = summarize(folded([request_line(0, late_s=0.0)]), make_run())
    assert summary.generator.late_p99_s == 0
    assert "late p99" not in render_summary(summary)


def test_one_scenario_is_told_once(request_line, make_run, folded):
    text = render_summary(summarize(folded([request_line(0)]), make_run()))
    assert text.count("latency") == 1


def test_a_run_without_data_says_so(make_run, folded):
    text = render_summary(summarize(folded([]), make_run(stages=(StageInfo(name="w", for_s=1.0, warmup=True),))))
    assert "outcomes   none" in text
    assert "\nnothing measured: no request of a measured stage ended ok\n" in text
    assert "p99 interval" not in text
    assert "no measured stage was reached" in text
    assert "generator  told nothing" in text


def test_faults_and_warnings_are_told(request_line, make_run, folded):
    text = render_summary(summarize(folded([request_line(0)]), make_run(), ["a line is no record"], ["a torn line"]))
    assert "a line is no record" in text
    assert "warning: a torn line" in text


def _verdict(texts, lines, run, folded):
    objectives = list(map(parse, texts))
    return assess(objectives, folded(lines, objectives, run), run)[1]


def test_a_verdict_shows_each_objective_with_what_was_seen(lines, make_run, folded):
    texts = ["latency.p50 < 1s", "ttft.p99 < 1s", "latency.p99 < 1s", "errors.rate < 1%", "tpot.avg < 9ms"]
    text = render_verdict(_verdict(texts, lines, make_run(thresholds=Thresholds(drop_share=1.0)), folded))
    assert "✓ proven  latency.p50 < 1s     149ms" in text
    assert "✗         latency.p99 < 1s         ∞" in text
    assert "7 of 97" in text
    assert "✗         errors.rate < 1%" in text
    assert "errors.rate < 1%: 5 of 95 failed, 1% may" in text
    assert "latency.p99 < 1s: 7 of 97 were not within the limit, 1% may" in text
    assert "?         tpot.avg < 9ms" in text
    assert text.endswith("FAIL (3 of 5 failed, 1 inconclusive)\n")


def test_an_invalid_run_says_why(request_line, make_run, folded):
    text = render_verdict(_verdict([], [request_line(0)], make_run(ended_by=None), folded))
    assert text == "INVALID (the profile has no objectives)\n  the run was killed, or could not record its end\n"


def test_an_invalid_run_tells_first_what_failed_all_the_same(request_line, make_run, folded):
    lines = [request_line(0, outcome=Outcome.REJECTED)]
    text = render_verdict(_verdict(["errors.count == 0", "latency.p50 < 1s"], lines, make_run(ended_by=None), folded))
    assert "\nINVALID; errors.count == 0 failed all the same (1 of 2 failed, 1 inconclusive)\n" in text


def test_a_reason_of_several_objectives_is_told_once(make_run, folded):
    texts = ["errors.rate < 1%", "latency.p50 < 1s", "ttft.p50 < 1s"]
    interrupted = make_run(ended_by="sigint", ended_at_s=3.0)
    verdict = _verdict(texts, [], interrupted, folded)
    reason = verdict.objectives[0].reason
    assert render_verdict(verdict, Screen(width=120)).count(reason) == 1
    assert f"all 3 objectives: {reason}\n" in render_verdict(verdict, Screen(width=120))
    other = structs.replace(verdict.objectives[2], reason="another one")
    some = structs.replace(verdict, objectives=(*verdict.objectives[:2], other))
    text = render_verdict(some, Screen(width=120))
    assert f"errors.rate < 1%, latency.p50 < 1s: {reason}\nttft.p50 < 1s: another one\n" in text


def test_nothing_is_wider_than_a_terminal(lines, make_run, folded):
    texts = ["latency{scenario=a-very-long-scenario-name, outcome!=rate_limited}.p99.9 <= 1m30s", "chunk_gap.p99 < 1s"]
    shown = render_summary(summarize(folded(lines), make_run())) + render_verdict(
        _verdict(texts, lines, make_run(), folded)
    )
    assert max(map(len, shown.splitlines())) <= WIDTH


def test_color_is_only_there_where_it_is_wanted(lines, make_run, folded):
    verdict = _verdict(["latency.p50 < 1s"], lines, make_run(), folded)
    assert "\x1b[" not in render_verdict(verdict)
    assert "\x1b[32m✓" in render_verdict(verdict, Screen(color=True))


def test_the_cost_is_told_with_what_was_wasted(request_line, make_run, folded):
    prices = {"o3": Price(input=Decimal(2), output=Decimal(8))}
    told = {"input_tokens": 500_000, "output_tokens": 100_000}
    lines = [request_line(0, **told), request_line(1, outcome=Outcome.CANCELLED, **told)]
    assert "cost       $3.60 · wasted $1.80: cancelled $1.80" in render_summary(
        summarize(folded(lines), make_run(prices=prices))
    )
    strange = [*lines, request_line(2, model="o9")]
    text = render_summary(summarize(folded(strange), make_run(prices=prices)))
    assert "cost       not known: o9 has no price" in text


def test_without_prices_nothing_is_said_of_cost(request_line, make_run, folded):
    assert "cost" not in render_summary(summarize(folded([request_line(0)]), make_run()))


def test_several_targets_have_rows_of_their_own(request_line, make_run, folded):
    price = Price(input=Decimal(1000), output=Decimal(1000))
    targets = {
        "direct": TargetInfo(base_url="http://a/v1", prices={"any": price}),
        "relay": TargetInfo(base_url="http://b/v1", prices={"any": price}),
    }
    lines = [request_line(index, target=name) for index in range(3) for name in targets]
    text = render_summary(summarize(folded(lines[:-1]), make_run(targets=targets)))
    assert "direct        latency  3" in text
    assert "relay         latency  2" in text
    assert "targets    direct: started 3 · ok 3 · 60 tokens in, 30 out · $0.09" in text
    assert "           relay: started 2 · ok 2 · 40 tokens in, 20 out · $0.06" in text


def test_several_keys_have_rows_of_their_own(request_line, make_run, folded):
    lines = [request_line(index, key=key) for index, key in enumerate(("team-a", "team-b", "team-a"))]
    text = render_summary(summarize(folded(lines), make_run(keys=("team-a", "team-b"))))
    assert "keys" in text
    assert "team-a: started 2 · ok 2 · 40 tokens in, 20 out" in text
    assert [line.split()[0] for line in text.splitlines() if " latency " in line] == ["all", "team-a", "team-b"]


def test_the_values_of_a_tag_have_rows_of_their_own(request_line, make_run, folded):
    lines = [request_line(index, scenario=name) for index, name in enumerate(("chat", "code"))]
    tags = {"chat": {"team": "web"}, "code": {"team": "ide"}}
    text = render_summary(summarize(folded(lines), make_run(tags=tags)))
    assert "team       web: started 1 · ok 1 · 20 tokens in, 10 out" in text
    names = [line.split()[0] for line in text.splitlines() if " latency " in line]
    assert names == ["all", "team=web", "team=ide", "chat", "code"]


def test_a_warning_is_marked_and_counted_apart(request_line, make_run, folded):
    warns = with_options(parse("latency.p50 < 1ms"), ObjectiveOptions(severity=Severity.WARN, confidence=0.99))
    objectives = [warns, parse("latency.p50 < 1s")]
    fold = folded([request_line(index) for index in range(100)], objectives)
    text = render_verdict(assess(objectives, fold, make_run())[1])
    assert "!         latency.p50 < 1ms" in text
    assert "✓ proven  latency.p50 < 1s" in text
    assert " interval" in text
    assert "95% interval" not in text
    assert text.endswith("PASS (1 of 1, 1 warning)\n")


def test_the_effective_size_stands_beside_the_count(request_line, make_run, folded):
    lines = [request_line(index, service_s=2.0 if 300 <= index < 340 else 0.1) for index in range(1000)]
    text = render_verdict(_verdict(["latency.p90 < 1s"], lines, make_run(), folded))
    assert "k of n ≈ eff." in text
    assert re.search(r"40 of 1,000 ≈ \d+\n", text)
    assert f"\n{COUNTED_LEGEND}\n" in text


def test_a_run_that_a_guardrail_stopped_says_which(request_line, make_run, folded):
    run = make_run(ended_by="guardrail", stopped_by_guardrail="max_requests: 100 were sent")
    text = render_verdict(_verdict([], [request_line(0)], run, folded))
    assert (
        text == "STOPPED (the profile has no objectives)\n  a guardrail stopped the run: max_requests: 100 were sent\n"
    )


def test_an_objective_in_windows_says_how_long_they_are(request_line, make_run, folded):
    objective = with_options(parse("latency.p50 < 1s"), ObjectiveOptions(over_s=30.0))
    fold = folded([request_line(index) for index in range(100)], [objective])
    text = render_verdict(assess([objective], fold, make_run())[1])
    assert "✓ proven  latency.p50 < 1s over 30.0s" in text
    assert text.endswith("PASS (1 of 1)\n")


def test_a_run_without_objectives_says_that_nothing_was_judged(request_line, make_run, folded):
    text = render_verdict(_verdict([], [request_line(0)], make_run(), folded))
    assert text == "NOT JUDGED (the profile has no objectives)\n"


def test_an_objective_with_a_name_of_its_own_is_told_with_what_it_asks(request_line, make_run, folded):
    objective = with_options(parse("latency.p50 < 1s"), ObjectiveOptions(id="fast", over_s=30.0))
    text = render_verdict(
        assess([objective], folded([request_line(index) for index in range(100)], [objective]), make_run())[1]
    )
    assert "✓ proven  fast: latency.p50 < 1s ov" in text
    assert "\n          30.0s\n" in text


def test_a_name_that_does_not_fit_is_told_whole(request_line, make_run, folded):
    expr = "service{model=o3, stage=steady, scenario!=proof}.p50 < 60s"
    verdict = _verdict([expr], [request_line(index) for index in range(200)], make_run(), folded)
    (result,) = verdict.objectives
    large = structs.replace(result, n=33_641_833, k=9_650_123, effective_n=1_927_535)
    text = render_verdict(structs.replace(verdict, objectives=(large,)))
    names = [re.split(r"\s{2,}", line.removeprefix("✓ proven").strip())[0] for line in text.splitlines()[1:-3]]
    assert "".join("".join(names).split()) == "".join(expr.split())
    assert max(map(len, text.splitlines())) <= WIDTH


@pytest.fixture
def wide(request_line, make_run):
    """A run with everything that makes tables wide: names, stages, and a scenario without a single answer."""
    run = make_run(
        objectives=("errors.rate < 50%",),
        base_url="https://user:secret@relay.example:8443/v1/key-in-path?token=secret",
        stages=(
            StageInfo(name="warm", for_s=20.0, warmup=True),
            StageInfo(name="steady-as-she-goes", for_s=50.0),
            StageInfo(name="ramp", for_s=30.0),
        ),
    )
    refused = {"outcome": Outcome.REJECTED, "error": "http_501", "status": 501, "relay_message": "not implemented"}
    lines = [
        *(request_line(index, stage="warm", measured=False) for index in range(20)),
        *(request_line(index, stage="steady-as-she-goes", service_s=0.0985) for index in range(20, 70)),
        *(
            request_line(index, stage="ramp", scenario="a scenario with a long name", **refused)
            for index in range(70, 90)
        ),
        *(request_line(index, stage="ramp", model="gpt-4.1", service_s=12.3456) for index in range(90, 100)),
    ]
    return run, lines


@pytest.mark.parametrize("width", range(40, 131, 3))
def test_no_table_cuts_a_number_from_its_unit(width: int, wide, folded):
    run, lines = wide
    texts = ["errors.rate < 50%", "latency{scenario=simple, stage=ramp}.p50 <= 1m30s", "latency.p99 < 1s"]
    objectives = list(map(parse, texts))
    summary, verdict = assess(objectives, folded(lines, objectives, run), run)
    screen = Screen(width)
    told = render_summary(summary, run, verdict, screen) + render_verdict(verdict, screen)
    assert not re.search(r"\d…", told)
    assert not re.search(r"\d\n\s*(ms|µs|s|%|/s|tokens/s)\b", told)
    for quantity in ("99.5ms", "12.3s", "20 rejected"):
        assert quantity in told
    assert "nothing" in told
    assert max(map(len, told.splitlines())) <= width


def test_a_report_begins_with_what_was_tested_and_what_came_of_it(wide, folded):
    run, lines = wide
    objectives = [parse("errors.rate < 50%")]
    summary, verdict = assess(objectives, folded(lines, objectives, run), run)
    text = render_summary(summary, run, verdict)
    assert text.splitlines()[:6] == [
        "trial · 1m51s · 1 worker · run-1",
        "date       2026-01-02 03:04:05 UTC",
        "target     relay.example:8443",
        "models     gpt-4.1, o3",
        "verdict    PASS (1 of 1)",
        "",
    ]
    assert "secret" not in text
    assert "key-in-path" not in text


def test_each_stage_has_a_row_where_there_are_several(wide, folded, request_line, make_run):
    run, lines = wide
    told = [" ".join(line.split()) for line in render_summary(summarize(folded(lines), run)).splitlines()]
    heading = told.index("stage for started failed ok/s TTFT p50 TTFT p99 latency p99")
    assert told[heading + 1 : heading + 4] == [
        "warm (not measured) 20.0s 20 0 1/s 100ms 100ms 501ms",
        "steady-as-she-goes 50.0s 50 0 1/s 100ms 100ms 99.5ms",
        "ramp 30.0s 30 20 0/s 100ms 100ms 12.3s",
    ]
    assert "TTFT p99" not in render_summary(summarize(folded([request_line(0)]), make_run()))


def test_percentiles_of_stages_are_marked_where_they_come_from_snapshots(wide, folded, make_run):
    run, lines = wide
    from_snapshots = structs.replace(run, records="none")
    told = [
        " ".join(line.split()) for line in render_summary(summarize(folded(lines), run), from_snapshots).splitlines()
    ]
    assert "stage for started failed ok/s TTFT ≈ p50 TTFT ≈ p99 latency ≈ p99" in told


def test_very_many_stages_are_told_in_part(request_line, make_run, folded):
    run = make_run(stages=tuple(StageInfo(name=f"step-{number}", for_s=1.0) for number in range(100)))
    lines = [request_line(number, stage=f"step-{number}") for number in range(100)]
    text = render_summary(summarize(folded(lines), run))
    assert "step-39 " in text
    assert "step-40 " not in text
    assert "… and 60 more stages, which are in summary.json\n" in text


@pytest.mark.parametrize(
    ("strict", "failing", "mark", "proven"),
    [(False, 0, "○ observed", False), (True, 0, r"\?", None), (False, 99, "✗", None)],
)
def test_a_pass_that_is_only_observed_is_marked_and_explained(
    strict, failing, mark, proven, request_line, make_run, folded
):
    refused = {"outcome": Outcome.REJECTED, "error": "http_400", "status": 400}
    lines = [request_line(index, **(refused if index < failing else {})) for index in range(142)]
    objective = with_options(parse("errors.rate < 1%"), ObjectiveOptions(strict=strict))
    verdict = assess([objective], folded(lines, [objective]), make_run())[1]
    text = render_verdict(verdict)
    assert verdict.objectives[0].proven is proven
    assert (OBSERVED_LEGEND in " ".join(text.split())) is (proven is False)
    assert re.search(rf"^{mark}  errors\.rate < 1%", text, re.MULTILINE)


def test_a_pass_that_is_proven_says_so_and_a_fact_has_its_mark_alone(request_line, make_run, folded):
    lines = [request_line(index) for index in range(100)]
    texts = ["latency.p50 < 1s", "errors.count == 0", "latency.max < 1s", "latency.avg < 1s"]
    text = render_verdict(_verdict(texts, lines, make_run(), folded))
    assert "observed:" not in text
    marks = [re.split("  +", line)[0] for line in text.splitlines() if " < 1s" in line or "== 0" in line]
    assert marks == ["✓ proven", "✓", "✓", "✓ proven"]


def test_values_that_are_too_correlated_to_have_an_interval_say_so(request_line, make_run, folded):
    """A tenth is slow in one spell; a maximum is a fact, and a mean of a few values is no question of correlation."""
    lines = [request_line(index, service_s=2.0 if 300 <= index < 400 else 0.1) for index in range(1000)]
    texts = ["latency.p95 < 3s", "latency.avg < 1s", "latency.max < 9s", "errors.rate < 1%"]
    p95, mean, greatest, errors = map(ends_of, _verdict(texts, lines, make_run(), folded).objectives)
    assert p95 == mean == "too correlated to tell"
    assert greatest == "–"
    assert errors.startswith("0%–")
    few = _verdict(["latency.avg < 1s", "latency.p50 < 1s"], lines[:7], make_run(), folded)
    assert "too correlated" not in "".join(map(ends_of, few.objectives))


@pytest.mark.parametrize(
    ("words", "warns", "verdict", "told"),
    [
        ("PPP", "", Status.PASS, "3 of 3"),
        ("PPP", "F", Status.PASS, "3 of 3, 1 warning"),
        ("PFF", "", Status.FAIL, "2 of 3 failed"),
        ("PFI", "", Status.FAIL, "1 of 3 failed, 1 inconclusive"),
        ("PPI", "", Status.INCONCLUSIVE, "1 of 3 inconclusive"),
        ("PP", "", Status.INVALID, "2 of 2 met"),
        ("", "P", Status.PASS, "no warnings"),
        ("", "F", Status.PASS, "1 warning"),
        ("", "", Status.NOT_JUDGED, "the profile has no objectives"),
    ],
)
def test_objectives_are_counted_as_people_count(words, warns, verdict, told, request_line, make_run, folded):
    spelled = {"P": Status.PASS, "F": Status.FAIL, "I": Status.INCONCLUSIVE}
    judged = _verdict(["latency.p50 < 1s"], [request_line(0)], make_run(), folded)
    one = judged.objectives[0]
    objectives = [structs.replace(one, verdict=spelled[word]) for word in words]
    objectives += [structs.replace(one, verdict=spelled[word], severity=Severity.WARN) for word in warns]
    counted = structs.replace(judged, verdict=verdict, objectives=tuple(objectives))
    assert tallied(counted) == told
    assert render_verdict(counted).splitlines()[-1] == f"{verdict.value} ({told})"


@pytest.mark.parametrize(
    ("word", "color"),
    [(Status.PASS, 32), (Status.FAIL, 31), (Status.INCONCLUSIVE, 33), (Status.INVALID, 33), (Status.NOT_JUDGED, 33)],
)
def test_each_verdict_has_its_colour(word: Status, color: int, request_line, make_run, folded):
    verdict = structs.replace(_verdict([], [request_line(0)], make_run(), folded), verdict=word)
    assert f"\x1b[1;{color}m{word.value}\x1b[0m (" in render_verdict(verdict, Screen(color=True))


def test_on_a_narrow_screen_a_heading_is_broken_between_words_alone(request_line, make_run, folded):
    text = render_summary(summarize(folded([request_line(0)]), make_run()), screen=Screen(40))
    assert "measured," in text
    assert "\n, ok" not in text


def test_what_ended_after_a_saturated_run_is_told_on_every_page(request_line, make_run, folded):
    lines = [
        request_line(index, intended_at_s=index / 2, late_s=0.0, latency_s=index + 1 - index / 2) for index in range(80)
    ]
    run = make_run(stages=(StageInfo(name="steady", for_s=40.0),), ended_at_s=40.0)
    objectives = [parse("throughput.per_second >= 1")]
    summary, verdict = assess(objectives, folded(lines, objectives, run), run)
    assert verdict.verdict is Status.PASS
    for page in (render_run(summary, run, verdict), render_markdown(summary, verdict).replace("\\", "")):
        text = " ".join(page.split())
        assert "40 more ended ok within 40.0s after the measured span" in text
        assert "warning: saturated: in flight grew by 1/s" in text
    assert "saturated: in flight grew by 1/s" in render_remarks(summary, verdict)
