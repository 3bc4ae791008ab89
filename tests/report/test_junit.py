from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
import xmlschema
from junitparser import Error, Failure, JUnitXml, Skipped
from junitparser.junitparser import FinalResult
from msgspec import structs

from relayload.core.errors import Fault
from relayload.core.model.objective_options import Written
from relayload.core.model.verdict import Status, Verdict
from relayload.core.objectives.verdict import held
from relayload.report.junit import render_junit, render_junit_not_run
from relayload.report.not_run import NotRun

SCHEMA = xmlschema.XMLSchema(Path(__file__).with_name("junit.xsd"))
OBJECTIVES = [
    "latency.p50 < 1s",
    "errors.rate < 0.1%",
    "latency{outcome=ok}.p99.9 < 1s",
    "ttft{scenario=simple}.p50 < 200ms",
]


def _cases(text: str) -> dict[str, list[FinalResult]]:
    (suite,) = JUnitXml.fromstring(text.encode())
    return {case.name: case.result for case in suite}


def test_a_report_is_valid_and_has_a_case_for_each_objective_and_one_for_the_generator(judged, some_lines):
    summary, verdict = judged(OBJECTIVES, some_lines)
    text = render_junit(summary, verdict)
    SCHEMA.validate(text)
    cases = _cases(text)
    assert list(cases) == ["the generator can be believed", *OBJECTIVES]
    assert cases["latency.p50 < 1s"] == cases["the generator can be believed"] == []
    (failed,) = cases["errors.rate < 0.1%"]
    assert isinstance(failed, Failure)
    assert failed.type == "FAIL"
    assert failed.message.startswith("errors.rate < 0.1%: observed 1% (95% interval ")
    assert "6 of 600 not within the limit, as good as" in failed.message


def test_what_can_not_be_told_is_an_error(judged, request_line):
    summary, verdict = judged(["latency.p99 < 1s"], [request_line(index) for index in range(40)])
    text = render_junit(summary, verdict)
    SCHEMA.validate(text)
    (error,) = _cases(text)["latency.p99 < 1s"]
    assert isinstance(error, Error)
    assert error.type == "INCONCLUSIVE"
    assert "needs 100 requests, and there are 40" in error.message
    assert "PASS" not in error.message


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("latency.p50 < 1s", "as good as 600 independent; PASS: proven)"),
        ("errors.rate < 1.2%", "as good as 600 independent; PASS: observed)"),
        ("requests.count >= 600", "(n 600)"),
    ],
)
def test_a_case_that_passes_says_whether_that_is_proven(text: str, told: str, judged, some_lines):
    summary, verdict = judged([text], some_lines)
    page = render_junit(summary, verdict)
    SCHEMA.validate(page)
    (suite,) = JUnitXml.fromstring(page.encode())
    (case,) = [case for case in suite if case.name == text]
    assert (case.result, case.system_out.endswith(told)) == ([], True)


def test_the_parts_of_a_case_say_whether_it_would_have_passed(judged, some_lines):
    """In a run that can't be believed the objectives are errors, with what was seen of each."""
    cases = _cases(render_junit(*judged(["latency.p50 < 1s", "errors.rate < 1.2%"], some_lines, ended_by=None)))
    parts = [cases[name][0].text.splitlines() for name in ("latency.p50 < 1s", "errors.rate < 1.2%")]
    assert ["PASS: proven" in parts[0], "PASS: observed" in parts[1]] == [True, True]


def test_in_a_run_that_can_not_be_believed_nothing_passes(judged, some_lines):
    summary, verdict = judged(OBJECTIVES, some_lines, ended_by=None)
    text = render_junit(summary, verdict)
    SCHEMA.validate(text)
    results = _cases(text)
    certain = "errors.rate < 0.1%"
    assert list(results) == [
        certain,
        "the generator can be believed",
        *(name for name in OBJECTIVES if name != certain),
    ]
    assert isinstance(results[certain][0], Failure)
    assert all(isinstance(result, Error) for name, (result,) in results.items() if name != certain)
    assert results["the generator can be believed"][0].message == "the run was killed, or could not record its end"


def test_a_run_without_data_fails_without_an_objective(judged):
    summary, verdict = judged([], [])
    text = render_junit(summary, verdict)
    SCHEMA.validate(text)
    (failed,) = _cases(text)["the run was carried out"]
    assert failed.message == "no request of a measured stage was sent"


def test_the_counts_are_those_of_the_cases_and_the_times_add_up(judged, some_lines):
    (suite,) = JUnitXml.fromstring(render_junit(*judged(OBJECTIVES, some_lines)).encode())
    counted = (suite.tests, suite.failures, suite.errors)
    suite.update_statistics()
    assert (suite.tests, suite.failures, suite.errors) == counted == (5, 1, 1)
    assert suite.time == sum(case.time for case in suite) == pytest.approx(600, abs=1)
    assert {case.classname for case in suite} == {"trial"}


