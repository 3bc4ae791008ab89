"""The parts of a page: what is drawn is in the right place, and whatever is written is text."""

import json
import re
from typing import Any
from xml.etree import ElementTree

import pytest
from markupsafe import Markup
from support import ROOT

from relayload.core.metrics.metric import Unit
from relayload.core.metrics.summary import BreakerChange
from relayload.core.metrics.tails import Tail
from relayload.core.metrics.time_bins import Bins
from relayload.core.model.verdict import ObjectiveResult, Status
from relayload.core.stats.sample import Percentile
from relayload.report.html.bullet import bullet
from relayload.report.html.plot import PLOT_HEIGHT, PLOT_WIDTH, Figure, Series, data_block
from relayload.report.html.state_chart import MOST_ROWS, breaker_figure
from relayload.report.html.svg import area_path, element, line_path, shown, tick_text
from relayload.report.html.tail_chart import tail_figure
from relayload.report.html.time_chart import Limit, Line, Shade, TimeChart

HOSTILE = "<script>alert('\"&')</script>\x1b[31m\u202e"


def _parsed(drawn: object) -> ElementTree.Element:
    """The tree of a drawing, whose text has been read as a browser would."""
    text = drawn.__html__() if hasattr(drawn, "__html__") else drawn
    return ElementTree.fromstring(str(text))


def _all(drawn: object, class_: str) -> list[ElementTree.Element]:
    return [found for found in _parsed(drawn).iter() if class_ in (found.get("class") or "").split()]


def _at(drawn: ElementTree.Element, name: str) -> float:
    return float(drawn.get(name) or "nan")


def test_text_is_escaped_and_made_visible():
    assert shown(HOSTILE) == "&lt;script&gt;alert(&#39;&#34;&amp;&#39;)&lt;/script&gt;\\x1b[31m\\u202e"
    assert "<script>" not in element("p", HOSTILE, title=HOSTILE)


def test_markup_is_kept():
    assert (
        element("p", Markup("<b>1</b>"), class_="x", stroke_width=1.25, y=None)
        == '<p class="x" stroke-width="1.2"><b>1</b></p>'
    )


def test_data_can_not_end_its_element():
    block = data_block({"name": "</script><b>&"})
    assert "</script><b>" not in block
    assert json.loads(re.sub("<.*?>", "", block)) == {"name": "</script><b>&"}


def test_a_line_has_gaps_and_lonely_points_are_dots():
    assert line_path([(0, 1), (1, 2), None, (3, 4.25), None]) == "M0 1L1 2M3 4.2h0"
    assert line_path([None, (1, 1)]) == "M1 1h0"
    assert line_path([]) == ""


def test_an_area_is_closed():
    assert area_path([(0, 1), (2, 1)], [(0, 5), (2, 5)]) == "M0 1L2 1L2 5L0 5Z"
    assert area_path([(0, 1)], [(0, 5)]) == ""


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.0, "s", "0s"),
        (1.0, "s", "1s"),
        (0.0025, "s", "2.5ms"),
        (10.0, "/s", "10/s"),
        (1.0, "$", "$1"),
        (0.1, "share", "10%"),
    ],
)
def test_ticks_have_no_idle_zeros(value, unit, text):
    assert tick_text(value, unit) == text


def _chart(**more) -> TimeChart:
    return TimeChart("Title", "note", Bins(1.0, 4), Unit.PER_SECOND, [Line("ok", [10.0, 20.0, None, 5.0])], **more)


def test_a_line_is_drawn_where_its_bins_are():
    [path] = _all(_chart().figure().svg, "line")
    assert path.get("d") == f"M70.5 {PLOT_HEIGHT / 2:g}L211.5 0M493.5 {PLOT_HEIGHT * 0.75:.1f}h0"


def test_a_limit_is_a_line_at_its_value_and_named():
    figure = _chart(limits=[Limit("limit 20/s", 20.0)]).figure()
    [limit] = _all(figure.svg, "limit")
    assert limit.get("d") == f"M0 0.5H{PLOT_WIDTH:g}"
    assert [name.text for name in _all(figure.svg, "limit-name")] == ["limit 20/s"]


def test_a_limit_far_beyond_every_value_is_named_at_the_edge():
    figure = _chart(limits=[Limit("limit 1,000/s", 1000.0)]).figure()
    assert [name.text for name in _all(figure.svg, "limit-name")] == ["↑ limit 1,000/s"]
    assert not _all(figure.svg, "limit")
    assert "20/s" in [tick.text for tick in _all(figure.svg, "tick")]


def test_a_warmup_is_shaded_as_long_as_it_is():
    [shade] = _all(_chart(shades=[Shade("warm", 0.0, 1.0)]).figure().svg, "shade")
    assert (shade.get("x"), shade.get("width")) == ("0", f"{PLOT_WIDTH / 4:g}")


