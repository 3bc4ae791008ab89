"""Objectives on what an audit found, by findings with known intervals."""

from types import SimpleNamespace
from typing import Any, cast

import pytest
from msgspec.structs import replace

from relayload.core.audit.findings import Audit, Checked, Control, ModelDifference, Sensitivity, Tokens, Usage
from relayload.core.audit.token_line import Estimate
from relayload.core.capacity.pooling import grows_surer
from relayload.core.model.objective_options import ObjectiveOptions, TooFew
from relayload.core.model.verdict import ObjectiveResult, Status
from relayload.core.objectives.evaluate import judge_objective
from relayload.core.objectives.grammar import parse, with_options
from relayload.core.objectives.indicators import Indicators

PASS, FAIL, INCONCLUSIVE = Status.PASS, Status.FAIL, Status.INCONCLUSIVE
HONEST = Tokens(answers=500, counted=100_000, reported=100_000, factor=Estimate(1, 1, 1), offset=Estimate(0, 0, 0))
SEEN = (Sensitivity(seen_in_100=100, smallest_share=0.3),)


@pytest.fixture
def judged(make_run):
    def judge(text: str, audit: Audit | None, run: Any = None, **options: Any) -> ObjectiveResult:
        objective = with_options(parse(text), ObjectiveOptions(**options))
        indicators = Indicators(cast(Any, SimpleNamespace(audit=audit)), make_run(**(run or {})))
        return judge_objective(objective, indicators)

    return judge


def line(factor: tuple[float, ...] = (1, 1, 1), offset: tuple[float, ...] = (0, 0, 0), **more: Any) -> Tokens:
    numbers = {"answers": 500, "counted": 100_000, "reported": 100_000} | more
    return Tokens(**numbers, factor=Estimate(*factor), offset=Estimate(*offset))


def usage(target: str | None = None, model: str = "gpt-4o", **more: Any) -> Usage:
    return Usage(**{"target": target, "model": model, "answers": 500, "input": HONEST, "output": HONEST} | more)


def audit(*usages: Usage) -> Audit:
    return Audit(answers=500, usage=usages)


def differing(target: str = "relay", *, differs: bool, seen: tuple[Sensitivity, ...] = SEEN) -> ModelDifference:
    return ModelDifference(
        target=target, reference="vendor", model="gpt-4o", prompts=50, answers=(500, 500), mmd=0.0, p=0.5,
        differs=differs, sensitivity=seen,
    )  # fmt: skip


def checked(passed: int, asked: int, kind: str = "sums", target: str | None = "relay") -> Checked:
    return Checked(target=target, model="gpt-4o", kind=kind, asked=asked, passed=passed, low=0.0, high=1.0)


@pytest.mark.parametrize(
    ("text", "found", "word"),
    [
        ("usage.input_factor < 1.01", line(), PASS),
        ("usage.input_factor < 1.01", line((1.0, 0.998, 1.009)), PASS),
        ("usage.input_factor < 1.01", line((1.005, 0.998, 1.012)), INCONCLUSIVE),
        ("usage.input_factor < 1.01", line((1.02, 1.005, 1.03)), INCONCLUSIVE),
        ("usage.input_factor < 1.01", line((1.1, 1.098, 1.103)), FAIL),
        ("usage.input_factor < 1.01", line((1.01, 1.01, 1.01)), FAIL),
        ("usage.input_factor <= 1.01", line((1.01, 1.01, 1.01)), PASS),
        ("usage.input_factor > 0.99", line((0.9, 0.89, 0.91)), FAIL),
        ("usage.hidden_tokens < 10", line(offset=(3, 1, 9)), PASS),
        ("usage.hidden_tokens < 10", line(offset=(9, 8, 10)), INCONCLUSIVE),
        ("usage.hidden_tokens < 10", line(offset=(2000, 1998, 2003)), FAIL),
        ("usage.hidden_tokens == 0", line(), PASS),
        ("usage.hidden_tokens == 0", line(offset=(0, -1, 1)), INCONCLUSIVE),
        ("usage.hidden_tokens == 0", line(offset=(3, 3, 3)), FAIL),
        ("usage.hidden_tokens != 3", line(offset=(3, 3, 3)), FAIL),
        ("usage.hidden_tokens != 3", line(offset=(4, 3, 5)), INCONCLUSIVE),
        ("usage.hidden_tokens != 3", line(), PASS),
    ],
)
def test_the_whole_interval_decides(text: str, found: Tokens, word: Status, judged):
    result = judged(text, audit(usage(input=found)))
    assert result.verdict is word
    assert (result.proven, bool(result.reason)) == ((True, False) if word is PASS else (None, True))
    assert result.n == 500


