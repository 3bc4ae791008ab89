"""The page of a search for limits: it says what the text report says, and shows text as text."""

import pytest
from msgspec import structs
from page_reader import PageReader

from relayload.core.limits.findings import Counts, FoundLimit, Limits, Unlimited
from relayload.report.html.limits_page import render_limits_page
from relayload.report.limits import render_limits
from relayload.report.screen import Screen

HOSTILE = "<script>alert(1)</script>'\"&\x1b[31m\u202ebidi"
VISIBLE = "<script>alert(1)</script>'\"&\\x1b[31m\\u202ebidi"
WINDOW = FoundLimit(counts=Counts.REQUESTS, amount=12, window_s=3.0)
HOUR = FoundLimit(counts=Counts.REQUESTS, amount=60, longer_than_s=580.0, not_told=("kind and length",))
LIMITS = Limits(
    profile="mine",
    target="https://relay.example/v1",
    limits=(WINDOW, HOUR),
    no_limit_up_to=(
        Unlimited(counts=Counts.TOKENS, amount=9000, within_s=60.0),
        Unlimited(counts=Counts.CONCURRENT, amount=64),
    ),
    requests=1200,
    tokens=9000,
    usd=0.25,
    took_s=600.0,
    client={"requests": ["240/min"]},
)


def _read(limits: Limits = LIMITS) -> PageReader:
    return PageReader(render_limits_page(limits))


def test_it_says_every_line_of_the_text_report():
    page = _read().text
    lines = render_limits(LIMITS, Screen(300)).splitlines()
    assert len(lines) > 8
    for line in lines:
        for cell in filter(None, line.strip().split("  ")):
            assert cell.strip() in page or "for the profile" in cell


def test_requests_and_tokens_have_a_chart_each_of_what_has_a_window():
    read = _read()
    marks = [each["class"] for tag, each in read.elements if tag == "g" and str(each.get("class")).startswith("mark-")]
    assert sum(tag == "figure" for tag, _ in read.elements) == 2
    assert set(marks) == {"mark-plain", "mark-proven", "mark-undecided"}


@pytest.mark.parametrize(
    ("changes", "box", "told"),
    [
        ({}, "finding", "everything was tried"),
        ({"ended_by": "--max-usd was reached", "exit_code": 5}, "stopped", "--max-usd was reached"),
        ({"ended_by": "the relay failed", "exit_code": 4}, "inconclusive", "the relay failed"),
        ({"limits": (), "no_limit_up_to": (), "client": {}}, "finding", "nothing was refused"),
    ],
)
def test_how_it_ended_is_told(changes: dict, box: str, told: str):
    read = _read(structs.replace(LIMITS, **changes))
    assert f"verdict {box}" in [attributes.get("class") for _, attributes in read.elements]
    assert told in read.text


def test_what_a_relay_or_a_profile_says_stays_text():
    changed = structs.replace(LIMITS, profile=HOSTILE, target=HOSTILE, models=(HOSTILE,), notes=(HOSTILE,))
    read = _read(changed)
    assert read.text.count(VISIBLE) >= 4
    assert sum(tag == "script" for tag, _ in read.elements) == sum(tag == "script" for tag, _ in _read().elements)
