"""The page of a capacity search: it agrees with the text report to the digit, and shows text as text."""

import re
from itertools import pairwise

import pytest
from msgspec import structs
from page_reader import PageReader
from searches import BROKEN, search, trial

from relayload.core.capacity.answer import Kind
from relayload.core.capacity.levels import Over
from relayload.core.capacity.trial import Decision
from relayload.report.capacity import render_capacity
from relayload.report.html.capacity_page import CapacityPage, render_capacity_page
from relayload.report.screen import Screen

HOSTILE = "<script>alert(1)</script>'\"&\x1b[31m\u202ebidi"
VISIBLE = "<script>alert(1)</script>'\"&\\x1b[31m\\u202ebidi"


def _read(capacity=None, **changes) -> PageReader:
    return PageReader(render_capacity_page(CapacityPage(capacity or search(**changes))))


def _marks(read: PageReader) -> list[str]:
    """The shapes of the marks of the first chart; those of its legend have no title."""
    begins, ends, *_ = [place for place, (tag, _) in enumerate(read.elements) if tag == "figure"]
    pairs = pairwise(read.elements[begins:ends])
    return [
        (one["class"] or "").removeprefix("mark-") for (tag, one), (below, _) in pairs if (tag, below) == ("g", "title")
    ]


def test_the_answer_and_its_exit_code_come_first():
    assert re.search(
        r"✓ between 10/s, proven, and 20/s, refuted answer: interval · exit code 0 likeliest: 14.14/s", _read().text
    )


@pytest.mark.parametrize(
    ("code", "kind", "name"),
    [
        (3, Kind.BELOW, "fail"),
        (4, Kind.GENERATOR_BOUND, "inconclusive"),
        (130, Kind.NOT_CONVERGED, "stopped"),
    ],
)
def test_the_exit_code_decides_the_colour(code, kind, name):
    read = _read(exit_code=code, answer=kind)
    assert f"verdict {name}" in [attributes.get("class") for _, attributes in read.elements]
    assert f"answer: {kind.value.replace('_', ' ')} · exit code {code}" in read.text


@pytest.mark.parametrize("over", Over)
def test_numbers_agree_with_the_text_report(over):
    capacity = search()
    if over is Over.USERS:
        trials = tuple(structs.replace(each, users=10 * each.number) for each in capacity.trials)
        capacity = structs.replace(
            capacity, over=over, trials=trials, proven_users=60, refuted_users=70, estimate_users=64
        )
    text, page = render_capacity(capacity, Screen(200)), _read(capacity).text
    numbers = re.findall(r"\$?[+-]?\d[\d,.]*(?:ms|s|%|/s|/min)?[!~]?", text)
    assert len(numbers) > 80
    missing = [found for found in numbers if not re.search(rf"(?<![\d.]){re.escape(found)}(?!\d)", page)]
    assert not missing


def test_every_trial_is_a_mark_by_its_shape_in_the_order_of_levels():
    shapes = ["passed", "proven", "void", "stopped", "undecided", "failed", "refuted"]
    assert _marks(_read()) == shapes
    legend = "proven passed refuted failed undecided void stopped"
    assert legend in _read().text


def test_what_was_found_is_drawn_as_lines():
    [lines] = re.findall(r"each mark is a trial.*?Part of", _read().text)
    for name in ("proven 10/s", "likeliest 14.14/s", "refuted 20/s", "quota 182/10s"):
        assert lines.count(name) == 1
    assert "likeliest" not in _read(estimate_per_s=None).text.split("The search")[1]


def test_refusals_and_recoveries_are_told():
    text = _read().text
    assert "quota 182/10s queue a bounded queue refuses more than 15 requests at once" in text
    assert "2 20/s refuted 800 90 80 10 182/10s –" in text
    assert "6 10/s proven 1,200 3 0 0 – 15 at once" in text
    assert "4 14.14/s 3.25s 4 31.0ms 7 13/s 1m 9 failed" in text
    assert "took 40.7ms" in text


def test_trials_link_to_their_pages_as_far_as_there_are_some():
    read = PageReader(render_capacity_page(CapacityPage(search(), {6: "trial-06/report.html"})))
    links = [attributes["href"] for tag, attributes in read.elements if tag == "a"]
    assert links == ["trial-06/report.html"]


def test_whatever_others_named_is_text():
    binding = structs.replace(BROKEN, objective=HOSTILE)
    trials = tuple(
        structs.replace(each, binding=binding, again=HOSTILE, reasons=(HOSTILE,)) for each in search().trials
    )
    page = CapacityPage(
        search(trials=trials, binding=binding, reason=HOSTILE, profile=HOSTILE, profile_sha256=HOSTILE),
        profile=f"name: x\nprompt: {HOSTILE}\n",
    )
    html = render_capacity_page(page)
    read = PageReader(html)
    assert not read.open
    assert read.text.count(" ".join(VISIBLE.split())) > 20
    assert "<script>alert" not in html
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]", html)


def test_nothing_outside_is_referred_to():
    read = _read()
    for tag, attributes in read.elements:
        assert tag not in {"iframe", "object", "embed", "img", "audio", "video", "base", "form", "a"}
        assert not {"src", "style", "srcset", "action"} & attributes.keys()
        assert attributes.get("href") in (None, "data:,")


def test_a_search_without_trials_says_what_is_missing():
    text = _read(
        trials=(), frontier=(), advice=None, ceiling=None, queue=None, rest=None, answer=Kind.NOT_CONVERGED
    ).text
    for absent in (
        "Trials in their order: no trial has ended",
        "none has ended, or they are of an earlier version",
        "no trial was checked against other limits",
        "no rate is proven, and no quota was found",
        "no request failed",
        "nobody looked between the trials",
        "it is not beside the records",
    ):
        assert absent in text


def test_trials_without_a_rate_or_with_extreme_ones_are_drawn():
    rates = (0.0, 1e-6, 1.0, 1e9)
    trials = tuple(trial(number, rate, Decision.PASS) for number, rate in enumerate(rates, 1))
    assert _marks(_read(trials=trials)) == ["passed"] * 4


def test_no_search_makes_a_page_of_2_mb():
    binding = structs.replace(BROKEN, objective="<" * 300)
    trials = tuple(
        structs.replace(search().trials[number % 7], number=number, binding=binding, reasons=("&" * 300,))
        for number in range(3000)
    )
    html = render_capacity_page(CapacityPage(search(trials=trials)))
    assert "the first 2,900 are in capacity.json" in html
    assert len(html) < 2_000_000


def test_a_damaged_answer_is_shown_as_far_as_it_goes():
    mixed = tuple(structs.replace(each, users=7) if each.number == 6 else each for each in search().trials)
    assert "Capacity of chat" in _read(trials=mixed, proven_users=3, exit_code=-5).text