def test_a_factor_tells_its_value_and_interval(judged):
    result = judged("usage.output_factor < 1.02", audit(usage(output=line((1.1, 1.098, 1.103)))))
    assert (result.observed, result.low, result.high, result.unit) == (1.1, 1.098, 1.103, "factor")
    assert result.reason == "x1.100, and surely x1.098 to x1.103"


def test_without_tags_the_worst_target_and_model_counts(judged):
    found = audit(
        usage("vendor"), usage("relay", input=line((1.1, 1.09, 1.11))), usage("other", input=line((1.05, 1.04, 1.06)))
    )
    result = judged("usage.input_factor < 1.01", found)
    assert (result.verdict, result.observed) == (FAIL, 1.1)
    assert result.reason == "relay gpt-4o: x1.100, and surely x1.090 to x1.110"
    assert judged("usage{target=vendor}.input_factor < 1.01", found).verdict is PASS
    assert judged("usage{target!=relay}.input_factor < 1.01", found).observed == 1.05
    assert judged("usage{model=o3}.input_factor < 1.01", found).reason == "no answer was audited"


@pytest.mark.parametrize("text", ["usage.input_factor < 1.01", "model.differs == 0", "answers.checked.rate >= 98%"])
@pytest.mark.parametrize("found", [None, Audit()])
def test_no_data_is_no_pass(text: str, found: Audit | None, judged):
    result = judged(text, found)
    assert (result.verdict, result.n, result.observed) == (FAIL, 0, None)
    assert judged(text, found, {"ended_by": "sigint"}).verdict is INCONCLUSIVE


def test_a_reference_that_stands_in_for_counts_is_not_judged_itself(judged):
    vendor = usage("vendor", "claude", input=None, output=None, unknown="the tokens of claude can't be counted here")
    relay = usage("relay", "claude", reference="vendor", input=line((1.2, 1.1, 1.3)), output=None)
    assert judged("usage.hidden_tokens < 10", audit(vendor, replace(relay, input=HONEST))).verdict is PASS
    assert judged("usage.input_factor < 1.01", audit(vendor, relay)).verdict is FAIL
    assert judged("usage.input_factor < 1.01", audit(vendor)).verdict is INCONCLUSIVE


def test_counts_that_are_not_known_are_no_pass_beside_others(judged):
    found = audit(usage("vendor"), usage("relay", input=None, output=None, unknown="the tokenizer is not known"))
    result = judged("usage.input_factor < 1.01", found)
    assert (result.verdict, result.reason) == (INCONCLUSIVE, "relay gpt-4o: the tokenizer is not known")


@pytest.mark.parametrize(
    ("tokens", "reason"),
    [
        (Tokens(answers=5, counted=500, reported=500), "5 answers are too few: it takes 8"),
        (
            Tokens(answers=50, counted=500, reported=500),
            "the counts are too much alike to tell a factor from hidden tokens",
        ),
        (None, "no input was both reported and counted"),
    ],
)
def test_a_line_that_can_not_be_told_is_inconclusive(tokens: Tokens | None, reason: str, judged):
    result = judged("usage.hidden_tokens < 10", audit(usage(input=tokens)))
    assert (result.verdict, result.reason) == (INCONCLUSIVE, reason)


def test_too_few_answers_fail_if_asked_for(judged):
    few = audit(usage(input=Tokens(answers=5, counted=500, reported=500)))
    assert judged("usage.input_factor < 1.01", few, on_too_few=TooFew.FAIL).verdict is FAIL


@pytest.mark.parametrize(
    ("off_line", "reported", "word"),
    [(100, 120_000, FAIL), (7, 120_000, INCONCLUSIVE), (100, 100_900, PASS), (0, 120_000, PASS)],
)
def test_a_share_of_inflated_answers_is_no_pass_although_the_line_does_not_see_it(off_line, reported, word, judged):
    result = judged("usage.input_factor < 1.01", audit(usage(input=line(off_line=off_line, reported=reported))))
    assert result.verdict is word
    if word is not PASS:
        assert result.observed == 1.2
        assert result.reason == (
            f"{off_line} of 500 answers are reported with clearly more than the others: all together x1.200"
        )


def test_a_hidden_prompt_of_a_share_of_the_answers_is_found(judged):
    found = audit(usage(input=line(off_line=100, reported=300_000)))
    result = judged("usage.hidden_tokens < 10", found)
    assert (result.verdict, result.observed) == (FAIL, 400.0)


