import pytest

from relayload.core.metrics.metric import Asked
from relayload.core.model.objective_options import ObjectiveOptions, TooFew
from relayload.core.objectives.grammar import parse, with_options
from relayload.core.objectives.sample_forecast import (
    Outlook,
    Sent,
    needed_samples,
    sample_forecast,
    samples_to_prove,
)
from relayload.core.traffic.plan import StagePlan

SENT = {
    "simple": Sent({"o3": 3, "o4": 1}),
    "plain": Sent({"o4": 1}, asked=frozenset({Asked.TOOLS, Asked.SCHEMA})),
    "talk": Sent({"o3": 1}, 3.5),
}
STAGES = (
    StagePlan(name="warm", for_s=5, warmup=True, by_scenario={"simple": 1000, "plain": 0, "talk": 0}),
    StagePlan(name="steady", for_s=60, warmup=False, by_scenario={"simple": 200, "plain": 100, "talk": 10}),
    StagePlan(name="peak", for_s=60, warmup=False, by_scenario={"simple": 100, "plain": 100, "talk": 0}),
    StagePlan(name="end", for_s=5, warmup=False, cooldown=True, by_scenario={"simple": 1000, "plain": 0, "talk": 0}),
)


@pytest.mark.parametrize(
    ("text", "needed", "to_prove"),
    [
        ("ttft.p50 < 1s", 2, 5),
        ("ttft.p90 < 1s", 10, 29),
        ("ttft.p95 < 1s", 20, 59),
        ("ttft.p99 < 1s", 100, 299),
        ("ttft.p99.9 < 1s", 1000, 2995),
        ("output_rate.p5 > 20/s", 20, 59),
        ("ttft.max < 1s", 1, 1),
        ("latency.avg < 1s", 30, 30),
        ("errors.rate < 1%", 100, 299),
        ("errors.rate > 1%", 1, 1),
        ("errors.count == 0", 1, 1),
        ("retries.rate < 20%", 5, 14),
        ("goodput{ttft<200ms}.rate >= 95%", 20, 59),
        ("throughput.per_second > 5/s", 1, 1),
        ("breaker.trips == 0", 1, 1),
    ],
)
def test_an_objective_needs_so_many_samples_to_be_decided_and_more_to_be_proven(text, needed, to_prove):
    objective = parse(text)
    strict = with_options(objective, ObjectiveOptions(strict=True))
    assert (needed_samples(objective), samples_to_prove(objective)) == (needed, to_prove)
    assert (needed_samples(strict), samples_to_prove(strict)) == (to_prove, to_prove)


@pytest.mark.parametrize("on_too_few", [TooFew.PASS, TooFew.FAIL])
@pytest.mark.parametrize("text", ["ttft.p99 < 1s", "errors.rate < 1%", "latency.avg < 1s"])
def test_an_objective_that_says_what_too_few_mean_is_always_decided(text, on_too_few):
    decided = with_options(parse(text), ObjectiveOptions(on_too_few=on_too_few))
    strict = with_options(parse(text), ObjectiveOptions(on_too_few=on_too_few, strict=True))
    assert (needed_samples(decided), needed_samples(strict)) == (1, samples_to_prove(strict))


