"""Pages in a real browser: Chromium, by Playwright. Tests are skipped where either is missing."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

_CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
_ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
)
"""What keeps Chromium from asking anybody for anything, and what it needs where there is no screen."""


@contextmanager
def chromium() -> Iterator["Browser"]:
    """Launch a browser."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="needs Playwright: pip install 'relayload[test]'")
    if _CHROMIUM is None:
        pytest.skip("needs Chromium: apt-get install chromium, or CHROMIUM=PATH")
    with sync_api.sync_playwright() as playwright:
        launched: Browser = playwright.chromium.launch(executable_path=_CHROMIUM, args=_ARGUMENTS)
        yield launched
        launched.close()


class Opened:
    """A page, and what the browser complained of or asked for."""

    def __init__(self, browser: "Browser", url: str, timeout_s: float = 30.0, **options: Any) -> None:
        """Open it in a context of its own with these options."""
        self.context = browser.new_context(**options)
        self.context.set_default_timeout(timeout_s * 1000)
        self.page: Page = self.context.new_page()
        self.complaints: list[str] = []
        self.asked: list[str] = []
        self.page.on("console", lambda said: self.complaints.append(said.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.goto(url)

    def unfold(self) -> None:
        """Open all that is folded away."""
        for details in self.page.locator("details").all():
            details.evaluate("one => { one.open = true; }")

    def barriers(self) -> list[tuple[str, str]]:
        """Return what axe finds serious, with the element."""
        axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="needs axe: 'relayload[test]'")
        found = axe.Axe().run(self.page).response["violations"]
        return [
            (each["id"], each["nodes"][0]["html"][:200]) for each in found if each["impact"] in ("serious", "critical")
        ]