@pytest.mark.parametrize(
    ("found", "word", "observed"),
    [
        ((differing(differs=False),), PASS, 0),
        ((differing(differs=True),), FAIL, 1),
        ((differing(differs=False), differing("other", differs=True)), FAIL, 1),
        ((differing(differs=False, seen=(Sensitivity(seen_in_100=40),)),), INCONCLUSIVE, 0),
        ((differing(differs=False, seen=()),), INCONCLUSIVE, 0),
        ((differing(differs=True, seen=()),), FAIL, 1),
    ],
)
def test_models_that_differ_are_counted(found, word: Status, observed: int, judged):
    result = judged("model.differs == 0", Audit(differences=found))
    assert (result.verdict, result.observed, result.n) == (word, observed, len(found))


def test_a_difference_says_between_whom(judged):
    found = Audit(differences=(differing(differs=True), differing("other", differs=False)))
    assert judged("model.differs == 0", found).reason == "relay gpt-4o differs from vendor"
    assert judged("model{target=other}.differs == 0", found).verdict is PASS


def test_a_test_that_could_not_have_seen_a_swap_says_so(judged):
    found = Audit(differences=(differing(differs=False, seen=(Sensitivity(seen_in_100=40),)),))
    assert judged("model.differs == 0", found).reason == (
        "relay gpt-4o: a model of no overlap would have been seen in 40 of 100 alone"
    )


@pytest.mark.parametrize(("prompts", "answers"), [(9, (500, 500)), (50, (500, 249)), (50, (249, 500))])
def test_too_few_answers_see_no_difference_that_counts(prompts: int, answers: tuple[int, int], judged):
    few = replace(differing(differs=False), prompts=prompts, answers=answers)
    result = judged("model.differs == 0", Audit(differences=(few,)))
    assert result.verdict is INCONCLUSIVE
    assert result.reason == (
        f"relay gpt-4o: {answers[0]} and {answers[1]} answers to {prompts} prompts are too few to see no difference"
    )


def test_a_reference_that_differs_from_itself_proves_nothing(judged):
    control = Control(model="gpt-4o", answers=(250, 250), p=0.001, differs=True)
    result = judged("model.differs == 0", Audit(controls=(control,), differences=(differing(differs=True),)))
    assert (result.verdict, result.observed) == (INCONCLUSIVE, 0)
    assert result.reason == "vendor differs from itself when asked for gpt-4o"


@pytest.mark.parametrize(
    ("passed", "asked", "word", "proven"),
    [
        (50, 50, PASS, False),
        (200, 200, PASS, True),
        (196, 200, PASS, False),
        (195, 200, INCONCLUSIVE, None),
        (30, 30, INCONCLUSIVE, None),
        (150, 200, FAIL, None),
    ],
)
def test_right_answers_are_judged_as_any_share(passed: int, asked: int, word: Status, proven: bool | None, judged):
    result = judged("answers.checked.rate >= 98%", Audit(checked=(checked(passed, asked),)))
    assert (result.verdict, result.proven, result.n) == (word, proven, asked)
    assert result.observed == pytest.approx(passed / asked)


def test_all_kinds_of_questions_count_together_and_the_worst_target_counts(judged):
    found = Audit(
        checked=(checked(50, 50), checked(30, 50, "json"), checked(50, 50, target="vendor")),
    )
    result = judged("answers.checked.rate >= 98%", found)
    assert (result.verdict, result.observed, result.k, result.n) == (FAIL, 0.8, 20, 100)
    assert result.reason.startswith("relay gpt-4o: 20 of 100 were answered wrong")
    assert judged("answers.checked{target=vendor}.rate >= 98%", found).verdict is PASS


def test_repeats_of_a_run_do_not_make_an_audit_surer():
    assert not grows_surer(parse("answers.checked.rate >= 98%"))
    assert grows_surer(parse("tool_calls.valid.rate >= 98%"))


@pytest.mark.parametrize(
    ("text", "options", "fault"),
    [
        ("usage.input_factor < 1.01", {"abort": True}, "known after the last request: leave out 'abort'"),
        ("model.differs == 0", {"over_s": 30.0}, "can't be told in windows: leave out 'over'"),
        ("usage.hidden_tokens < 10", {"confidence": 0.99}, "has the confidence of the audit: leave out 'confidence'"),
    ],
)
def test_what_comes_after_the_end_can_not_abort_or_have_windows(text: str, options: dict[str, Any], fault: str):
    with pytest.raises(ValueError, match=fault):
        with_options(parse(text), ObjectiveOptions(**options))
