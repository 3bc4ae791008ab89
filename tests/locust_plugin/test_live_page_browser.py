"""The page of a run that goes on, in a real browser beside a real Locust."""

import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import browsing
import pytest
from support import LOCUSTFILE, PATIENCE_S, Process, Start, saved, wait_for
from support import asked as asked_for

if TYPE_CHECKING:
    from playwright.sync_api import Browser

SAID = "page of the run at "
RATES = "figure.chart:has(h3:text-is('Requests per second'))"
HIDE = "value => { Object.defineProperty(document, 'hidden', {get: () => value, configurable: true});\
 document.dispatchEvent(new Event('visibilitychange')); }"


class Opened(browsing.Opened):
    """A page that renews itself."""

    def __init__(self, browser: "Browser", url: str, **options: Any) -> None:
        super().__init__(browser, url, PATIENCE_S, **options)

    def wait_for(self, expression: str) -> None:
        """Until an expression holds; Playwright's own wait would evaluate text, which the page's policy forbids."""
        until_s = time.monotonic() + PATIENCE_S
        while not self.page.evaluate(expression):
            assert time.monotonic() < until_s, f"waited in vain for {expression}"
            self.page.wait_for_timeout(100)

    def renewed(self, times: int = 1) -> None:
        """Until the page has renewed itself."""
        for _ in range(times):
            self.page.evaluate("window.seen = 0; addEventListener('renewed', () => { window.seen = 1; }, {once: true})")
            self.wait_for("window.seen")


@pytest.fixture
def started(start: Start, tmp_path: Path) -> Callable[..., tuple[Process, str]]:
    """Starts a run with its page."""

    def starter(profile: Path, *options: str | Path) -> tuple[Process, str]:
        command = ("-f", LOCUSTFILE, "--web-port", "0", "--relay-profile", profile, "--relay-out", tmp_path / "run")
        run = start("locust", *command, "--autostart", *options)
        wait_for(lambda: SAID in run.output or run.popen.poll() is not None)
        return run, run.output.partition(SAID)[2].split()[0]

    return starter


def test_it_renews_itself_and_leaves_the_reader_alone(
    browser: "Browser", started: Callable[..., tuple[Process, str]], profile: Callable[..., Path]
) -> None:
    run, url = started(profile(seconds=200))
    opened = Opened(browser, url)
    page = opened.page
    count = 'JSON.parse(document.getElementById("bins").textContent).names.length'
    page.locator(f"{RATES} .values").wait_for(state="attached")
    opened.wait_for(f"{count} > 6")
    page.locator("#environment details").evaluate("one => { one.open = true; }")
    page.locator(RATES).get_by_role("button", name="started").click()
    page.locator(f"{RATES} .plot").focus()
    page.keyboard.press("Home")
    page.keyboard.press("+")
    page.evaluate("scrollTo(0, 400)")
    before = page.evaluate(count)
    opened.wait_for(f"{count} > {before} + 2")
    assert page.locator(f"{RATES} .plot").evaluate("one => one === document.activeElement")
    assert page.evaluate("scrollY") == 400
    assert page.locator("#environment details").evaluate("one => one.open")
    assert page.locator(RATES).get_by_role("button", name="started").get_attribute("aria-pressed") == "false"
    assert page.locator(f"{RATES}.zoomed").count() == 1
    assert page.locator(".tip:visible").count() == 1
    assert opened.barriers() == []
    assert {each.partition("/relay")[0] for each in opened.asked if not each.startswith("data:")} == {
        url.removesuffix("/relay")
    }
    assert opened.complaints == []
    run.signal(signal.SIGKILL)
    page.get_by_text("Connection lost (no answer)").wait_for()
    opened.context.close()


def test_it_sleeps_while_nobody_sees_it_and_ends_with_the_verdict(
    browser: "Browser", started: Callable[..., tuple[Process, str]], profile: Callable[..., Path]
) -> None:
    _, url = started(profile(seconds=100))
    opened = Opened(browser, url)
    opened.renewed()
    opened.page.evaluate(HIDE, True)
    opened.page.wait_for_timeout(500)  # what was asked before comes in
    asked = len(opened.asked)
    opened.page.wait_for_timeout(5000)
    assert len(opened.asked) == asked
    opened.page.evaluate(HIDE, False)
    opened.renewed()
    asked_for(f"{url.removesuffix('/relay')}/stop", b"")
    opened.page.get_by_text("exit code 4").wait_for()
    assert opened.page.locator("#state").inner_text().endswith("INCONCLUSIVE")
    assert opened.page.get_by_role("link", name="report.html").count() == 1
    assert opened.page.locator("#slowest table").count() >= 1
    assert opened.page.locator("[aria-live]").count() == 1
    assert opened.complaints == []
    opened.context.close()


@pytest.mark.slow
@pytest.mark.parametrize("width", [1280, 390])
def test_it_fits_the_screen_and_is_all_there_without_scripts(
    browser: "Browser", started: Callable[..., tuple[Process, str]], profile: Callable[..., Path], width: int
) -> None:
    _, url = started(profile(seconds=100))
    size = {"width": width, "height": 800}
    scripted = Opened(browser, url, viewport=size)
    scripted.wait_for("document.querySelector('figure.chart .values') !== null")
    assert scripted.page.evaluate("document.documentElement.scrollWidth") <= width
    plain = Opened(browser, url, viewport=size, java_script_enabled=False)
    plain.page.locator("#load figure.chart path.line").first.wait_for()
    assert plain.page.locator("meta[http-equiv=refresh]").count() == 1
    for opened in (scripted, plain):
        opened.context.close()