@pytest.mark.parametrize(
    ("text", "samples"),
    [
        ("latency.p50 < 1s", 300 + 200 + 35),
        ("ttft.p50 < 1s", 300 + 35),
        ("stall{chunk_gap>2s}.count == 0", 300 + 35),
        ("stream.broken.rate < 1%", 300 + 35),
        ("stream.broken.count == 0", 300 + 35),
        ("stream.coalesced.rate < 10%", 300 + 35),
        ("tool_calls.valid.rate > 90%", 200),
        ("structured_output.valid.rate > 90%", 200),
        ("latency{stage=steady}.p50 < 1s", 200 + 100 + 35),
        ("latency{stage!=steady, scenario=simple}.p50 < 1s", 100),
        ("latency{model=o4}.p50 < 1s", 75 + 200),
        ("latency{model!=o4}.p50 < 1s", 225 + 35),
        ("errors{kind=429}.rate < 1%", 535),
        ("chunk_gap.p99 < 1s", None),
        ("breaker.trips == 0", None),
    ],
)
def test_an_objective_gets_the_measured_requests_that_its_tags_admit(text, samples):
    assert sample_forecast(parse(text), STAGES, SENT).samples == samples


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("ttft{scenario=plain}.p50 < 1s", "needs requests for a stream, and the plan has 0: write stream: true"),
        ("chunk_gap{scenario=plain}.p99 < 1s", "needs requests for a stream, and the plan has 0: write stream: true"),
        ("stall{chunk_gap>2s, scenario=plain}.count == 0", "needs requests for a stream, and the plan has 0: "),
        ("tool_calls.valid{scenario!=plain}.rate > 90%", "needs requests for tool calls, and the plan has 0: give"),
        ("structured_output.valid{scenario=talk}.rate == 100%", "needs requests for structured output, and the plan"),
    ],
)
@pytest.mark.parametrize("over_s", [None, 30.0])
def test_what_no_request_asks_for_can_not_be_judged(text, problem, over_s):
    found = sample_forecast(with_options(parse(text), ObjectiveOptions(over_s=over_s)), STAGES, SENT)
    assert (found.problem or "")[: len(problem)] == problem
    assert (found.samples, found.outlook) == (0, Outlook.TOO_FEW)


@pytest.mark.parametrize(
    ("text", "samples"),
    [
        ("latency.p50 < 1s", 535),
        ("latency{target=relay}.p50 < 1s", 134),
        ("latency{target!=relay}.p50 < 1s", 401),
        ("ttft{target=relay, model=o3}.p50 < 1s", 65),
    ],
)
def test_of_several_targets_an_objective_gets_the_parts_of_those_that_it_names(text, samples):
    assert sample_forecast(parse(text), STAGES, SENT, {"direct": 0.75, "relay": 0.25}).samples == samples


@pytest.mark.parametrize(
    ("count", "outlook"),
    [(0, "too few"), (99, "too few"), (100, "scarce"), (358, "scarce"), (359, "ample"), (5000, "ample")],
)
def test_the_outlook_follows_from_samples_and_what_a_proof_takes(count, outlook):
    assert outlook_of("ttft.p99 < 1s", count) == outlook


@pytest.mark.parametrize(("count", "outlook"), [(19, "too few"), (20, "scarce"), (70, "scarce"), (71, "ample")])
def test_a_fifth_more_than_a_proof_takes_is_ample(count, outlook):
    assert outlook_of("ttft.p95 < 1s", count) == outlook


@pytest.mark.parametrize(("count", "outlook"), [(58, "too few"), (59, "scarce"), (176, "scarce"), (177, "ample")])
def test_where_a_proof_takes_few_and_must_be_had_three_times_as_many_are_ample(count, outlook):
    assert outlook_of("ttft.p95 < 1s", count, strict=True) == outlook


@pytest.mark.parametrize(("count", "outlook"), [(298, "too few"), (299, "scarce"), (358, "scarce"), (359, "ample")])
def test_strict_terms_take_too_few_for_a_proof_for_too_few(count, outlook):
    assert outlook_of("ttft.p99 < 1s", count, strict=True) == outlook
    stages = (StagePlan(name="steady", for_s=60, warmup=False, by_scenario={"simple": count}),)
    found = sample_forecast(with_options(parse("ttft.p99 < 1s"), ObjectiveOptions(strict=True)), stages, SENT)
    assert found.strict
    assert (found.problem or "").startswith("needs 299 requests to be proven, and the plan has 298" * (count < 299))


def outlook_of(text, count, **options):
    stages = (StagePlan(name="steady", for_s=60, warmup=False, by_scenario={"simple": count}),)
    return sample_forecast(with_options(parse(text), ObjectiveOptions(**options)), stages, SENT).outlook


def test_more_confidence_needs_more_samples_for_a_proof():
    sure = with_options(parse("ttft.p99 < 1s"), ObjectiveOptions(confidence=0.99))
    assert (needed_samples(sure), samples_to_prove(sure)) == (100, 459)