def test_a_chart_says_in_words_what_it_shows():
    label = _parsed(_chart(limits=[Limit("30/s", 30.0)]).figure().svg).get("aria-label")
    assert label == "Title: ok from 5/s to 20/s; limit 30/s"


def test_lines_differ_by_their_dashes_as_well():
    css = (ROOT / "relayload/report/html/page.css").read_text(encoding="utf-8")
    dashes = [re.search(rf"\.line\.s{tone} {{[^}}]*?dasharray: ([^;]*);", css) for tone in range(2, 8)]
    assert len({found[1] for found in dashes if found}) == 6
    assert "dasharray" not in (re.search(r"\.line\.s1 {[^}]*}", css) or [""])[0]


def test_the_legend_names_what_is_drawn():
    figure = Figure(
        "t", "n", Markup("<svg/>"), [Series("a", 1, ["1"]), Series("b", 2, ["2"]), Series("c", 0, [], "none")]
    )
    entries = list(_parsed(figure).iter("li"))
    assert ["".join(entry.itertext()) for entry in entries] == ["a", "b"]
    assert [entry.get("data-series") for entry in entries] == ["0", "1"]


def test_names_in_figures_are_text():
    chart = TimeChart(
        HOSTILE, HOSTILE, Bins(1.0, 1), Unit.COUNT, [Line(HOSTILE, [1.0]), Line("b", [2.0])], [Limit(HOSTILE, 1.0)]
    )
    html = chart.figure().__html__()
    assert "<script>alert" not in html
    assert "\x1b" not in html
    assert "\u202e" not in html


def _result(**changes: Any) -> ObjectiveResult:
    plain: dict[str, Any] = {
        "id": "x",
        "expr": "latency.p99 < 1s",
        "unit": "s",
        "limit": 1.0,
        "verdict": Status.PASS,
        "reason": "",
    }
    return ObjectiveResult(**(plain | changes))


def test_a_bullet_has_the_limit_and_what_was_observed_on_one_scale():
    drawn = bullet(_result(observed=0.5, low=0.4, high=0.6, n=10))
    [limit], [seen], [band], [broken] = (_all(drawn, name) for name in ("limit", "observed", "interval", "broken"))
    assert _at(band, "x") < _at(seen, "cx") < _at(limit, "x1") == _at(broken, "x")


def test_a_floor_is_broken_on_the_left():
    drawn = bullet(_result(expr="throughput.per_second > 5/s", unit="/s", limit=5.0, observed=9.0))
    [broken] = _all(drawn, "broken")
    assert broken.get("x") == "0"


@pytest.mark.parametrize(
    "changes",
    [
        {"n": 0},
        {"n": 5},
        {"observed": 0.0, "limit": 0.0},
        {"observed": 1e9, "limit": 1e-3},
        {"observed": -2.0},
        {"expr": "?"},
    ],
)
def test_any_objective_can_be_drawn(changes):
    assert _parsed(bullet(_result(**changes))).tag == "svg"


def test_a_percentile_without_an_answer_points_beyond_the_scale():
    [seen] = _all(bullet(_result(n=5)), "observed")
    assert seen.tag == "path"


def _change(at_s: float, before: str, after: str, worker: int = 0) -> BreakerChange:
    return BreakerChange(at_s=at_s, worker=worker, scope="o3", before=before, after=after, reason="r")


def test_a_breaker_has_a_bar_for_each_state():
    changes = [_change(2.0, "closed", "open"), _change(6.0, "open", "half_open"), _change(7.0, "half_open", "closed")]
    bars = _all(breaker_figure("t", "n", changes, Bins(1.0, 10)).svg, "state")
    assert [bar.get("class") for bar in bars] == ["state closed", "state open", "state half_open", "state closed"]
    assert [_at(bar, "width") for bar in bars] == pytest.approx([PLOT_WIDTH * s / 10 for s in (2, 4, 1, 3)], abs=0.1)


def test_many_breakers_are_cut_and_counted():
    changes = [_change(1.0, "closed", "open", worker=worker) for worker in range(MOST_ROWS + 3)]
    figure = breaker_figure("t", "n", changes, Bins(1.0, 10))
    assert len(_all(figure.svg, "row-name")) == MOST_ROWS
    assert "3 more" in figure.note


def test_the_tail_has_its_band_as_far_as_it_is_bounded():
    points = (Percentile(50.0, 1.0, 0.9, 1.1), Percentile(90.0, 2.0, 1.8, 2.2), Percentile(99.0, 3.0, 2.5, None))
    figure = tail_figure("t", "n", Tail(points, tuple((p.p, p.value) for p in points), 3.5), [(99.0, 4.0, "p99 < 4s")])
    [band] = _all(figure.svg, "band")
    assert (band.get("d") or "").count("L") == 3
    assert [series.texts[-1] for series in figure.series] == ["3.00s", "2.50s–…"]
    assert [name.text for name in _all(figure.svg, "limit-name")] == ["p99 < 4s"]
