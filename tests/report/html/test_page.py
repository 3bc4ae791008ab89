"""The page of a run: it agrees with every other report to the digit, needs nothing else, and shows text as text."""

import base64
import hashlib
import json
import re
from dataclasses import replace
from decimal import Decimal
from html import unescape

import pytest
from msgspec import structs
from page_reader import PageReader

from relayload.core.audit.findings import Audit, Tokens, Usage
from relayload.core.audit.token_line import Estimate
from relayload.core.metrics.catalog import shown_in
from relayload.core.metrics.metric import Output
from relayload.core.metrics.token_pairs import TokenPairs
from relayload.core.model.record import BreakerState, Outcome
from relayload.core.model.run import StageInfo, TargetInfo
from relayload.core.objectives.formatting import quantity
from relayload.core.price import Price
from relayload.report.html.page import render_page
from relayload.report.html.tables import MOST_DRAWN
from relayload.report.text import render_run

OBJECTIVES = ["errors.rate < 5%", "latency.p50 < 200ms", "latency{scenario=simple}.p99.9 < 5s", "ttft.p99 < 1s"]
HOSTILE = "<script>alert(1)</script>'\"&\x1b[31m\u202ebidi"
VISIBLE = "<script>alert(1)</script>'\"&\\x1b[31m\\u202ebidi"
SECRET = "sk-very-secret"
REFUSED = {"outcome": Outcome.RATE_LIMITED, "error": "http_429", "status": 429}


@pytest.fixture
def page(make_page, some_lines):
    return make_page(OBJECTIVES, some_lines)


def test_the_verdict_its_reasons_and_its_exit_code_come_first(make_page, some_lines):
    text = PageReader(render_page(make_page(OBJECTIVES, some_lines))).text
    assert re.search(r"✗ FAIL 1 of 4 failed, 1 inconclusive exit code 3 Objectives", text)


def test_failed_objectives_come_first_and_are_open(page):
    read = PageReader(render_page(page))
    places = [attributes["class"] for tag, attributes in read.elements if tag == "li" and attributes.get("class")]
    assert places == ["objective fail", "objective inconclusive", "objective pass", "objective pass"]
    opened = [attributes for tag, attributes in read.elements if tag == "details" and "open" in attributes]
    assert len(opened) == 2


def test_numbers_agree_with_the_text_report(page):
    """Every number of the text report's tables, objectives and facts stands in the page as well."""
    text, html = render_run(page.summary, page.run, page.verdict), PageReader(render_page(page)).text
    for result in page.verdict.objectives:
        assert quantity(result.observed, result.unit) in html
        assert f"{result.k:,} of {result.n:,}" in html
    numbers = re.findall(r"\$?\d[\d,.]*(?:ms|µs|s|%|/s)?", text.split("\n", 1)[1])
    assert len(numbers) > 60
    missing = [found for found in numbers if not re.search(rf"(?<![\d.]){re.escape(found)}(?![\d])", html)]
    assert not missing


def test_percentiles_agree_with_the_summary(page):
    html = PageReader(render_page(page)).text
    for metric in shown_in(Output.TABLES):
        found = page.summary.metrics[metric.name]
        values = " ".join(quantity(each.value, found.unit) for each in found.percentiles)
        assert f"{metric.label} {found.count:,} {values}" in html


def test_nothing_outside_is_referred_to(page):
    html = render_page(page)
    read = PageReader(html)
    for tag, attributes in read.elements:
        assert tag not in {"iframe", "object", "embed", "img", "audio", "video", "base", "form", "a"}
        assert not {"src", "style", "srcset", "action"} & attributes.keys()
        assert not [name for name in attributes if name.startswith("on")]
        assert attributes.get("href") in (None, "data:,")
    assert not re.search(r"url\((?!#)|@import", "".join(read.styles))
    assert set(re.findall(r"https?://[^\s\"'<>]*", html)) <= {"http://www.w3.org/2000/svg"}


def test_the_policy_admits_our_own_style_and_script_alone(page):
    read = PageReader(render_page(page))
    [policy] = [attributes["content"] or "" for tag, attributes in read.elements if attributes.get("http-equiv")]
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    own = [text for attributes, text in read.scripts if attributes.get("type") != "application/json"]
    assert len(own) == len(read.styles) == 1
    for text in (*own, *read.styles):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy


def _hostile(request_line, breaker_line, end_line):
    names = {"scenario": HOSTILE, "model": HOSTILE, "target": HOSTILE, "request_id": HOSTILE}
    refused = {"outcome": Outcome.RATE_LIMITED, "error": HOSTILE, "relay_message": HOSTILE}
    return [
        *(request_line(index, stage=HOSTILE, **names) for index in range(30)),
        *(request_line(index, stage=HOSTILE, **names, **refused) for index in range(30, 40)),
        breaker_line(3.0, BreakerState.CLOSED, BreakerState.OPEN, scope=HOSTILE, target=HOSTILE),
        end_line(0, started=40),
    ]