@pytest.mark.parametrize("word", list(Status))
@pytest.mark.parametrize("reasons", [(), ("a guardrail",)])
def test_a_suite_is_green_if_and_only_if_the_run_passes(word: Status, reasons, judged, some_lines):
    summary, _ = judged([], some_lines)
    exit_code = 0 if word is Status.PASS or (word is Status.NOT_JUDGED and not reasons) else 3
    verdict = Verdict(run_id="run-1", verdict=word, exit_code=exit_code, reasons=reasons, objectives=())
    results = [result for found in _cases(render_junit(summary, verdict)).values() for result in found]
    green = all(isinstance(result, Skipped) for result in results)
    assert green == (exit_code == 0 and not reasons)


@pytest.mark.parametrize("nasty", ["a < b & \"c\" > 'd'", "bell \x07 and null \x00", "\ud800 alone", "]]> \ufffe"])
def test_text_that_xml_has_no_room_for_is_made_harmless(nasty: str, judged, some_lines):
    summary, verdict = judged(OBJECTIVES, some_lines)
    result = structs.replace(verdict.objectives[1], reason=nasty)
    text = render_junit(summary, structs.replace(verdict, objectives=(result,)))
    SCHEMA.validate(text)
    ET.fromstring(text.encode())


def test_an_objective_that_only_warns_passes_with_its_warning(judged, some_lines, warning):
    summary, verdict = judged([warning], some_lines)
    text = render_junit(summary, verdict)
    SCHEMA.validate(text)
    assert _cases(text)["errors.rate < 0.1%"] == []
    assert "warning: FAIL: errors.rate &lt; 0.1%: observed 1%" in text


def test_a_run_that_a_guardrail_stopped_has_an_error_that_says_which(judged, some_lines):
    stop = {"ended_by": "guardrail", "stopped_by_guardrail": "max_usd: $5.01 of $5 were spent"}
    (error,) = _cases(render_junit(*judged(["latency.p50 < 1s"], some_lines, **stop)))["the run was carried out"]
    assert (error.type, error.message) == ("STOPPED", "a guardrail stopped the run: max_usd: $5.01 of $5 were spent")


def test_a_gate_without_objectives_is_an_error(judged, some_lines):
    summary, verdict = judged([], some_lines)
    (error,) = _cases(render_junit(summary, held(verdict)))["there was something to judge by"]
    assert (type(error), error.type) == (Error, "NOT JUDGED")
    assert error.message.startswith("there are no objectives to judge by")


def test_a_run_without_objectives_says_that_nothing_was_judged(judged, some_lines):
    text = render_junit(*judged([], some_lines))
    SCHEMA.validate(text)
    (skipped,) = _cases(text)["there was something to judge by"]
    assert (type(skipped), skipped.message) == (Skipped, "NOT JUDGED: the profile has no objectives")
    (suite,) = JUnitXml.fromstring(text.encode())
    assert (suite.tests, suite.failures, suite.errors, suite.skipped) == (2, 0, 0, 1)


def test_the_text_of_an_element_does_not_repeat_its_message_but_has_it_part_by_part(judged, some_lines):
    written = {"errors.rate < 0.1%": Written(file="profiles/relay.yaml", line=12, column=5)}
    text = render_junit(*judged(OBJECTIVES, some_lines, written=written))
    SCHEMA.validate(text)
    (failed,) = _cases(text)["errors.rate < 0.1%"]
    assert failed.message not in failed.text
    first, second, *_, why, place = failed.text.splitlines()
    assert (first, second) == ("objective: errors.rate < 0.1%", "observed: 1%")
    assert (why, place) == ("why: 6 of 600 failed, 0.1% may", "written in: profiles/relay.yaml:12:5")


def test_a_reason_of_the_run_as_a_whole_stands_once(judged, some_lines):
    text = render_junit(*judged([], some_lines, ended_by=None))
    assert text.count("the run was killed, or could not record its end") == 1


NOT_RUN = NotRun(
    "relay",
    2,
    (
        Fault("is required", "load.stages.1.rate", "profiles/relay.yaml", 12, 9),
        Fault("is <not> \x07 valid", "objectives.0", "profiles/relay.yaml", 30, 5),
    ),
)


def test_a_run_without_a_verdict_has_an_error_with_the_reason_for_each_fault():
    text = render_junit_not_run(NOT_RUN)
    SCHEMA.validate(text)
    (suite,) = JUnitXml.fromstring(text.encode())
    assert (suite.name, suite.tests, suite.failures, suite.errors) == ("relay", 2, 0, 2)
    cases = _cases(text)
    assert list(cases) == [
        "profiles/relay.yaml:12:9: load.stages.1.rate",
        "profiles/relay.yaml:30:5: objectives.0 (1st objective)",
    ]
    (error,) = cases["profiles/relay.yaml:12:9: load.stages.1.rate"]
    assert (type(error), error.type, error.message, error.text) == (Error, "BAD INPUT", "is required", None)


@pytest.mark.parametrize(
    ("exit_code", "kind"),
    [(1, "CRASHED"), (6, "UNREACHABLE"), (130, "INTERRUPTED"), (143, "INTERRUPTED"), (9, "NOT RUN")],
)
def test_what_has_no_place_is_a_run_that_was_not_carried_out(exit_code: int, kind: str):
    text = render_junit_not_run(NotRun("relay", exit_code, (Fault("nothing listens on 127.0.0.1:9"),)))
    SCHEMA.validate(text)
    (error,) = _cases(text)["the run was carried out"]
    assert (error.type, error.message) == (kind, "nothing listens on 127.0.0.1:9")
