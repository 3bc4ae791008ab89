"""Every output says the same of a run, to the digit: what `summary.json` and `verdict.json` say of random ones."""

import html
import json
import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from xml.etree import ElementTree as ET

import msgspec
import pytest
from msgspec import structs
from page_reader import PageReader
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from random_runs import random_run

from relayload.core.objectives.charts import charts_of
from relayload.core.objectives.formatting import quantity
from relayload.core.objectives.verdict import assess
from relayload.core.units import format_usd
from relayload.report.html.page import RunPage, render_page
from relayload.report.junit import render_junit
from relayload.report.markdown import render_markdown
from relayload.report.openmetrics import render_openmetrics
from relayload.report.screen import Screen
from relayload.report.text import render_summary, render_verdict

SEEDS = [seed if seed < 8 else pytest.param(seed, marks=pytest.mark.slow) for seed in range(24)]
MARKS = {"PASS": ("✓", "✅"), "FAIL": ("✗", "❌"), "INCONCLUSIVE": ("?", "❔")}
STATES = ("pass", "fail", "inconclusive")


@dataclass(frozen=True)
class Outputs:
    """What is told of one run."""

    summary: dict[str, Any]
    verdict: dict[str, Any]
    text: str
    page: str
    markdown: str
    junit: ET.Element
    metrics: dict[tuple[str, frozenset[tuple[str, str]]], float]


@pytest.fixture(scope="module", params=SEEDS)
def outputs(request, folded) -> Outputs:
    made = random_run(request.param)
    objectives = [*made.objectives, *made.others]
    ids = [objective.id for objective in objectives]
    objectives = [objective for place, objective in enumerate(objectives) if objective.id not in ids[:place]]
    run = structs.replace(made.info, ended_by="schedule", ended_at_s=made.ended_at_s)
    fold = folded([line for _, line in made.lines], objectives, run)
    summary, verdict = assess(objectives, fold, run)
    page = render_page(RunPage(summary, verdict, run, charts_of(objectives, fold, run, summary)))
    screen = Screen(400)
    families = text_string_to_metric_families(render_openmetrics(summary, verdict))
    return Outputs(
        json.loads(msgspec.json.encode(summary)),
        json.loads(msgspec.json.encode(verdict)),
        _plain(render_verdict(verdict, screen) + render_summary(summary, run, verdict, screen)),
        PageReader(page).text,
        _plain(html.unescape(re.sub(r"\\(.)", r"\1", render_markdown(summary, verdict)))),
        ET.fromstring(render_junit(summary, verdict)),
        {(each.name, frozenset(each.labels.items())): each.value for family in families for each in family.samples},
    )


def _plain(text: str) -> str:
    return " ".join(text.split())


def _value(outputs: Outputs, name: str, **labels: str) -> float | None:
    return outputs.metrics.get((f"relayload_{name}", frozenset(labels.items())))


def _observed(result: dict[str, Any]) -> str:
    if result["observed"] is not None:
        return quantity(result["observed"], result["unit"])
    return "∞" if result["n"] else "–"


def _interval(result: dict[str, Any]) -> str:
    """The interval as a pattern: one that is not told for its correlation says so."""
    low, high = result["low"], result["high"]
    if low is None and high is None:
        return "(–|too correlated to tell)"
    ends = (
        "" if low is None else quantity(low, result["unit"]),
        "…" if high is None else quantity(high, result["unit"]),
    )
    return re.escape(f"{ends[0] or '…'}–{ends[1]}")


def _counted(result: dict[str, Any]) -> str:
    count = f"{result['n']:,}" if result["k"] is None else f"{result['k']:,} of {result['n']:,}"
    return count if result["n"] == result["effective_n"] else f"{count} ≈ {result['effective_n']:,}"


def _name(result: dict[str, Any]) -> str:
    return str(result["id"])