@pytest.fixture
def hostile(make_page, request_line, breaker_line, end_line):
    """A run in which everybody who can name something does so maliciously."""
    prices = {HOSTILE: Price(input=Decimal(1), output=Decimal(2))}
    made = make_page(
        [f"errors{{model={HOSTILE.replace(chr(34), '').replace(',', '')}}}.rate < 1%", "errors.rate < 1%"][1:],
        _hostile(request_line, breaker_line, end_line),
        profile=f"name: x\nprompt: {HOSTILE}\n",
        run_id=HOSTILE,
        stages=(StageInfo(name=HOSTILE, for_s=100.0),),
        targets={HOSTILE: TargetInfo(base_url=f"http://user:{SECRET}@h/v1?key={SECRET}", prices=prices)},
        tags={HOSTILE: {HOSTILE: HOSTILE}},
        versions={HOSTILE: HOSTILE},
        platform=HOSTILE,
        cautions=(HOSTILE,),
        ended_by=HOSTILE,
    )
    profile = structs.replace(made.summary.profile, name=HOSTILE)
    results = tuple(structs.replace(one, id=HOSTILE, reason=HOSTILE) for one in made.verdict.objectives)
    verdict = structs.replace(made.verdict, reasons=(HOSTILE,), objectives=results)
    return type(made)(structs.replace(made.summary, profile=profile), verdict, made.run, made.charts, made.profile)


def test_whatever_others_named_is_text(hostile):
    html = render_page(hostile)
    read = PageReader(html)
    assert not read.open
    assert read.text.count(" ".join(VISIBLE.split())) > 20
    assert "<script>alert" not in html
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]", html)
    kinds = [attributes.get("type") for attributes, _ in read.scripts]
    assert kinds.count(None) == 1
    assert set(kinds) == {None, "application/json"}


def test_data_for_the_script_is_text_too(hostile):
    read = PageReader(render_page(hostile))
    blocks = [json.loads(text) for attributes, text in read.scripts if attributes.get("type")]
    assert len(blocks) > 5
    assert not any("\x1b" in json.dumps(block, ensure_ascii=False) for block in blocks)


def test_no_key_is_in_the_page(hostile):
    assert SECRET not in render_page(hostile)


def test_a_run_without_requests_says_so(make_page, end_line):
    text = PageReader(render_page(make_page(["errors.rate < 1%"], [end_line(0)]))).text
    assert "nothing measured: no request of a measured stage ended ok" in text
    assert "no charts: there are no records to draw" in text
    assert "it is not beside the records" in text


def test_without_objectives_it_says_so(make_page, some_lines):
    text = PageReader(render_page(make_page([], some_lines))).text
    assert "– NOT JUDGED" in text
    assert text.count("the profile has no objectives") == 2


def test_without_records_the_tables_remain(page):
    text = PageReader(render_page(type(page)(page.summary, page.verdict, page.run, None))).text
    assert "no charts: there are no records to draw" in text
    assert f"{page.summary.metrics.latency.count:,}" in text


def test_a_chart_that_is_not_there_says_why(make_page, request_line):
    plain = [request_line(index, ttft_s=None, ttfo_s=None, output_tokens=None) for index in range(20)]
    text = PageReader(render_page(make_page([], plain))).text
    for reason in (
        "TTFT over time: no answer was a stream",
        "Output tokens per second: no answer told its output tokens",
        "Errors per second: none: no request failed",
        "Circuit breakers: none changed its state",
        "Dollars so far: no prices: target.prices names a list",
    ):
        assert reason in text


def test_what_an_invalid_run_lacks_is_told_beside_its_verdict(make_page, request_line):
    late = [request_line(index, late_s=1.0) for index in range(100)]
    page = make_page(["errors.rate < 5%"], late)
    text = PageReader(render_page(page)).text
    assert "! INVALID" in text
    assert page.summary.generator.reasons
    for reason in page.summary.generator.reasons:
        assert text.count(" ".join(reason.split())) == 2


@pytest.mark.parametrize(("ended_by", "code"), [("sigint", "130, by Ctrl-C"), ("sigterm", "143, by SIGTERM")])
def test_a_signal_decides_the_exit_code(make_page, some_lines, ended_by, code):
    assert f"exit code {code}" in PageReader(render_page(make_page(OBJECTIVES, some_lines, ended_by=ended_by))).text


def test_several_scenarios_have_their_waits_over_time_folded_away(make_page, request_line):
    lines = [request_line(index, scenario=f"s{index % 25}") for index in range(100)]
    read = PageReader(render_page(make_page([], lines)))
    assert "over time by scenario" in read.text
    assert "the 5 with the fewest requests are in the tables alone" in read.text
    tones = {each["class"] for tag, each in read.elements if tag == "path" and "line s" in str(each.get("class"))}
    assert {f"line s{tone}" for tone in range(1, 21)} <= tones
    assert "over time by scenario" not in PageReader(render_page(make_page([], lines[:1]))).text


