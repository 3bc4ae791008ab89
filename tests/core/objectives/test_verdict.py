from typing import Any

import pytest

from relayload.core.metrics.summarize import summarize
from relayload.core.metrics.tasks import one_by_one
from relayload.core.model.objective_options import ObjectiveOptions, Severity
from relayload.core.model.record import Attempt, Outcome
from relayload.core.model.run import HandChange, StageInfo
from relayload.core.model.verdict import Status, Verdict
from relayload.core.objectives.grammar import parse, with_options
from relayload.core.objectives.verdict import assess, held
from relayload.recording.processes import runner


@pytest.fixture
def gate(folded, make_run):
    def gated(texts, lines, faults=(), *, rejudge=False, **run) -> Verdict:
        info = make_run(**run)
        objectives = [parse(asked) if isinstance(asked, str) else asked for asked in texts]
        return assess(objectives, folded(lines, objectives, info), info, faults, rejudge=rejudge)[1]

    return gated


_LIMITED = Attempt(outcome=Outcome.RATE_LIMITED, status=429)
_PASSES, _FAILS, _UNSURE = "latency.p50 < 1s", "latency.p50 < 1ms", "latency.p99.9 < 1s"


def test_summary_and_verdict_are_the_same_however_many_processes_made_them(folded, make_run, request_line):
    lines = [
        *(request_line(index, service_s=0.1 + index * 37 % 101 / 100) for index in range(300)),
        *(request_line(index, outcome=Outcome.TIMED_OUT, error="timeout") for index in range(300, 320)),
        *(request_line(index, ttfo_s=None, ttft_s=0.2, model="o4") for index in range(320, 400)),
    ]
    objectives = list(map(parse, ("ttft.p50 < 1s", "latency.avg < 1s", "ttft{model=o4}.p90 < 1s", "errors.rate < 1%")))
    alone, together = (
        assess(objectives, folded(lines, objectives), make_run(), run_all=run_all)
        for run_all in (one_by_one, runner(2))
    )
    assert alone == together
    assert alone[0] == summarize(folded(lines), make_run())


def test_an_outline_has_the_counts_and_the_same_verdict(folded, make_run, request_line, drop_line):
    lines = [
        *(request_line(index, service_s=0.1 + index % 7 / 10, late_s=0.2 * (index % 9 == 0)) for index in range(300)),
        *(
            request_line(index, outcome=Outcome.TIMED_OUT, error="timeout", relay_message="too slow")
            for index in range(300, 320)
        ),
        drop_line(320),
    ]
    objectives = list(map(parse, ("ttft.p50 < 1s", "latency.avg < 1s", "errors.rate < 1%", "chunk_gap.p99 < 1s")))
    summary, verdict = assess(objectives, folded(lines, objectives), make_run())
    outline, same = assess(objectives, folded(lines, objectives), make_run(), tables=False)
    assert same == verdict
    assert (outline.counts, outline.errors, outline.warnings) == (summary.counts, summary.errors, summary.warnings)
    assert outline.generator.reasons == summary.generator.reasons != ()
    assert (outline.metrics.latency, outline.timeline) == (None, ())


@pytest.mark.parametrize(
    ("texts", "word", "exit_code"),
    [
        ([_PASSES], Status.PASS, 0),
        ([], Status.NOT_JUDGED, 0),
        ([_PASSES, _FAILS], Status.FAIL, 3),
        ([_PASSES, _UNSURE], Status.INCONCLUSIVE, 4),
        ([_UNSURE, _FAILS], Status.FAIL, 3),
    ],
)
def test_the_worst_objective_decides(texts, word, exit_code, gate, request_line):
    verdict = gate(texts, [request_line(index) for index in range(100)])
    assert (verdict.verdict, verdict.exit_code, verdict.reasons) == (word, exit_code, ())
    assert [result.expr for result in verdict.objectives] == texts


def test_a_generator_that_cannot_be_believed_comes_first(gate, request_line):
    verdict = gate([_FAILS], [request_line(index) for index in range(100)], faults=["a line is no record"])
    assert (verdict.verdict, verdict.exit_code) == (Status.INVALID, 4)
    assert verdict.reasons == ("a line is no record",)
    assert verdict.objectives[0].verdict is Status.FAIL


