from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
import xmlschema
from junitparser import Error, Failure, JUnitXml, Skipped
from msgspec import structs

from relayload.core.verdict.gate import Verdict, held
from relayload.core.verdict.stats import Word
from relayload.report.junit import render_junit

SCHEMA = xmlschema.XMLSchema(Path(__file__).with_name("junit.xsd"))
OBJECTIVES = ["latency.p50 < 1s", "errors.rate < 0.1%", "latency.p99.9 < 1s", "ttft{scenario=simple}.p50 < 200ms"]


def _cases(text: str) -> dict[str, list[object]]:
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
    assert "299 independent values are needed" in error.message


def test_in_a_run_that_can_not_be_believed_nothing_passes(judged, some_lines):
    summary, verdict = judged(OBJECTIVES, some_lines, ended_by=None)
    text = render_junit(summary, verdict)
    SCHEMA.validate(text)
    results = _cases(text)
    assert all(isinstance(result, Error) for (result,) in results.values())
    assert results["the generator can be believed"][0].message == "the run was killed before it ended"


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


@pytest.mark.parametrize("word", list(Word))
@pytest.mark.parametrize("reasons", [(), ("a guardrail",)])
def test_a_suite_is_green_if_and_only_if_the_run_passes(word: Word, reasons, judged, some_lines):
    summary, _ = judged([], some_lines)
    exit_code = 0 if word is Word.PASS or (word is Word.NOT_JUDGED and not reasons) else 3
    verdict = Verdict(run_id="run-1", verdict=word, exit_code=exit_code, reasons=reasons, objectives=())
    results = [result for found in _cases(render_junit(summary, verdict)).values() for result in found]
    green = all(isinstance(result, Skipped) for result in results)
    assert green == (exit_code == 0 and not reasons)


@pytest.mark.parametrize("nasty", ["a < b & \"c\" > 'd'", "bell \x07 and null \x00", "\ud800 alone", "]]> \ufffe"])
def test_text_that_xml_has_no_room_for_is_made_harmless(nasty: str, judged, some_lines):
    summary, verdict = judged(OBJECTIVES, some_lines)
    judgement = structs.replace(verdict.objectives[1], reason=nasty)
    text = render_junit(summary, structs.replace(verdict, objectives=(judgement,)))
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
