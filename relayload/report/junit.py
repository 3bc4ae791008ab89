"""Renders a verdict as JUnit XML, in the dialect that Jenkins, GitLab and most others read.

A FAIL is a `failure`, anything inconclusive is an `error`, and a run without objectives has a case that was `skipped`.
The attribute has the whole message, the text of the element has its parts: Jenkins shows both, and GitLab the text, or
else the attribute. Source: Jenkins' junit-10.xsd, GitLab's `Parsers::Test::Junit`.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from xml.etree import ElementTree as ET

from relayload.core.metrics.summary import Summary
from relayload.core.model.verdict import Status, Verdict
from relayload.core.objectives.verdict import warnings_besides
from relayload.report.ci_cases import BELIEVED, WARNING, Case, cases
from relayload.report.not_run import NotRun, place_of
from relayload.report.text import error_rows

_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 can't contain, not even escaped (section 2.2)."""


def render_junit(summary: Summary, verdict: Verdict) -> str:
    """Render a test suite named after the profile, with a case for each objective."""
    all_cases = cases(verdict)
    counts = {
        "tests": str(len(all_cases)),
        "failures": str(sum(case.status is Status.FAIL for case in all_cases)),
        "errors": str(sum(_element(case, verdict) == "error" for case in all_cases)),
        "time": _seconds(summary.duration_s),
    }
    root, suite = _suite(summary.profile.name, counts)
    suite.set("skipped", str(sum(_element(case, verdict) == "skipped" for case in all_cases)))
    suite.set("timestamp", _timestamp(summary.started_at))
    _add_properties(suite, _properties(summary, verdict))
    for case in all_cases:
        _add_case(suite, case, summary, verdict)
    remarks = [*error_rows(summary), *(f"{WARNING}: {warning}" for warning in warnings_besides(summary, verdict))]
    if remarks:
        ET.SubElement(suite, "system-out").text = _clean("\n".join(remarks))
    return _written(root)


def render_junit_not_run(not_run: NotRun) -> str:
    """Render a suite with an error for each fault."""
    count = str(len(not_run.faults))
    root, suite = _suite(not_run.name, {"tests": count, "failures": "0", "errors": count, "time": _seconds(0.0)})
    _add_properties(suite, [("verdict", not_run.kind), ("exit_code", str(not_run.exit_code))])
    for fault in not_run.faults:
        case = _case(suite, not_run.name, place_of(fault), 0.0)
        ET.SubElement(case, "error", type=not_run.kind, message=_clean(fault.message))
    return _written(root)


def _suite(name: str, counts: Mapping[str, str]) -> tuple[ET.Element, ET.Element]:
    root = ET.Element("testsuites", {"name": "relayload", **counts})
    return root, ET.SubElement(root, "testsuite", {"name": _clean(name), **counts})


def _written(root: ET.Element) -> str:
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _add_properties(suite: ET.Element, named: Iterable[tuple[str, str]]) -> None:
    properties = ET.SubElement(suite, "properties")
    for name, value in named:
        ET.SubElement(properties, "property", name=name, value=_clean(value))


def _properties(summary: Summary, verdict: Verdict) -> Iterator[tuple[str, str]]:
    yield "run_id", summary.run_id
    yield "profile_sha256", summary.profile.sha256
    yield "verdict", verdict.verdict.value
    yield "exit_code", str(verdict.exit_code)
    for name in ("offered", "started", "dropped", "lost", "ok"):
        yield name, str(getattr(summary.counts, name))


def _add_case(suite: ET.Element, case: Case, summary: Summary, verdict: Verdict) -> None:
    """Add a case. The first one has the time of the run, so that the times add up to it."""
    element = _case(suite, summary.profile.name, case.name, summary.duration_s if case.name == BELIEVED else 0.0)
    kind = _element(case, verdict)
    if kind is not None:
        outcome = ET.SubElement(element, kind, type=case.status.value, message=_clean(case.message))
        outcome.text = _clean("\n".join(case.details)) or None
    elif case.message:
        ET.SubElement(element, "system-out").text = _clean(case.message)


def _case(suite: ET.Element, suite_name: str, name: str, time_s: float) -> ET.Element:
    traits = {"classname": suite_name, "name": name, "time": _seconds(time_s)}
    return ET.SubElement(suite, "testcase", {name: _clean(value) for name, value in traits.items()})


def _element(case: Case, verdict: Verdict) -> str | None:
    """Return the element for the outcome of a case; None if it passed."""
    if case.status is Status.PASS:
        return None
    if case.status is Status.NOT_JUDGED and verdict.exit_code == 0:
        return "skipped"
    return "failure" if case.status is Status.FAIL else "error"


def _seconds(seconds: float) -> str:
    return f"{seconds:.3f}"


def _timestamp(started_at: str) -> str:
    """Return the time in ISO 8601 without fraction and zone, as the schemas require."""
    return datetime.fromisoformat(started_at).strftime("%Y-%m-%dT%H:%M:%S")


def _clean(text: str) -> str:
    return _NOT_IN_XML.sub("\ufffd", text)
