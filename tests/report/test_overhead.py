from typing import Any

import pytest
from msgspec.structs import replace
from support import present

from relayload.core.overhead.findings import (
    AddedPercentile,
    Chunks,
    Finding,
    Held,
    Measure,
    Overhead,
    Phase,
    RelayAdds,
    Resources,
    Stated,
    Streams,
    Way,
)
from relayload.report.html.overhead_page import render_overhead_page
from relayload.report.overhead import render_overhead, render_overhead_markdown
from relayload.report.screen import Screen

WIDE = Screen(200, color=False)


def _at(p: float, finding: Finding, **more: Any) -> AddedPercentile:
    fields: dict[str, Any] = {"direct": 0.1, "relay": 0.12, "added": 0.02, "low": 0.015, "high": 0.025, "floor": 0.0001}
    return AddedPercentile(p=p, pairs=100, effective_pairs=100, finding=finding, **(fields | more))


def _measured(**changes: Any) -> Overhead:
    chunks = Chunks(
        pairs=100,
        direct=2000,
        relay=1900,
        together_direct=3,
        together_relay=900,
        missing=100,
        merged=100,
        coalesced_streams=90,
        coalesced_low=0.82,
        coalesced_high=0.95,
        lost_streams=1,
        lost_low=0.0,
        lost_high=0.05,
        lost_bytes=12,
    )
    latency = (
        _at(50.0, Finding.MEASURED, per_pair=True),
        _at(95.0, Finding.NOT_MEASURABLE, floor=0.05),
        _at(99.0, Finding.TOO_FEW, low=None, high=None, floor=None, pairs_needed=368),
    )
    size = (_at(50.0, Finding.NOT_MEASURABLE, per_pair=True, direct=900.0, relay=900.0, added=0.0, floor=0.0),)
    way = Way(
        target="relay_1",
        requests=100,
        ok=97,
        errors={"rate_limited": 3},
        streams=Streams(
            offered=100, sustained=90, low=0.8, high=0.95, failed=3, stalled=7, at_once=12, gap_bound_s=0.05
        ),
        stated=Stated(answers=97, p50_s=0.003, p95_s=0.004),
        resources=Resources(
            processes=1,
            cpu_s=1.0,
            cpu_s_per_request=0.01,
            cpu_share=0.25,
            rss_before_bytes=40_000_000,
            rss_most_bytes=50_000_000,
        ),
    )
    adds = RelayAdds(
        relay="relay_1",
        pairs=97,
        measures=(
            Measure(name="latency", unit="s", percentiles=latency),
            Measure(name="received_bytes", unit="B", percentiles=size),
        ),
        chunks=chunks,
    )
    phase = Phase(name="25% load", rate_per_s=5.0, share=0.25, ways=(way,), relays=(adds,), **changes.pop("phase", {}))
    fields: dict[str, Any] = {
        "direct": "direct",
        "targets": {"direct": "http://127.0.0.1:1/v1", "relay_1": "http://127.0.0.1:2/v1"},
        "profile": "o3",
        "profile_sha256": "0" * 64,
        "models": ("o3",),
        "started_at": "2026-01-02T03:04:05+00:00",
        "phases": (phase,),
        "held": Held(rate_per_s=20.0, broken_per_s=25.0, reason="relay_1 took 1s", trials=4),
    }
    return Overhead(**(fields | changes))


def test_the_text_tells_differences_with_interval_floor_and_finding():
    text = render_overhead(_measured(), WIDE)
    assert "What relay_1 adds to direct" in text
    assert "each target held 20/s; 25/s did not hold: relay_1 took 1s" in text
    rows = [" ".join(line.split()) for line in text.splitlines()]
    assert "latency per pair 100ms 120ms +20.0ms +15.0ms to +25.0ms 100µs measured" in rows
    assert "p95 100ms 120ms +20.0ms +15.0ms to +25.0ms 50.0ms not measurable" in rows
    assert "p99 100ms 120ms +20.0ms – – too few pairs" in rows
    assert "too few pairs for an interval of latency: p99 needs about 368" in rows
    assert any(row.startswith("bytes per pair 900B 900B 0B") and row.endswith("none") for row in rows)
    assert any("coalesced 90 of 100 streams" in row for row in rows)
    assert any("lost text: 12 bytes in 1 of 100 streams" in row for row in rows)
    assert any("3 rate_limited 90 of 100 (80%–95%) 12 p50 3.00ms 10.0ms 25% 40–50MB" in row for row in rows)


def test_the_markdown_is_escaped_and_says_how_it_was_measured():
    text = render_overhead_markdown(_measured())
    assert "## What relay\\_1 adds to direct" in text
    assert "| latency | per pair | 100ms | 120ms |" in text
    assert "### How this was measured" in text
    assert "http://127.0.0.1:2/v1" in text


@pytest.mark.parametrize("render", [render_overhead, render_overhead_markdown, render_overhead_page])
def test_doubts_and_an_early_end_come_first(render):
    text = render(_measured(phase={"doubts": ("the generator was late",)}, ended_by="Ctrl-C", exit_code=130))
    assert "INVALID, 25% load: the generator was late" in " ".join(text.split())
    assert "before everything was measured: Ctrl" in " ".join(text.split())


def test_where_answers_differ_lost_text_is_not_claimed():
    (phase,) = _measured().phases
    (adds,) = phase.relays
    unknown = replace(adds, chunks=replace(present(adds.chunks), merged=None, lost_streams=None, lost_bytes=None))
    text = render_overhead(_measured(phases=(replace(phase, relays=(unknown,)),)), WIDE)
    assert "100 chunks are missing, merged into others or lost; lost text is not known" in text


def test_the_page_has_a_section_with_a_drawing_of_every_interval():
    page = render_overhead_page(_measured())
    assert '<section id="overhead">' in page
    assert page.count("<svg") >= 4
    assert "relay_1 against direct, 25% load, 5/s to each: 97 pairs ok at both" in page
