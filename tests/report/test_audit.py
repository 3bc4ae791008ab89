"""What an audit found, in words: short in the report of a run, and as a whole."""

import re
from typing import Any

import pytest
from msgspec.structs import replace
from page_reader import PageReader

from relayload.core.audit.findings import (
    Audit,
    Change,
    Checked,
    Control,
    Feature,
    ModelDifference,
    Named,
    Sensitivity,
    Tokens,
    Usage,
)
from relayload.core.audit.result import AuditResult
from relayload.core.audit.token_line import Estimate
from relayload.core.model.verdict import ObjectiveResult, Status
from relayload.core.objectives.formatting import quantity
from relayload.report.audit import render_audit, render_audit_markdown
from relayload.report.audit_facts import audit_facts, audit_lines, tokens_text
from relayload.report.audit_result import render_result, render_result_markdown, verdict_line
from relayload.report.html.audit_page import render_audit_page
from relayload.report.markdown import render_markdown
from relayload.report.screen import Screen
from relayload.report.text import render_summary
from relayload.report.verdict_lines import verdict_lines

WIDE = Screen(200, color=False)
HOSTILE = "\x1b[31m<b>fp</b>\n::error::"
HONEST = Tokens(answers=500, counted=120_000, reported=120_000, factor=Estimate(1, 1, 1), offset=Estimate(0, 0, 0))
INFLATED = Tokens(
    answers=500,
    counted=120_000,
    reported=1_132_000,
    factor=Estimate(1.1, 1.098, 1.1034),
    offset=Estimate(2000, 1998.5, 2003),
    off_line=7,
)


def usage(target: str | None = None, **more: Any) -> Usage:
    plain = {"target": target, "model": "gpt-4o", "answers": 500, "encoding": "o200k_base"}
    return Usage(**(plain | {"input": HONEST, "output": HONEST} | more))


def difference(target: str, *, differs: bool, sensitivity: tuple[Sensitivity, ...] = ()) -> ModelDifference:
    return ModelDifference(
        target=target, reference="vendor", model="gpt-4o", prompts=50, answers=(500, 480), mmd=12.3, p=0.001,
        differs=differs, sensitivity=sensitivity,
    )  # fmt: skip


def change(quantity: str, before: float | None, under: float | None, *, changed: bool = True) -> Change:
    return Change(
        target="relay", model="gpt-4o", quantity=quantity, condition="burst", answers=(100, 300), before=before,
        under=under, p=0.0001, changed=changed,
    )  # fmt: skip


HONEST_RUN = Audit(answers=500, usage=(usage(),))
DISHONEST = Audit(
    answers=1000,
    usage=(
        usage("vendor"),
        usage(
            "relay",
            input=INFLATED,
            hidden_reasoning=12,
            faults={"total_is_not_the_sum": 3, "cached_above_input": 1},
            usd_per_month=Estimate(1210, 1180, 1250),
        ),
    ),
    named=(Named(target="relay", model="gpt-4o", answered_models={"gpt-4o": 490, "gpt-4o-mini": 10}),),
    checked=(Checked(target="relay", model="gpt-4o", kind="sums", asked=50, passed=48, low=0.863, high=0.995),),
    features=(
        Feature(target="relay", model="gpt-4o", name="stop", honoured=False, seen="the answer goes on after it"),
        Feature(target="relay", model="gpt-4o", name="seed", honoured=None),
        Feature(target="relay", model="gpt-4o", name="tools", honoured=True),
    ),
    controls=(Control(model="gpt-4o", answers=(250, 250), p=0.43, differs=False),),
    differences=(
        difference("relay", differs=True),
        difference(
            "other",
            differs=False,
            sensitivity=(
                Sensitivity(seen_in_100=100, smallest_share=0.22),
                Sensitivity(against="llama-8b", seen_in_100=97),
            ),
        ),
    ),
    changes=(change("refused", 0.01, 0.2), change("answers", None, None, changed=False)),
)


BROKEN = ObjectiveResult(
    id="usage.input_factor < 1.01", expr="usage.input_factor < 1.01", unit="x", limit=1.01, verdict=Status.FAIL,
    reason="relay gpt-4o: x1.100", observed=1.1, n=500, effective_n=500,
)  # fmt: skip


def result(audit: Audit, **more: Any) -> AuditResult:
    return AuditResult(
        profile="mine", profile_sha256="0", targets={"vendor": "a", "relay": "b"}, models=("gpt-4o",),
        started_at="today", reference="vendor", audit=audit, **more,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"verdict": Status.PASS}, "PASS: nothing was found"),
        ({"verdict": Status.FAIL, "objectives": (BROKEN,)}, "FAIL: usage.input_factor < 1.01: relay gpt-4o: x1.100"),
        (
            {"verdict": Status.STOPPED, "ended_by": "Ctrl-C", "objectives": (BROKEN,)},
            "PARTIAL: it ended before everything was asked: Ctrl-C; so far FAIL: usage.input_factor < 1.01: relay",
        ),
        ({"not_compared": "the reference alone was asked"}, "NOT JUDGED: the reference alone was asked"),
    ],
)
def test_the_verdict_comes_first_in_every_report_and_last_in_text(more: dict[str, Any], told: str):
    found = result(DISHONEST, **more)
    first, *_, last = render_result(found, Screen(40, color=False)).splitlines()
    assert first == last == verdict_line(found)
    assert first.startswith(told)
    page = PageReader(render_audit_page(found)).text
    assert page.index(first.partition(":")[0]) < page.index("Objectives") < page.index("Usage and model")
    assert render_result_markdown(found).replace("\\", "").splitlines()[2].startswith(f"**{told}")