def test_counts_agree(outputs: Outputs):
    counts = outputs.summary["counts"]
    told = "offered {offered:,} = started {started:,} + dropped {dropped:,} + lost {lost:,}".format(**counts)
    for text in (outputs.text, outputs.page, outputs.markdown):
        assert told in text
    for name in ("offered", "started", "dropped", "lost", "ok"):
        [written] = outputs.junit.findall(f".//property[@name='{name}']")
        assert written.get("value") == str(counts[name])
    for name in ("offered", "started", "dropped", "lost", "attempts", "retries"):
        assert _value(outputs, f"{name}_total") == counts[name]
    for outcome, count in counts["by_outcome"].items():
        assert _value(outputs, "requests_total", outcome=outcome) == count
        for text in (outputs.text, outputs.page, outputs.markdown):
            assert f"{outcome} {count:,}" in text


def test_rates_and_dollars_agree(outputs: Outputs):
    rates, cost = outputs.summary["rates"], outputs.summary["cost"]
    assert _value(outputs, "ok_per_second") == rates["ok_per_s"]
    assert _value(outputs, "offered_per_second") == rates["offered_per_s"]
    if rates["ok_per_s"] is not None:
        told = quantity(rates["ok_per_s"], "/s")
        assert f"ok {told}" in outputs.text
        assert f"ok {told}" in outputs.page
        assert f"{told} ok" in outputs.markdown
    if cost["usd"] is None or not cost["by_model"]:
        assert _value(outputs, "cost_usd") is None
        return
    assert _value(outputs, "cost_usd") == float(cost["usd"])
    for text in (outputs.text, outputs.page, outputs.markdown):
        assert format_usd(Decimal(cost["usd"])) in text


def test_each_objective_agrees(outputs: Outputs):
    for result in outputs.verdict["objectives"]:
        for text, mark in zip((outputs.text, outputs.markdown), MARKS[result["verdict"]], strict=True):
            bar = r" (?:\| )?"
            proof = {True: " proven", False: " observed", None: ""}[result["proven"]]
            sign = (
                f"({re.escape(mark)}|.){proof}"
                if result["proven"] is False or result["severity"] != "error"
                else f"{re.escape(mark)}{proof}"
            )
            row = bar.join((sign, re.escape(_name(result)), re.escape(_observed(result)), _interval(result)))
            assert re.search(f"{row}{bar}{re.escape(_counted(result))}(?! of)", text), (row, text)
        row = (
            f"{result['verdict']}.{{0,10}} {re.escape(_name(result))} observed {re.escape(_observed(result))} "
            f".{{0,12}}interval {_interval(result)} k of n ≈ eff. {re.escape(_counted(result))} "
            f"limit {re.escape(quantity(result['limit'], result['unit']))}"
        )
        assert re.search(row, outputs.page), (row, outputs.page[:3000])


def test_each_objective_is_a_case_of_junit_and_a_family_of_open_metrics(outputs: Outputs):
    invalid = outputs.verdict["verdict"] == "INVALID"
    for result in outputs.verdict["objectives"]:
        [case] = [each for each in outputs.junit.iter("testcase") if each.get("name") == _name(result)]
        missed = [*case.findall("failure"), *case.findall("error")]
        if result["severity"] == "error" and not invalid:
            assert bool(missed) == (result["verdict"] != "PASS")
        for message in (each.get("message") or "" for each in missed):
            assert f"observed {_observed(result)}" in message or result["observed"] is None
            assert result["k"] is None or f"{result['k']:,} of {result['n']:,} " in message
        states = [_value(outputs, "objective_state", objective=result["id"], state=state) for state in STATES]
        assert states == [float(state.upper() == result["verdict"]) for state in STATES]
        labels = {"objective": result["id"], "unit": result["unit"] or "count"}
        assert _value(outputs, "objective_limit", **labels) == result["limit"]
        for name, key in (("observed", "observed"), ("observed_low", "low"), ("observed_high", "high")):
            assert _value(outputs, f"objective_{name}", **labels) == result[key]


def test_the_verdict_and_its_exit_code_agree(outputs: Outputs):
    verdict = outputs.verdict
    assert _value(outputs, "exit_code") == verdict["exit_code"]
    assert f"exit code {verdict['exit_code']}" in outputs.page
    for name in ("verdict", "exit_code"):
        [written] = outputs.junit.findall(f".//property[@name='{name}']")
        assert written.get("value") == str(verdict[name])
    assert f"{verdict['verdict']}: random" in outputs.markdown
    assert f"verdict {verdict['verdict']}" in outputs.text