def test_the_tab_in_locusts_page_follows_the_run_to_its_verdict(
    browser: "Browser", started: Callable[..., tuple[Process, str]], profile: Callable[..., Path], tmp_path: Path
) -> None:
    _, url = started(profile(seconds=8), "--relay-set", "objectives.1=ttft.p50 < 1ms")
    opened = Opened(browser, f"{url.removesuffix('/relay')}/?tab=relayload")
    page = opened.page
    page.get_by_role("tab", name="relayload").wait_for()
    page.get_by_role("cell", name="errors.rate < 50%").wait_for()
    page.get_by_role("cell", name="running").wait_for()
    page.get_by_role("cell", name="FAIL").first.wait_for()
    rows = page.get_by_role("row").all_inner_texts()
    assert any(row.startswith("verdict\tFAIL") for row in rows)
    assert any(row.startswith("whole page\t") and row.split("\t")[1].strip() == url for row in rows)
    assert [each for each in opened.complaints if "relay" in each] == []
    opened.context.close()


def test_a_run_is_started_changed_stopped_and_downloaded_from_its_page(
    browser: "Browser", start: Start, profile: Callable[..., Path], tmp_path: Path
) -> None:
    own = profile(seconds=200, more="web: {max_multiplier: 3}\n")
    out = tmp_path / "run"
    run = start("locust", "-f", LOCUSTFILE, "--web-port", "0", "--relay-profile", own, "--relay-out", out)
    wait_for(lambda: SAID in run.output or run.popen.poll() is not None)
    opened = Opened(browser, run.output.partition(SAID)[2].split()[0], accept_downloads=True)
    page = opened.page
    page.get_by_role("button", name="Start short").click()
    page.get_by_role("button", name="Change the rate").wait_for()
    page.locator(f"{RATES} .values").wait_for(state="attached")
    page.get_by_label("Rate times").fill("2.5")
    page.get_by_role("button", name="Change the rate").click()
    page.locator(".told", has_text="INCONCLUSIVE at best").wait_for()
    assert "running · INCONCLUSIVE at best" in page.locator("#state").inner_text()
    page.locator(".verdict", has_text="rate changed by hand at").wait_for()
    wait_for(lambda: saved(out, "run.json").get("changes"))
    page.get_by_role("button", name="Stop", exact=True).click()
    page.locator("#state", has_text="INCONCLUSIVE").wait_for()
    page.get_by_role("button", name="Start short").wait_for()
    assert "x2.5" in page.locator(".verdict").inner_text()
    summary = page.context.request.get(f"{page.url}/summary.json").json()
    assert summary == saved(out, "summary.json")
    page.get_by_role("link", name="report.html").click()
    page.get_by_role("heading", name="Objectives").wait_for()
    assert page.url.endswith("/relay/report.html")
    assert opened.complaints == []
    opened.context.close()


def test_a_profile_is_started_by_the_keyboard_at_once_or_once_its_targets_are_shown(
    browser: "Browser", start: Start, profile: Callable[..., Path], tmp_path: Path
) -> None:
    folder, out = tmp_path / "profiles", tmp_path / "run"
    folder.mkdir()
    targets = "targets: {one: {base_url: 'fake://o-series'}, two: {base_url: 'fake://o-series'}}\n"
    profile(more=targets).rename(folder / "other.yaml")
    options = ("--relay-profile", profile(), "--relay-profiles", folder, "--relay-out", out)
    run = start("locust", "-f", LOCUSTFILE, "--web-port", "0", *options)
    wait_for(lambda: SAID in run.output or run.popen.poll() is not None)
    opened = Opened(browser, run.output.partition(SAID)[2].split()[0])
    page, state = opened.page, opened.page.locator("#state")
    chosen = page.get_by_label("Profile")
    assert chosen.input_value() == ""

    chosen.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.get_by_role("status").filter(has_text="starting short").wait_for()
    state.filter(has_text="PASS").wait_for()
    page.get_by_role("button", name="Start", exact=True).wait_for()
    assert saved(out, "run.json")["targets"].keys() == {"one", "two"}
    assert chosen.input_value() == "other.yaml", "what was chosen stays so"

    page.reload()
    page.get_by_role("checkbox", name="two").uncheck()
    chosen.select_option("")
    page.get_by_role("button", name="Start", exact=True).click()
    page.get_by_role("status").filter(has_text="the ticked targets are those of another profile").wait_for()
    chosen.select_option("other.yaml")
    page.get_by_role("button", name="Show its targets and rate").click()
    page.get_by_role("group", name="Targets of short").wait_for()
    page.get_by_role("checkbox", name="two").uncheck()
    page.get_by_role("button", name="Start", exact=True).click()
    wait_for(lambda: (tmp_path / "run-2" / "verdict.json").exists())
    assert "two" not in saved(tmp_path / "run-2", "run.json").get("targets", {})
    assert len(list(tmp_path.glob("run*/run.json"))) == 2
    assert opened.complaints == []
    opened.context.close()