@pytest.mark.parametrize(
    ("text", "failed"),
    [
        ("errors.rate < 1%", True),
        ("errors.count == 0", True),
        ("errors.count < 5", True),
        ("retries.rate < 1%", True),
        ("requests.count <= 99", True),
        ("latency.p50 < 1ms", False),
        ("goodput.rate >= 99%", False),
        ("requests.count >= 101", False),
        ("throughput.per_second > 5", False),
        ("errors.rate > 90%", False),
        ("errors{scenario=other}.rate < 1%", False),  # no data
        ("errors.rate < 90%", False),  # holds
    ],
)
def test_what_was_counted_fails_for_certain_though_times_can_not_be_believed(text, failed, gate, request_line):
    lines = [
        request_line(index, late_s=1.0, retried=(_LIMITED,) * (index % 4 == 0), outcome=outcome)
        for index, outcome in enumerate([Outcome.OK, Outcome.REJECTED] * 50)
    ]
    verdict = gate([text, _FAILS], lines)
    assert (verdict.verdict, verdict.exit_code) == (Status.INVALID, 4)
    assert verdict.failed == ((text,) if failed else ())


def test_what_has_no_record_may_have_been_good(gate, request_line):
    lines = [request_line(index, outcome=Outcome.REJECTED) for index in range(10)]
    asked = ["errors.rate < 5%", "errors.count < 5"]
    assert gate(asked, [*lines, request_line(20)], ended_by=None).failed == tuple(asked)
    assert gate(asked, [*lines, request_line(1000)], ended_by=None).failed == ("errors.count < 5",)