def test_an_honest_relay_takes_one_line():
    assert audit_facts(HONEST_RUN) == [("usage", "as counted here (input x1.000, hidden 0 tokens; 500 answers)")]
    assert audit_facts(None) == []


def test_several_honest_targets_take_one_line_with_what_is_farthest_off():
    near = replace(HONEST, factor=Estimate(1.002, 0.999, 1.004), offset=Estimate(-1, -3, 2))
    found = Audit(answers=1000, usage=(usage("vendor"), usage("relay", input=near)))
    assert list(audit_lines(found)) == [
        "usage: as counted here (input x1.002, hidden -1 tokens; 1,000 answers of 2 targets and models)"
    ]


def test_zero_has_no_sign():
    near = replace(HONEST, offset=Estimate(-0.05, -0.1, 0.04))
    assert audit_facts(Audit(answers=500, usage=(usage(input=near),)))[0][1].startswith(
        "as counted here (input x1.000, hidden 0 tokens"
    )
    assert [tokens_text(value) for value in (-0.0, -0.4, 0.04, -3.4)] == ["0", "0", "0", "-3.4"]
    assert quantity(-0.05, "") == "0"


@pytest.mark.parametrize(
    "more",
    [
        {"input": replace(HONEST, off_line=1)},
        {"input": replace(HONEST, factor=Estimate(1.02, 1.01, 1.03))},
        {"input": replace(HONEST, offset=Estimate(9, 8, 10))},
        {"output": replace(HONEST, factor=Estimate(1.2, 1.1, 1.3))},
        {"faults": {"cached_above_input": 1}},
        {"unknown": "it reports no tokens"},
    ],
)
def test_whatever_is_off_is_not_told_as_counted(more: dict[str, Any]):
    assert "as counted here" not in "".join(audit_lines(Audit(usage=(usage(**more),))))


def test_each_target_and_model_that_is_off_has_a_line_and_all_others_one():
    relay, vendor, *_ = audit_lines(DISHONEST)
    assert vendor == "usage: as counted here: vendor gpt-4o (input x1.000, hidden 0 tokens; 500 answers)"
    assert relay.startswith(
        "usage: relay gpt-4o: input x1.100 (x1.098 to x1.103), hidden 2,000 (1,998 to 2,003) tokens, output x1.000; "
        "500 answers; 7 of 500 reported with clearly more input than the others; 12 with hidden reasoning"
    )
    assert "; the total is not input and output together (3 answers); more input was read from a cache" in relay
    assert "than there was (1 answer)" in relay
    assert relay.endswith("$1,210.00 ($1,180.00 to $1,250.00) a month beyond what was counted")


def test_what_can_not_be_counted_says_why():
    (line,) = audit_lines(Audit(usage=(usage("relay", input=None, output=None, unknown="it reports no tokens"),)))
    assert line == "usage: relay gpt-4o: not known: it reports no tokens"


def test_models_differ_or_no_difference_was_seen_and_never_more():
    lines = [line for line in audit_lines(DISHONEST) if line.startswith("model: ")]
    assert lines == [
        "model: relay gpt-4o: differs from vendor (p 0.001, 50 prompts)",
        "model: other gpt-4o: no difference seen to vendor (a model of no overlap would have been seen in 100 of 100, "
        "from 22% of the answers on in 90; a swap to llama-8b would have been seen in 97 of 100)",
        "model: relay gpt-4o: answers name gpt-4o (490), gpt-4o-mini (10)",
    ]
    whole = render_audit(DISHONEST) + render_audit_markdown(DISHONEST)
    assert not {word for word in ("fraud", "cheat", "fake", "dishonest", "swapped") if word in whole}


def test_a_dated_name_of_the_same_model_is_not_worth_a_line():
    named = Named(target=None, model="gpt-4o", answered_models={"gpt-4o-2024-08-06": 500})
    assert audit_facts(Audit(named=(named,))) == []


def test_changes_under_load_are_told_or_that_none_was_seen():
    assert "changes: relay gpt-4o: refusals from 1% to 20% under load (burst)" in list(audit_lines(DISHONEST))
    none = Audit(changes=(change("refused", 0.01, 0.02, changed=False),))
    assert list(audit_lines(none)) == ["changes: no change seen under load (burst; 1 comparison)"]
    answers = Audit(changes=(change("answers", None, None),))
    assert list(audit_lines(answers)) == ["changes: relay gpt-4o: answers differ under load (burst)"]


