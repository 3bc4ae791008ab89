import pytest
from msgspec import structs

from relayload.core.capacity.trial import BACKLOG, Decision, Purpose, Trial, Wanted, refutes, trial_of
from relayload.core.model.objective_options import ObjectiveOptions
from relayload.core.model.record import Outcome
from relayload.core.objectives.grammar import parse, with_options
from relayload.core.objectives.verdict import assess

WANTED = Wanted(purpose=Purpose.SEARCH, rate_per_s=1.0, warmup_s=10.0, measured_s=90.0)


@pytest.fixture
def tried(folded, make_run):
    def trial(texts, lines, strict=False, interrupted=False, **run) -> Trial:
        info = make_run(**run)
        objectives = [with_options(parse(text), ObjectiveOptions(strict=strict)) for text in texts]
        judged = assess(objectives, folded(lines, objectives, info), info)
        return trial_of(WANTED, 3, *judged, ended_by=info.stopped_by_objective, interrupted=interrupted)

    return trial


@pytest.mark.parametrize(
    ("texts", "strict", "decision", "proven", "refuted"),
    [
        (["latency.p50 < 1s"], False, Decision.PASS, True, False),
        (["latency.p95 < 1s", "errors.rate < 5%"], False, Decision.PASS, True, False),
        (["latency.p99 < 1s"], False, Decision.PASS, False, False),
        (["latency.p99 < 1s"], True, Decision.UNDECIDED, False, False),
        (["latency.p99.9 < 1s"], False, Decision.UNDECIDED, False, False),
        (["latency.p50 < 1s", "latency.p50 < 1ms"], False, Decision.FAIL, False, True),
        (["errors.count > 5"], False, Decision.FAIL, False, True),
    ],
)
def test_all_objectives_decide(texts, strict, decision, proven, refuted, tried, request_line):
    trial = tried(texts, [request_line(index) for index in range(100)], strict)
    assert (trial.decision, trial.proven, trial.refuted) == (decision, proven, refuted)


def test_what_binds_is_nearest_to_its_limit(tried, request_line):
    lines = [request_line(index, service_s=2.0 if index % 50 == 0 else 0.5) for index in range(100)]
    trial = tried(["latency.p90 < 1s", "errors.rate < 5%", "latency.p95 < 1s"], lines)
    assert trial.binding is not None
    assert (trial.binding.objective, trial.binding.used) == ("latency.p95 < 1s", pytest.approx(0.4))


def test_a_generator_that_was_the_bottleneck_voids_a_trial_that_would_fail(tried, request_line):
    trial = tried(["latency.p50 < 1ms"], [request_line(index, late_s=0.2) for index in range(100)])
    assert (trial.decision, trial.refuted) == (Decision.VOID, False)
    assert "the generator was the bottleneck" in trial.reasons[0]


@pytest.mark.parametrize("ended_by", ["guardrail", "sigint"])
def test_what_was_ended_is_no_pass(ended_by, tried, request_line):
    trial = tried(["latency.p50 < 1s"], [request_line(index) for index in range(50)], ended_by=ended_by, ended_at_s=50)
    assert trial.decision is Decision.STOPPED


def test_a_backlog_that_grows_fails_what_its_latencies_would_pass(tried, request_line):
    lines = [request_line(index, service_s=0.5 + index / 5) for index in range(100)]
    trial = tried(["latency.p50 < 100s"], lines)
    assert (trial.decision, trial.refuted) == (Decision.FAIL, True)
    assert trial.binding is not None
    assert (trial.binding.objective, trial.binding.used) == (BACKLOG, None)


def test_an_objective_that_ended_a_trial_fails_it(tried, request_line):
    lines = [request_line(index, service_s=2.0) for index in range(50)]
    trial = tried(
        ["latency.p50 < 1s"],
        lines,
        ended_by="objective",
        ended_at_s=50.0,
        stopped_by_objective="latency.p50 < 1s: 50 of 50 were not within the limit",
    )
    assert (trial.decision, trial.refuted) == (Decision.FAIL, True)


def test_what_ended_a_trial_binds_and_not_the_requests_that_were_abandoned_for_it(tried, request_line):
    slow = [request_line(index, service_s=2.0) for index in range(50)]
    abandoned = [request_line(index, outcome=Outcome.ABANDONED) for index in range(50, 90)]
    trial = tried(
        ["errors.rate < 1%", "latency.p50 < 1s"],
        [*slow, *abandoned],
        ended_by="objective",
        ended_at_s=90.0,
        stopped_by_objective="latency.p50 < 1s: 50 of 50 were not within the limit",
    )
    assert trial.binding is not None
    assert trial.binding.objective == "latency.p50 < 1s"


def test_a_trial_that_a_signal_ended_says_nothing_of_the_relay(tried, request_line):
    broken = [request_line(index, outcome=Outcome.BROKEN_STREAM) for index in range(50)]
    trial = tried(["errors.rate < 1%"], broken, interrupted=True, ended_by="sigint", ended_at_s=50)
    assert (trial.decision, trial.refuted) == (Decision.STOPPED, False)


def test_refusals_alone_are_bound_by_a_quota(tried, request_line):
    lines = [request_line(index, outcome=Outcome.RATE_LIMITED, status=429) for index in range(100)]
    trial = tried(["errors.rate < 1%"], lines)
    assert (trial.rate_limited, trial.failed, trial.quota_bound) == (100, 100, True)
    assert not structs.replace(trial, rate_limited=50).quota_bound


def test_a_failure_by_far_without_its_bound_refutes_nothing(tried, request_line):
    lines = [request_line(index, service_s=2.0 if 50 <= index < 75 else 0.5) for index in range(100)]
    trial = tried(["latency.p90 < 1s"], lines)
    (result,) = trial.objectives
    assert (trial.decision, refutes(result), trial.refuted) == (Decision.FAIL, False, False)