@pytest.mark.parametrize(
    ("text", "options", "samples", "problem"),
    [
        ("ttft.p50 < 1s", {"over_s": 30.0}, 50, None),  # of the peak: 100 in 60 s
        ("latency.p90 < 1s", {"over_s": 30.0}, 100, None),
        ("ttft.p99 < 1s", {"over_s": 30.0}, 50, None),
        (
            "ttft.p99 < 1s",
            {"over_s": 30.0, "strict": True},
            50,
            "needs 299 requests to be proven in each of its windows, and the plan has about 117",
        ),
        (
            "ttft.p99.9 < 1s",
            {"over_s": 30.0},
            50,
            "needs 1,000 requests to be decided in each of its windows, and the plan has about 117",
        ),
        ("ttft{stage=peak}.p50 < 1s", {"over_s": 61.0}, None, "asks for 1 of its windows in a row, and the plan has 0"),
        ("errors.rate < 5%", {"over_s": 1.0, "for_windows": 121}, None, "asks for 121 of its windows in a row"),
        ("breaker.trips == 0", {"over_s": 60.0}, None, None),
        ("breaker.trips == 0", {"over_s": 600.0}, None, "asks for 1 of its windows in a row, and the plan has 0"),
    ],
)
def test_in_windows_each_gets_its_part(text, options, samples, problem):
    found = sample_forecast(with_options(parse(text), ObjectiveOptions(**options)), STAGES, SENT)
    assert found.samples == samples
    assert (found.problem or "")[: len(problem or "")] == (problem or "")
    assert (found.outlook is Outlook.TOO_FEW) is (problem is not None)


def test_a_pause_has_no_window_that_counts():
    stages = (
        *STAGES,
        StagePlan(name="pause", for_s=60, warmup=False, by_scenario={"simple": 0, "plain": 0, "talk": 0}),
    )
    found = sample_forecast(with_options(parse("ttft.p50 < 1s"), ObjectiveOptions(over_s=30.0)), stages, SENT)
    assert (found.samples, found.problem) == (50, None)


def test_windows_that_may_have_enough_at_the_steepest_are_scarce_and_not_too_few():
    """One and a half requests a window on average, and at most three: p60 needs three."""
    stages = (StagePlan(name="steady", for_s=100.0, warmup=False, by_scenario={"simple": 15}),)
    found = sample_forecast(with_options(parse("ttft.p60 < 1s"), ObjectiveOptions(over_s=10.0)), stages, SENT)
    assert (found.needed, found.samples, found.outlook, found.problem) == (3, 1, Outlook.SCARCE, None)


def test_windows_of_a_stage_without_an_end_can_not_be_counted():
    stages = (StagePlan(name="steady", for_s=None, warmup=False, by_scenario={"simple": 100}),)
    found = sample_forecast(with_options(parse("ttft.p99 < 1s"), ObjectiveOptions(over_s=30.0)), stages, SENT)
    assert (found.samples, found.outlook, found.problem) == (None, Outlook.UNKNOWN, None)


def test_nothing_is_said_of_a_load_whose_requests_nobody_can_count():
    stages = (StagePlan(name="steady", for_s=60, warmup=False),)
    assert sample_forecast(parse("ttft.p99 < 1s"), stages, SENT).outlook is Outlook.UNKNOWN


@pytest.mark.parametrize(
    ("text", "over_s", "remedies"),
    [
        ("ttft.p99.9 < 1s", None, "lengthen the measured stages, raise the rates, or ask for a lower percentile"),
        (
            "output_rate.p0.1 > 5/s",
            None,
            "lengthen the measured stages, raise the rates, or ask for a higher percentile",
        ),
        ("errors.rate < 0.1%", None, "lengthen the measured stages, raise the rates, or allow more than 0.1%"),
        (
            "goodput{ttft<1s}.rate >= 99.9%",
            None,
            "lengthen the measured stages, raise the rates, or ask for less than 99.9%",
        ),
        ("latency{stage=nowhere}.avg < 1s", None, "lengthen the measured stages, or raise the rates"),
        ("ttft.p99.9 < 1s", 5.0, "lengthen the windows (over), raise the rates, or ask for a lower percentile"),
    ],
)
def test_the_advice_fits_the_objective(text, over_s, remedies):
    problem = sample_forecast(with_options(parse(text), ObjectiveOptions(over_s=over_s)), STAGES, SENT).problem
    assert problem is not None
    assert problem.partition(": ")[2] == remedies