def test_right_answers_of_all_kinds_take_one_line():
    sums = Checked(target=None, model="o3", kind="sums", asked=50, passed=48, low=0.8, high=1.0)
    found = Audit(checked=(sums, replace(sums, kind="json", passed=50)))
    assert list(audit_lines(found)) == ["answers: o3: right 48 of 50 sums, 50 of 50 json"]
    right = [replace(sums, target=target, model=model, passed=50) for target in ("a", "b") for model in ("o3", "o4")]
    all_right = Audit(checked=(sums, *right))
    assert list(audit_lines(all_right))[1] == "answers: all right: a o3, o4; b o3, o4 (200 questions)"


def test_rows_that_are_as_they_should_be_take_a_line_in_text():
    honoured = tuple(
        Feature(target="relay", model=model, name=name, honoured=True)
        for model in ("o3", "o4")
        for name in ("stop", "tools")
    )
    named = (Named(target="relay", model="o3", answered_models={"o3": 9}, fingerprints={"fp": 9}),)
    found = replace(HONEST_RUN, features=honoured, named=named, changes=(change("refused", 0, 0, changed=False),))
    assert render_audit(found, WIDE).splitlines() == [
        "Usage and model: 500 answers",
        "usage: as counted here (input x1.000, hidden 0 tokens; 500 answers)",
        "changes: no change seen under load (burst; 1 comparison)",
        "",
        "Names in answers",
        "as asked for: relay o3",
        "",
        "Request fields",
        "all request fields honoured: relay o3, o4",
    ]


def test_the_whole_has_every_table():
    text = render_audit(DISHONEST, WIDE)
    for row in (
        r"relay gpt-4o +500 +x1.100 \(x1.098 to x1.103\) +2,000 \(1,998 to 2,003\) +x1.000 +\$1,210.00 .* o200k_base",
        r"other gpt-4o +vendor +50 +500 and 480 +12.3 +0.001 +no difference seen",
        r"relay gpt-4o +gpt-4o \(490\), gpt-4o-mini \(10\) +none",
        r"relay gpt-4o +sums +50 +48 +96% +86.3% to 99.5%",
        r"relay gpt-4o +stop +not honoured +the answer goes on after it",
        r"relay gpt-4o +seed +not known",
        r"relay gpt-4o +refusals +burst +1% +20% +100 and 300 +0.0001 +changes",
    ):
        assert any(re.search(row, line) for line in text.splitlines()), row
    assert "no change seen" not in text
    assert "| no change seen |" in render_audit_markdown(DISHONEST)
    assert "control: gpt-4o of the reference against itself: no difference seen (p 0.43, 250 and 250)" in text


def test_every_rendering_has_the_same_numbers():
    text, markdown = render_audit(DISHONEST, WIDE), render_audit_markdown(DISHONEST).replace("\\", "")
    page = PageReader(render_audit_page(result(DISHONEST, exit_code=3))).text
    for told in ("x1.100 (x1.098 to x1.103)", "2,000 (1,998 to 2,003)", "$1,210.00", "86.3% to 99.5%", "500 and 480"):
        assert told in text
        assert told in markdown
        assert told in page
    assert "exit code 3" in page


def test_a_doubt_comes_first():
    doubted = replace(DISHONEST, doubts=("the reference differs from itself",))
    assert render_audit(doubted).splitlines()[1] == "doubt: the reference differs from itself"
    assert (
        verdict_line(result(doubted, verdict=Status.INCONCLUSIVE))
        == "INCONCLUSIVE: it can't be told: the reference differs from itself"
    )


def test_foreign_text_is_text():
    named = Named(target="relay", model=HOSTILE, answered_models={HOSTILE: 1}, fingerprints={HOSTILE: 1})
    seen = Feature(target="relay", model=HOSTILE, name="stop", honoured=False, seen=HOSTILE)
    found = Audit(answers=1, named=(named,), features=(seen,))
    text, markdown, page = render_audit(found), render_audit_markdown(found), render_audit_page(result(found))
    assert "\x1b" not in text + markdown + page
    assert not [line for line in (text + markdown).splitlines() if line.startswith("::")]
    assert "<b>" not in markdown + page


def test_the_report_of_a_run_has_the_short_lines(judged, some_lines):
    summary, verdict = judged(["errors.rate < 5%"], some_lines)
    with_audit = replace(summary, audit=HONEST_RUN)
    line = "as counted here (input x1.000, hidden 0 tokens; 500 answers)"
    assert f"usage      {line}" in render_summary(with_audit, screen=WIDE)
    assert f"- usage: {line}" in render_markdown(with_audit, verdict).replace("\\", "")
    assert "usage " not in render_summary(summary)


def test_a_log_tells_why_an_objective_failed(judged, some_lines):
    _, verdict = judged(["usage.input_factor < 1.01"], some_lines)
    assert list(verdict_lines(verdict)) == [
        "verdict: FAIL",
        "FAIL  usage.input_factor < 1.01  observed –: no answer was audited",
    ]