def test_failures_that_are_the_own_fault_of_the_generator_are_none_for_certain(gate, request_line):
    lines = [request_line(index, outcome=Outcome.UNREACHABLE, error="no_files") for index in range(100)]
    verdict = gate(["errors.rate < 1%", "requests.count < 9"], lines)
    assert (verdict.verdict, verdict.failed) == (Status.INVALID, ("requests.count < 9",))
    twice = [request_line(index // 2, outcome=Outcome.REJECTED) for index in range(100)]
    assert (gate(["errors.count < 51"], twice).verdict, gate(["errors.count < 51"], twice).failed) == (
        Status.INVALID,
        (),
    )


def test_a_warning_never_fails_for_certain(gate, request_line):
    warns = with_options(parse("errors.count == 0"), ObjectiveOptions(severity=Severity.WARN))
    assert gate([warns], [request_line(0, outcome=Outcome.REJECTED)], ended_by=None).failed == ()


def test_a_run_that_can_be_believed_fails_by_its_objectives_alone(gate, request_line):
    verdict = gate(["errors.count == 0"], [request_line(0, outcome=Outcome.REJECTED)])
    assert (verdict.verdict, verdict.failed) == (Status.FAIL, ())


def test_a_killed_run_is_invalid(gate, request_line):
    verdict = gate([_PASSES], [request_line(index) for index in range(100)], ended_at_s=None, ended_by=None)
    assert (verdict.verdict, verdict.reasons) == (Status.INVALID, ("the run was killed, or could not record its end",))


def test_a_run_whose_launcher_died_is_invalid_whatever_was_measured(gate, request_line):
    """A fake relay dies with it."""
    lines = [request_line(index) for index in range(100)]
    for asked in (_PASSES, _FAILS):
        verdict = gate([asked], lines, ended_by="launcher", ended_at_s=18.0)
        assert (verdict.verdict, verdict.exit_code) == (Status.INVALID, 4)
        assert verdict.reasons == (
            "the death of the relayload process that started it ended the run after 18.0s, before its plan was through",
        )


def test_what_failed_when_the_launcher_was_gone_is_no_failure_of_the_relay(gate, request_line):
    lines = [request_line(index, outcome=Outcome.UNREACHABLE, error="connect") for index in range(20)]
    assert gate(["errors.count < 5"], lines, ended_by=None).failed == ("errors.count < 5",)
    assert gate(["errors.count < 5"], lines, ended_by="launcher").failed == ()


@pytest.mark.parametrize(
    ("ended_by", "who"), [("sigint", "Ctrl-C"), ("sigterm", "SIGTERM"), ("stop", "a stop"), ("workers", "the loss")]
)
def test_a_run_that_was_interrupted_can_fail_but_not_pass(ended_by, who, gate, request_line):
    lines = [request_line(index) for index in range(100)]
    verdict = gate([_PASSES], lines, ended_by=ended_by, ended_at_s=18.0)
    assert (verdict.verdict, verdict.exit_code) == (Status.INCONCLUSIVE, 4)
    assert verdict.reasons[0].startswith(who)
    assert "after 18.0s" in verdict.reasons[0]
    assert gate([_FAILS], lines, ended_by=ended_by, ended_at_s=18.0).verdict is Status.FAIL


def test_a_run_that_was_changed_by_hand_can_fail_but_not_pass(gate, request_line):
    lines = [request_line(index) for index in range(100)]
    changes = (HandChange(at_s=40.0, rate_factor=1.5, by="web page"), HandChange(at_s=61.0, users=1200))
    told = ("rate changed by hand at 40.0s: x1.5", "users changed by hand at 1m1s: 1,200")
    verdict = gate([_PASSES], lines, changes=changes)
    assert (verdict.verdict, verdict.exit_code, verdict.reasons) == (Status.INCONCLUSIVE, 4, told)
    failed, killed = gate([_FAILS], lines, changes=changes), gate([_PASSES], lines, changes=changes, ended_by=None)
    assert (failed.verdict, failed.reasons) == (Status.FAIL, told)
    assert (killed.verdict, killed.reasons[-2:]) == (Status.INVALID, told)
    assert gate([], lines, changes=changes).verdict is Status.INCONCLUSIVE


def test_an_interruption_is_told_whatever_else_came_of_the_run(gate, request_line):
    lines, stop = [request_line(index) for index in range(100)], {"ended_by": "sigint", "ended_at_s": 18.0}
    (told,) = gate([_PASSES], lines, **stop).reasons
    assert gate([_FAILS], lines, **stop).reasons == (told,)
    assert gate([_PASSES], lines, faults=["a line is no record"], **stop).reasons == ("a line is no record", told)
    stopped = gate([_PASSES], lines, faults=["it was late"], stopped_by_objective="fuse: 9 of 100 failed")
    assert stopped.reasons == ("it was late", "stopped early: fuse: 9 of 100 failed")


def test_a_run_that_was_interrupted_before_it_measured_has_not_failed(gate, request_line):
    windowed = with_options(parse(_PASSES), ObjectiveOptions(over_s=30.0))
    verdict = gate([_PASSES, windowed, "errors.rate < 1%"], [], ended_by="sigint", ended_at_s=0.5)
    assert (verdict.verdict, {told.verdict for told in verdict.objectives}) == (
        Status.INCONCLUSIVE,
        {Status.INCONCLUSIVE},
    )
    assert verdict.objectives[0].reason == "nothing was measured: the run was ended before its plan was through"


def test_what_an_interruption_cut_off_is_nobodys_failure(gate, request_line):
    lines = [request_line(index, **({"outcome": Outcome.ABANDONED} if index >= 60 else {})) for index in range(100)]
    (errors, latency) = gate(["errors.rate < 5%", "latency.p50 < 1s"], lines, ended_by="sigint").objectives
    assert (errors.verdict, errors.n, latency.verdict, latency.n) == (Status.PASS, 60, Status.PASS, 60)
    (errors, _) = gate(["errors.rate < 5%", "latency.p50 < 1s"], lines).objectives
    assert (errors.verdict, errors.k, errors.n) == (Status.FAIL, 40, 100)


@pytest.mark.parametrize("texts", [[], ["requests.count < 5"], ["requests{outcome=timed_out}.count == 0"]])
def test_a_run_without_a_measured_request_fails_whatever_is_asked(texts, gate, request_line):
    assert gate(texts, []).verdict is Status.FAIL
    warm_up = gate(
        texts,
        [request_line(0, stage="warm", measured=False)],
        stages=(StageInfo(name="warm", for_s=1.0, warmup=True), StageInfo(name="steady", for_s=9.0)),
    )
    assert (warm_up.verdict, warm_up.exit_code) == (Status.FAIL, 3)
    assert warm_up.reasons == ("no request of a measured stage was sent",)


def test_a_run_that_only_failed_fails(gate, request_line):
    lines = [request_line(index, outcome=Outcome.UNREACHABLE) for index in range(100)]
    assert gate([_PASSES, "errors.rate < 1%"], lines).verdict is Status.FAIL


def test_a_guardrail_comes_before_the_objectives_and_after_the_generator(gate, request_line):
    lines = [request_line(index) for index in range(100)]
    stop = {"ended_by": "guardrail", "stopped_by_guardrail": "max_usd: $5.01 of $5 were spent"}
    verdict = gate([_FAILS], lines, **stop)
    assert (verdict.verdict, verdict.exit_code) == (Status.STOPPED, 5)
    assert verdict.reasons == ("a guardrail stopped the run: max_usd: $5.01 of $5 were spent",)
    assert verdict.objectives[0].verdict is Status.FAIL
    assert gate([_PASSES], [], **stop).exit_code == 5
    assert gate([_PASSES], lines, faults=["a line is no record"], **stop).exit_code == 4


def test_a_guardrail_that_does_not_say_why_stops_all_the_same(gate, request_line):
    assert gate([_PASSES], [request_line(index) for index in range(100)], ended_by="guardrail").exit_code == 5


def test_an_objective_that_is_not_named_fails_the_run_that_it_stopped_all_the_same(gate, request_line):
    assert gate([_PASSES], [request_line(index) for index in range(100)], ended_by="objective").exit_code == 3


def test_a_run_that_an_objective_stopped_fails_whatever_came_after(gate, request_line):
    lines = [request_line(index) for index in range(100)]
    verdict = gate([_PASSES], lines, ended_by="objective", stopped_by_objective="errors.rate < 1%: 9 of 100 failed")
    assert (verdict.verdict, verdict.exit_code) == (Status.FAIL, 3)
    assert verdict.reasons == ("stopped early: errors.rate < 1%: 9 of 100 failed",)


def test_the_objective_that_ended_the_run_is_broken_whatever_is_left_of_its_windows(gate, request_line):
    windowed = with_options(parse("errors.rate < 5%"), ObjectiveOptions(over_s=30.0, for_windows=2, abort=True))
    stop = {"ended_by": "objective", "stopped_by_objective": f"{windowed.id}: in 2 windows of 30.0s in a row, 9 of 9"}
    broken, other = gate([windowed, _PASSES], [request_line(index) for index in range(100)], **stop).objectives
    assert (broken.verdict, broken.reason) == (
        Status.FAIL,
        "it ended the run: in 2 windows of 30.0s in a row, 9 of 9; its records alone would be PASS",
    )
    assert other.verdict is Status.PASS


_ABORTS = with_options(parse("errors.rate < 5%"), ObjectiveOptions(abort=True))


@pytest.mark.parametrize(
    ("failed", "in_the_end"),
    [
        (0, "its records alone would be PASS"),
        (7, "its records alone would be INCONCLUSIVE (7 of 100 failed, 5% may: too close to tell)"),
        (50, "in the end 50 of 100 failed, 5% may"),
    ],
)
def test_what_ended_a_run_is_shown_beside_what_came_of_it(failed: int, in_the_end: str, gate, request_line):
    lines = [request_line(index, outcome=Outcome.REJECTED if index < failed else Outcome.OK) for index in range(100)]
    stop = {"ended_by": "objective", "stopped_by_objective": "errors.rate < 5%: 9 of 40 were beyond the limit, 5% may"}
    verdict = gate([_ABORTS], lines, **stop)
    assert (verdict.verdict, verdict.exit_code) == (Status.FAIL, 3)
    (broken,) = verdict.objectives
    assert (broken.verdict, broken.observed) == (Status.FAIL, failed / 100)
    assert broken.reason == f"it ended the run: 9 of 40 were beyond the limit, 5% may; {in_the_end}"


def test_a_count_that_ended_a_run_is_shown_beside_the_final_one(gate, request_line):
    lines = [request_line(index, outcome=Outcome.REJECTED if index < 3 else Outcome.OK) for index in range(9)]
    counted = with_options(parse("errors.count == 0"), ObjectiveOptions(abort=True))
    stop = {"ended_by": "objective", "stopped_by_objective": "errors.count == 0: 1 until now"}
    assert gate([counted], lines, **stop).objectives[0].reason == "it ended the run: 1 until now; in the end 3"


@pytest.mark.parametrize(
    ("failed", "word", "exit_code", "first"),
    [
        (0, Status.PASS, 0, ""),
        (7, Status.INCONCLUSIVE, 4, "7 of 100 failed, 5% may: too close to tell; "),
        (50, Status.FAIL, 3, "50 of 100 failed, 5% may; "),
    ],
)
def test_to_rejudge_asks_the_records_alone(failed: int, word, exit_code: int, first: str, gate, request_line):
    lines = [
        request_line(index, outcome=Outcome.REJECTED if index % 100 < failed else Outcome.OK) for index in range(100)
    ]
    stop = {"ended_by": "objective", "stopped_by_objective": "errors.rate < 5%: 9 of 40"}
    verdict = gate([_ABORTS, _PASSES], lines, rejudge=True, **stop)
    assert (verdict.verdict, verdict.exit_code, verdict.reasons) == (word, exit_code, ())
    assert verdict.objectives[0].reason == f"{first}it ended the run: 9 of 40; judged by its records alone"
    assert verdict.objectives[1].verdict is Status.PASS


def test_to_rejudge_changes_nothing_where_no_objective_ended_the_run(gate, request_line):
    lines = [request_line(index) for index in range(100)]
    stops: tuple[dict[str, Any], ...] = (
        {},
        {"ended_by": "sigint", "ended_at_s": 50.0},
        {"ended_by": None},
        {"stopped_by_guardrail": "max_usd"},
    )
    for run in stops:
        assert gate([_PASSES], lines, rejudge=True, **run) == gate([_PASSES], lines, **run)


@pytest.mark.parametrize("text", [_FAILS, _UNSURE])
def test_a_warning_is_told_and_never_fails_a_run(text, gate, request_line):
    warns = with_options(parse(text), ObjectiveOptions(severity=Severity.WARN))
    verdict = gate([warns, _PASSES], [request_line(index) for index in range(100)])
    assert (verdict.verdict, verdict.exit_code) == (Status.PASS, 0)
    assert verdict.objectives[0].verdict is not Status.PASS
    assert verdict.objectives[0].severity is Severity.WARN
    assert gate([warns], []).verdict is Status.FAIL


@pytest.mark.parametrize(
    ("ended_by", "word", "reasons"), [("schedule", Status.NOT_JUDGED, 1), ("sigint", Status.INCONCLUSIVE, 2)]
)
def test_a_run_without_objectives_passes_no_gate(ended_by, word, reasons, gate, request_line):
    verdict = held(gate([], [request_line(index) for index in range(100)], ended_by=ended_by))
    assert (verdict.verdict, verdict.exit_code) == (word, 4)
    assert len(verdict.reasons) == reasons
    assert verdict.reasons[-1].startswith("there are no objectives to judge by: write some in the profile")


@pytest.mark.parametrize(("texts", "ended_by"), [([_PASSES], "schedule"), ([_FAILS], "schedule"), ([], None)])
def test_a_gate_changes_no_other_verdict(texts, ended_by, gate, request_line):
    verdict = gate(texts, [request_line(index) for index in range(100)], ended_by=ended_by)
    assert held(verdict) == verdict


def test_saturation_is_told_beside_the_verdict_and_decides_nothing(gate, request_line):
    lines = [
        request_line(index, intended_at_s=index / 2, late_s=0.0, latency_s=index + 1 - index / 2)
        for index in range(200)
    ]
    verdict = gate(["errors.rate < 5%"], lines)
    assert (verdict.verdict, verdict.exit_code, verdict.reasons) == (Status.PASS, 0, ())
    assert verdict.warnings[0].startswith("saturated: in flight grew by 1/s")
