import pytest

from relayload.doctor.findings import Diagnosis, Finding, State
from relayload.doctor.text import render_diagnosis

OK = Finding(target="target", topic="target", state=State.OK, message="is there")
DOUBT = Finding(
    target="target",
    topic="usage",
    state=State.WARNING,
    message="none " * 30,
    path="target.base_url",
    place="p.yaml:3:1",
)
FAULT = Finding(
    target="target", topic="key", state=State.FAULT, message="rejected", path="target.api_key", place="p.yaml:4:1"
)


def rendered(*findings: Finding) -> str:
    return render_diagnosis(
        Diagnosis(profile="p", base_urls={"target": "fake://o-series"}, requests=3, findings=findings)
    )


@pytest.mark.parametrize(
    ("findings", "conclusion"),
    [
        ([OK], "healthy"),
        ([OK, DOUBT], "usable, with 1 doubt"),
        ([OK, DOUBT, DOUBT], "usable, with 2 doubts"),
        ([FAULT, DOUBT], "not usable: 1 problem to fix"),
    ],
)
def test_the_last_line_is_the_conclusion(findings, conclusion):
    assert rendered(*findings).splitlines()[-1] == conclusion


def test_what_can_be_changed_is_told_with_its_line_below():
    text = rendered(FAULT)
    assert "✗ key rejected\n      → p.yaml:4:1: target.api_key\n" in text


def test_it_is_at_most_80_columns_wide():
    assert max(map(len, rendered(OK, DOUBT, FAULT).splitlines())) <= 80