def test_a_limit_of_the_maximum_alone_is_drawn_beside_the_highest_percentile(make_page, some_lines):
    text = PageReader(render_page(make_page(["latency.max < 500ms"], some_lines))).text
    assert re.search(r"Latency by percentile .*max < 500ms", text)


def test_limits_and_caps_of_the_profile_are_drawn(make_page, some_lines):
    profile = "load:\n  max_in_flight: 20\n  limits: {per_second: 10, per_minute: 300}\nguardrails: {max_usd: $5}\n"
    prices = {"o3": Price(input=Decimal(1000), output=Decimal(2000))}
    text = PageReader(render_page(make_page(OBJECTIVES, some_lines, profile=profile, prices=prices))).text
    for name in ("limit 10/s", "limit 300/min", "max_in_flight 20", "max_usd $5.00"):
        assert name in text


@pytest.mark.parametrize(
    "profile", ["", "- a", "load: 7", "load: {limits: {per_second: x}}", "a: [", "guardrails: {max_usd: dear}"]
)
def test_a_profile_that_can_not_be_read_has_no_limits(make_page, some_lines, profile):
    assert "limit 10/s" not in render_page(make_page(OBJECTIVES, some_lines, profile=profile))


def test_many_groups_are_tabulated_and_few_are_drawn(make_page, request_line):
    lines = [request_line(index, scenario=f"s{index % 300}") for index in range(600)]
    html = render_page(make_page([], lines))
    assert html.count('class="range"') <= MOST_DRAWN + 2 * MOST_DRAWN
    assert f"{300 - MOST_DRAWN} more rows" in html
    assert ">s299<" in html


def test_the_size_does_not_depend_on_the_length_of_the_run(make_page, request_line):
    def size(requests: int) -> int:
        lines = [
            request_line(
                index, intended_at_s=index * 100.0, service_s=0.1 + index * 7919 % 1000 / 300, scenario=f"s{index % 40}"
            )
            for index in range(requests)
        ]
        return len(
            render_page(
                make_page(OBJECTIVES, lines, ended_at_s=requests * 100.0, stages=(StageInfo(name="a", for_s=1e6),))
            )
        )

    assert size(2000) < 1.3 * size(700) < 1_000_000


def test_no_run_makes_a_page_of_2_mb(make_page, request_line):
    """Thousands of long names, hundreds of objectives, as many errors as requests, and a profile of megabytes."""
    lines = [
        request_line(
            index,
            intended_at_s=index * 26.0,
            service_s=0.1 + index * 7919 % 1000 / 300,
            scenario=f"{index % 1500:04}" + "<" * 280,
            model=f"{index % 700:04}" + "'" * 280,
            **(REFUSED | {"error": f"http_{index}", "relay_message": "&" * 190} if index % 2 else {}),
        )
        for index in range(1600)
    ]
    made = make_page(["latency.p66 < 660ms"], lines, profile="x: '" + "<'&" * 10**6, ended_at_s=42_000.0)
    verdict = structs.replace(made.verdict, objectives=made.verdict.objectives * 240)
    html = render_page(replace(made, verdict=verdict))
    assert html.count("<figure") > 30
    assert len(html.encode()) < 2_000_000
    assert "more rows, which are in summary.json" in html
    assert "40 more, which are in verdict.json" in html


def test_tables_have_headings_and_the_page_a_language(page):
    read = PageReader(render_page(page))
    assert ("html", {"lang": "en"}) in read.elements
    scopes = [attributes.get("scope") for tag, attributes in read.elements if tag == "th"]
    assert set(scopes) == {"col", "row"}
    assert all(attributes.get("aria-label") for tag, attributes in read.elements if attributes.get("role") == "img")


def test_every_drawing_is_said_in_words_without_markup(page):
    labels = [
        attributes["aria-label"]
        for _, attributes in PageReader(render_page(page)).elements
        if attributes.get("role") == "img"
    ]
    assert all(unescape(label) == label for label in labels if label)


def test_an_honest_relay_takes_one_line_on_usage_and_what_was_found_is_unfolded(page):
    line = Estimate(1.1, 1.1, 1.1), Estimate(2000, 2000, 2000)
    tokens = Tokens(answers=9, counted=900, reported=18_990, factor=line[0], offset=line[1])
    audit = Audit(answers=9, usage=(Usage(target=None, model="o3", answers=9, input=tokens),))
    assert page.charts
    data = replace(page.charts.data, token_pairs=(TokenPairs(None, "o3", ((100, 2110), (200, 2220))),))
    audited = replace(page, summary=structs.replace(page.summary, audit=audit), charts=replace(page.charts, data=data))
    text = PageReader(render_page(audited)).text
    assert "Usage and model" in text
    assert "o3: input x1.100, hidden 2,000 tokens; 9 answers" in text
    assert "Input tokens of o3" in text
    assert "Usage and model" not in PageReader(render_page(page)).text
