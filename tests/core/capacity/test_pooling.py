import pytest
from msgspec import structs

from relayload.core.capacity.pooling import Part, judge_together
from relayload.core.model.objective_options import ObjectiveOptions
from relayload.core.model.record import Outcome
from relayload.core.model.run import StageInfo
from relayload.core.model.verdict import Status
from relayload.core.objectives.grammar import parse, with_options
from relayload.core.objectives.verdict import assess

STAGES = (StageInfo(name="warm", for_s=10.0, warmup=True), StageInfo(name="steady", for_s=90.0))


@pytest.fixture
def part(folded, make_run):
    def make(objectives, lines) -> Part:
        info = make_run(stages=STAGES)
        lines = [structs.replace(line, measured=line.intended_at_s >= 10) for line in lines]
        return Part(info, lines, assess(objectives, folded(lines, objectives, info), info)[1].objectives)

    return make


def test_together_they_prove_what_each_leaves_open(part, request_line):
    objectives = [with_options(parse("latency.p99 < 1s"), ObjectiveOptions(strict=True))]
    parts = [part(objectives, [request_line(index) for index in range(100)]) for _ in range(4)]
    assert {each.results[0].verdict for each in parts} == {Status.INCONCLUSIVE}
    (result,) = judge_together(objectives, parts)
    assert (result.verdict, result.proven, result.n, result.k) == (Status.PASS, True, 360, 0)


def test_the_warm_up_of_each_is_left_out_and_what_ends_late_is_its_own(part, request_line):
    objectives = [parse("latency.p50 < 1s"), parse("latency.avg < 9s")]
    slow = [request_line(index, service_s=5.0 if index < 10 else 0.5) for index in range(99)]
    late = [*slow, request_line(99, service_s=300.0)]
    together = judge_together(objectives, [part(objectives, late), part(objectives, slow)])
    assert (together[0].n, together[0].k) == (179, 1)
    assert together[1].observed == pytest.approx((178 * 0.501 + 300.001) / 179)


def test_pooling_one_trial_with_itself_doubles_the_counts_alone(part, request_line):
    objectives = [parse("errors.rate < 30%"), parse("goodput{latency<1s}.rate >= 60%")]
    lines = [request_line(index, outcome=Outcome.TIMED_OUT if index % 5 == 0 else Outcome.OK) for index in range(100)]
    once = part(objectives, lines)
    for alone, both in zip(once.results, judge_together(objectives, [once, once]), strict=True):
        assert (both.k, both.n, both.observed) == (2 * (alone.k or 0), 2 * alone.n, alone.observed)


def test_of_facts_the_worst_trial_counts(part, request_line):
    objectives = [parse("errors.count < 2")]
    good = part(objectives, [request_line(index) for index in range(20)])
    bad = part(objectives, [request_line(index, outcome=Outcome.TIMED_OUT) for index in range(10, 20)])
    timed_out = {10: Outcome.TIMED_OUT}
    one = part(objectives, [request_line(at, outcome=timed_out.get(at, Outcome.OK)) for at in range(100)])
    assert judge_together(objectives, [good, bad, good])[0].verdict is Status.FAIL
    assert judge_together(objectives, [one, one, one])[0].verdict is Status.PASS
