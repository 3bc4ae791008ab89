"""A verdict as JUnit XML, the dialect that Jenkins, GitLab and most others read.

A FAIL is a `failure`, everything that could not be told is an `error`. Source: Jenkins' junit-10.xsd.
"""

import re
from collections.abc import Iterator
from datetime import datetime
from xml.etree import ElementTree as ET

from relayload.core.results.summary import Summary
from relayload.core.verdict.gate import Verdict
from relayload.core.verdict.stats import Word
from relayload.report.cases import BELIEVED, WARNING, Case, cases
from relayload.report.text import error_rows

_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 can't hold, not even escaped (section 2.2)."""


def render_junit(summary: Summary, verdict: Verdict) -> str:
    """One test suite, named after the profile, with a case for each objective."""
    told = cases(verdict)
    counts = {
        "tests": str(len(told)),
        "failures": str(sum(case.word is Word.FAIL for case in told)),
        "errors": str(sum(case.word not in (Word.PASS, Word.FAIL) for case in told)),
        "time": _seconds(summary.duration_s),
    }
    root = ET.Element("testsuites", {"name": "relayload", **counts})
    suite = ET.SubElement(root, "testsuite", {"name": _clean(summary.profile.name), **counts})
    suite.set("skipped", "0")
    suite.set("timestamp", _timestamp(summary.started_at))
    _add_properties(suite, summary, verdict)
    for case in told:
        _add_case(suite, case, summary)
    remarks = [*error_rows(summary), *(f"{WARNING}: {warning}" for warning in summary.warnings)]
    if remarks:
        ET.SubElement(suite, "system-out").text = _clean("\n".join(remarks))
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _add_properties(suite: ET.Element, summary: Summary, verdict: Verdict) -> None:
    properties = ET.SubElement(suite, "properties")
    for name, value in _properties(summary, verdict):
        ET.SubElement(properties, "property", name=name, value=_clean(value))


def _properties(summary: Summary, verdict: Verdict) -> Iterator[tuple[str, str]]:
    yield "run_id", summary.run_id
    yield "profile_sha256", summary.profile.sha256
    yield "verdict", verdict.verdict.value
    yield "exit_code", str(verdict.exit_code)
    for name in ("offered", "started", "dropped", "lost", "ok"):
        yield name, str(getattr(summary.counts, name))


def _add_case(suite: ET.Element, case: Case, summary: Summary) -> None:
    """The run's time is that of its first case, so that the times of the cases add up to it."""
    time_s = summary.duration_s if case.name == BELIEVED else 0.0
    traits = {"classname": summary.profile.name, "name": case.name, "time": _seconds(time_s)}
    element = ET.SubElement(suite, "testcase", {name: _clean(value) for name, value in traits.items()})
    if case.word is Word.PASS:
        if case.message:
            ET.SubElement(element, "system-out").text = _clean(case.message)
        return
    kind = "failure" if case.word is Word.FAIL else "error"
    told = ET.SubElement(element, kind, type=case.word.value, message=_clean(case.message))
    told.text = _clean(case.message)


def _seconds(seconds: float) -> str:
    return f"{seconds:.3f}"


def _timestamp(started_at: str) -> str:
    """ISO 8601 without a fraction and a zone, as the schemas want it."""
    return datetime.fromisoformat(started_at).strftime("%Y-%m-%dT%H:%M:%S")


def _clean(text: str) -> str:
    return _NOT_IN_XML.sub("\ufffd", text)
