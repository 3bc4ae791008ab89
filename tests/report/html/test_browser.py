"""The page in a real browser, from disk and with the network off."""

import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import browsing
import pytest
from searches import search

from relayload.core.comparison.compare import Side, compare
from relayload.core.comparison.measures import Measure
from relayload.core.comparison.repeats import repeats, run_line
from relayload.core.limits.findings import Counts, FoundLimit, Limits, Unlimited
from relayload.core.model.record import Attempt, BreakerState, FailureKind, Outcome
from relayload.core.model.run import StageInfo
from relayload.core.price import Price
from relayload.report.html.capacity_page import CapacityPage, render_capacity_page
from relayload.report.html.comparison_page import ComparedRun, ComparisonPage, render_comparison_page
from relayload.report.html.limits_page import render_limits_page
from relayload.report.html.page import render_page
from relayload.report.html.repeats_page import RepeatsPage, render_repeats_page

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator

DESKTOP = {"width": 1280, "height": 900}
PROFILE = "load:\n  max_in_flight: 200\n  limits: {per_second: 10}\nguardrails: {max_usd: $5}\n"
REQUESTS = "Requests per second"


@pytest.fixture(scope="module")
def file(make_page, request_line, breaker_line, end_line, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a run in which everything happened."""
    refused = {"outcome": Outcome.RATE_LIMITED, "error": "http_429", "status": 429, "relay_message": "<b>slow</b> down"}
    tried = Attempt(outcome=Outcome.SERVER_ERROR, kind=FailureKind.SERVER_ERROR, sent_at_s=1.0, service_s=0.1)
    lines = [
        *(
            request_line(
                index,
                intended_at_s=index / 4,
                sent_at_s=index / 4,
                service_s=0.2 + index * 7919 % 997 / 500,
                scenario=f"s{index % 30}",
                stage="warm" if index < 20 else "steady",
                measured=index >= 20,
                request_id=f"req-{index}",
                throttled_s=0.1 if 100 < index < 140 else 0.0,
                **(refused if index % 50 == 49 else {}),
                **({"retried": (tried,)} if index % 60 == 30 else {}),
            )
            for index in range(400)
        ),
        breaker_line(20.0, BreakerState.CLOSED, BreakerState.OPEN),
        breaker_line(40.0, BreakerState.OPEN, BreakerState.HALF_OPEN),
        breaker_line(42.0, BreakerState.HALF_OPEN, BreakerState.CLOSED),
        end_line(0, started=400, timestamps="kernel"),
    ]
    page = make_page(
        ["latency.p75 < 1s", "errors.rate < 5%", "ttft.p99 < 2s", "breaker.trips == 0", "throughput.per_second > 1"],
        lines,
        profile=PROFILE,
        stages=(StageInfo(name="warm", for_s=5.0, warmup=True), StageInfo(name="steady", for_s=95.0)),
        prices={"o3": Price(input=Decimal(10), output=Decimal(20))},
        tags={f"s{number}": {"team": f"t{number % 3}"} for number in range(30)},
    )
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(render_page(page), encoding="utf-8")
    return path


@pytest.fixture
def capacity_file(tmp_path: Path) -> Path:
    """The page of a search in which everything happened."""
    path = tmp_path / "capacity.html"
    path.write_text(render_capacity_page(CapacityPage(search())), encoding="utf-8")
    return path


@pytest.fixture
def comparison_file(tmp_path: Path) -> Path:
    """The page of a comparison of long names, one of whose measures is a share."""
    names = {"latency.p99": True, f"errors{{team={'a' * 60}}}.rate": False}
    runs = [
        ComparedRun(side, f"{side}/{number}", {
            name: Measure(name, "s" if relative else "share", 0.3 + number / 100, relative=relative, of=90)
            for name, relative in names.items()
        })
        for side in Side
        for number in range(6)
    ]  # fmt: skip
    base, new = ([run.measures for run in runs if run.side is side] for side in Side)
    path = tmp_path / "comparison.html"
    page = ComparisonPage(compare(base, new, 0.1, ["a warning"]), runs, ("a: 1\n", "a: 2\n"))
    path.write_text(render_comparison_page(page), encoding="utf-8")
    return path


@pytest.fixture
def runs_file(judged, request_line, tmp_path: Path) -> Path:
    """The page of several runs, one of which was left out."""
    summary, verdict = judged(["latency.p50 < 1s"], [request_line(index) for index in range(60)])
    why = {3: "cut short"}
    lines = [run_line(f"set/run-{number}", summary, verdict, why.get(number)) for number in range(6)]
    path = tmp_path / "runs.html"
    path.write_text(render_repeats_page(RepeatsPage(repeats(lines, 0), {"set/run-1": "run-1/report.html"})), "utf-8")
    return path


@pytest.fixture
def limits_file(tmp_path: Path) -> Path:
    """The page of a search for limits that found some, and tried more."""
    window = FoundLimit(counts=Counts.REQUESTS, amount=12, window_s=3.0, not_told=("kind",))
    passed = Unlimited(counts=Counts.TOKENS, amount=9000, within_s=60.0)
    path = tmp_path / "limits.html"
    found = Limits(target="t", limits=(window,), no_limit_up_to=(passed,), client={"requests": ["240/min"]})
    path.write_text(render_limits_page(found), encoding="utf-8")
    return path


class Opened(browsing.Opened):
    """A page with charts, from disk and without a network."""

    def __init__(self, browser: "Browser", file: Path, **options: Any) -> None:
        super().__init__(browser, file.as_uri(), **{"viewport": DESKTOP, "offline": True, **options})

    def chart(self, title: str) -> "Locator":
        heading = self.page.get_by_role("heading", name=title, exact=True)
        return self.page.locator("figure.chart", has=heading).first

    def box(self, title: str) -> Any:
        plot = self.chart(title).locator(".plot")
        plot.scroll_into_view_if_needed()
        found = plot.bounding_box()
        assert found is not None
        return found

    def point_at(self, title: str, share: float) -> None:
        box = self.box(title)
        self.page.mouse.move(box["x"] + box["width"] * share, box["y"] + box["height"] / 2)

    def drag(self, title: str, begin: float, end: float) -> None:
        self.point_at(title, begin)
        self.page.mouse.down()
        self.point_at(title, end)
        self.page.mouse.up()

    def shown(self, title: str) -> tuple[float, float]:
        """Where what a chart shows of the time of the run begins, and how long it is, in pixels."""
        left, _, width, _ = (self.chart(title).locator("svg.inner").get_attribute("viewBox") or "").split()
        return float(left), float(width)


@pytest.fixture
def opened(browser, file: Path) -> Iterator[Opened]:
    opened = Opened(browser, file)
    yield opened
    assert opened.complaints == []
    opened.context.close()


def test_nothing_is_asked_for_and_nothing_complained_of(opened: Opened, file: Path):
    opened.page.wait_for_timeout(100)
    assert opened.asked == [file.as_uri()]
    assert opened.page.locator("figure.chart").count() > 12


def test_the_pointer_shows_the_values_of_its_bin_in_one_chart_and_the_cursor_in_all(opened: Opened):
    opened.point_at(REQUESTS, 0.5)
    tip = opened.chart(REQUESTS).locator(".tip")
    text = tip.inner_text()
    assert re.search(r"^\d+s–\d+s\noffered\n4/s\nstarted\n4/s\nended ok\n[\d.]+/s", text)
    assert opened.page.locator(".tip:visible").count() == 1
    assert opened.page.locator(".cursor[visibility=visible]").count() > 5
    opened.page.mouse.move(2, 2)
    assert opened.page.locator(".tip:visible").count() == 0


def test_an_entry_of_the_legend_hides_its_line_and_shows_it_again(opened: Opened):
    button = opened.chart(REQUESTS).get_by_role("button", name="started")
    line = opened.chart(REQUESTS).locator("path.line[data-series='1']")
    button.click()
    assert (button.get_attribute("aria-pressed"), line.get_attribute("visibility")) == ("false", "hidden")
    opened.point_at(REQUESTS, 0.5)
    assert "started" not in opened.chart(REQUESTS).locator(".tip").inner_text()
    button.click()
    assert (button.get_attribute("aria-pressed"), line.get_attribute("visibility")) == ("true", "visible")


@pytest.mark.slow
def test_dragging_zooms_all_charts_over_time_and_a_button_shows_all(opened: Opened):
    before = opened.shown(REQUESTS)
    opened.drag(REQUESTS, 0.3, 0.6)
    zoomed = opened.shown(REQUESTS)
    assert zoomed != before
    assert zoomed[1] < 0.5 * before[1]
    assert opened.shown("TTFT over time") == opened.shown("Circuit breakers") == zoomed
    ticks = opened.chart(REQUESTS).locator(".x-ticks text").all_text_contents()
    assert len(ticks) > 3
    assert "0s" not in ticks
    opened.chart(REQUESTS).get_by_role("button", name="Show all").click()
    assert opened.shown(REQUESTS) == opened.shown("TTFT over time") == before
    assert "0s" in opened.chart(REQUESTS).locator(".x-ticks text").all_text_contents()


def test_the_keyboard_does_what_the_pointer_does(opened: Opened):
    plot = opened.chart(REQUESTS).locator(".plot")
    plot.focus()
    last = opened.page.evaluate("JSON.parse(document.getElementById('bins').textContent).names.at(-1)")
    for key, told in (("ArrowRight", "0s–1s"), ("ArrowRight", "1s–2s"), ("End", last), ("Home", "0s–1s")):
        opened.page.keyboard.press(key)
        assert opened.chart(REQUESTS).locator(".live").inner_text().startswith(f"{told}, ")
    before = opened.shown(REQUESTS)
    opened.page.keyboard.press("+")
    assert opened.shown(REQUESTS) != before
    opened.page.keyboard.press("0")
    assert opened.shown(REQUESTS) == before
    opened.page.keyboard.press("Escape")
    assert opened.page.locator(".tip:visible").count() == 0


@pytest.mark.slow
def test_percentiles_have_their_values_at_the_pointer_too(opened: Opened):
    opened.point_at("Latency by percentile", 0.9)
    text = opened.chart("Latency by percentile").locator(".tip").inner_text()
    assert re.search(r"^p99\nvalue\n[\d.]+s\n95% interval\n", text)


def test_a_chart_by_percentile_zooms_alone_by_pointer_and_by_keyboard(opened: Opened):
    tail, others = "Latency by percentile", ("TTFT by percentile", REQUESTS)
    before, of_others = opened.shown(tail), [opened.shown(title) for title in others]
    opened.drag(tail, 0.5, 0.9)
    begin, length = opened.shown(tail)
    assert begin > 0
    assert 0.3 < length / before[1] < 0.6
    ticks = opened.chart(tail).locator(".x-ticks text").all_text_contents()
    assert ticks
    assert "p0" not in ticks
    opened.chart(tail).locator(".plot").focus()
    opened.page.keyboard.press("Home")
    first = opened.chart(tail).locator(".live").inner_text()
    assert float(first.split(",")[0].removeprefix("p")) > 50
    opened.page.keyboard.press("+")
    assert opened.shown(tail)[1] < length
    assert [opened.shown(title) for title in others] == of_others
    opened.chart(tail).get_by_role("button", name="Show all").click()
    assert opened.shown(tail) == before
    assert "p0" in opened.chart(tail).locator(".x-ticks text").all_text_contents()


@pytest.mark.parametrize("title", ["Latency by percentile", REQUESTS])
def test_dragging_selects_no_text(opened: Opened, title: str):
    box = opened.box(title)
    left, right = (box["x"] + share * box["width"] for share in (0.15, 0.9))
    top, ticks = box["y"] + 0.2 * box["height"], box["y"] + box["height"] - 8
    for (x, y), (to_x, to_y) in (((left, top), (right, ticks)), ((right, ticks), (left, top))):
        opened.page.mouse.move(x, y)
        opened.page.mouse.down()
        opened.page.mouse.move(to_x, to_y, steps=5)
        assert opened.page.evaluate("getSelection().toString()") == ""
        opened.page.mouse.up()


def test_the_name_of_a_limit_stays_beside_it_while_a_tail_zooms(opened: Opened):
    name = opened.chart("Latency by percentile").locator("text.limit-name")
    before = float(name.get_attribute("x") or "nan")
    opened.drag("Latency by percentile", 0.12, 0.4)  # p75 is within
    assert float(name.get_attribute("x") or "nan") > before
    assert name.get_attribute("visibility") == "visible"
    opened.page.keyboard.press("Escape")
    opened.chart("Latency by percentile").locator(".plot").focus()
    opened.page.keyboard.press("0")
    assert float(name.get_attribute("x") or "nan") == pytest.approx(before)
    opened.drag("Latency by percentile", 0.6, 0.9)
    assert name.get_attribute("visibility") == "hidden"


@pytest.mark.slow
def test_colours_follow_the_system_until_the_button_is_pressed(browser, file: Path):
    grounds = []
    for scheme in ("light", "dark"):
        opened = Opened(browser, file, color_scheme=scheme)
        ground = "getComputedStyle(document.body).backgroundColor"
        grounds.append(opened.page.evaluate(ground))
        opened.page.get_by_role("button", name="Dark" if scheme == "light" else "Light", exact=True).click()
        grounds.append(opened.page.evaluate(ground))
        opened.context.close()
    light, turned_dark, dark, turned_light = grounds
    assert light == turned_light != dark == turned_dark


@pytest.mark.slow
def test_with_scripts_off_everything_is_there(browser, file: Path):
    opened = Opened(browser, file, java_script_enabled=False)
    assert opened.page.get_by_text("FAIL", exact=False).first.is_visible()
    assert opened.page.locator("table").first.is_visible()
    assert opened.page.locator("figure.chart path.line").first.is_visible()
    assert opened.page.get_by_role("button").count() == 0
    opened.context.close()


@pytest.mark.slow
@pytest.mark.parametrize("width", [1280, 390])
def test_no_width_makes_the_page_scroll_sideways(browser, file: Path, width: int):
    opened = Opened(browser, file, viewport={"width": width, "height": 800})
    opened.unfold()
    assert opened.page.evaluate("document.documentElement.scrollWidth") <= width
    opened.context.close()


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_an_edge_beyond_which_a_table_scrolls_is_shaded(browser, file: Path, scheme: str):
    opened = Opened(browser, file, viewport={"width": 390, "height": 800}, color_scheme=scheme)
    table = opened.page.locator(".scroll").first
    assert table.evaluate("it => it.scrollWidth > it.clientWidth + 40")
    table.evaluate("it => { it.firstElementChild.style.visibility = 'hidden'; }")
    at_the_start = table.screenshot()
    table.evaluate("it => { it.scrollLeft = it.scrollWidth; }")
    assert table.screenshot() != at_the_start, "the shade is at the other edge"
    opened.context.close()


@pytest.mark.parametrize("scheme", ["light", pytest.param("dark", marks=pytest.mark.slow)])
def test_axe_finds_nothing_serious(browser, file: Path, scheme: str):
    opened = Opened(browser, file, color_scheme=scheme)
    opened.unfold()
    assert opened.barriers() == []
    opened.context.close()


@pytest.mark.slow
def test_a_script_that_gets_into_the_page_does_not_run(browser, file: Path):
    opened = Opened(browser, file)
    opened.page.evaluate(
        "document.body.append(Object.assign(document.createElement('script'), {text: 'window.ran = 1'}))"
    )
    assert opened.page.evaluate("window.ran") is None
    assert any("Content Security Policy" in complaint for complaint in opened.complaints)
    opened.context.close()


@pytest.mark.slow
def test_it_prints_with_everything_unfolded(opened: Opened):
    opened.page.emulate_media(media="print")
    opened.page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert opened.page.locator("details:not([open])").count() == 0
    opened.page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert opened.page.locator("details:not([open])").count() > 0
    assert opened.page.pdf(format="A4").startswith(b"%PDF")


def test_trials_have_their_values_at_the_pointer(browser, capacity_file: Path):
    opened = Opened(browser, capacity_file)
    opened.point_at("Trials in their order", 0.99)
    tip = opened.chart("Trials in their order").locator(".tip").inner_text()
    assert tip.split("\n") == ["trial 2, 20/s refuted", "for", "40.0s", "to", "search", "verdict", "refuted"]
    opened.context.close()


@pytest.mark.parametrize("kind", ["capacity", "comparison", "limits", "runs"])
def test_other_pages_ask_for_nothing_fit_a_small_screen_and_are_accessible(
    browser, kind: str, request: pytest.FixtureRequest
):
    other = request.getfixturevalue(f"{kind}_file")
    opened = Opened(browser, other)
    assert opened.barriers() == []
    opened.page.set_viewport_size({"width": 390, "height": 800})
    assert opened.page.evaluate("document.documentElement.scrollWidth") <= 390
    assert opened.page.pdf(format="A4").startswith(b"%PDF")
    assert opened.complaints == []
    assert opened.asked == [other.as_uri()]
    opened.context.close()
