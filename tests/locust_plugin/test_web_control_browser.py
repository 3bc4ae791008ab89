"""The forms that control a run in a real browser, which also visits a page of somebody else."""

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support import LOCUSTFILE, HttpServer, Start, asked, records, saved, wait_for

if TYPE_CHECKING:
    from playwright.sync_api import Browser

EVIL = """<!DOCTYPE html><title>evil</title>
<form id="start" method="post" action="{url}/relay/start"></form>
<form id="stop" method="post" action="{url}/relay/stop"></form>
<form id="locusts" method="post" action="{url}/stop"></form>
<form id="swarm" method="post" action="{url}/swarm">
<input name="user_count" value="1"><input name="spawn_rate" value="1"></form>
<iframe src="{url}/relay/control"></iframe>
"""


@pytest.fixture
def evil() -> Iterator[Callable[[str], str]]:
    """Serves a page of another site that has forms for ours, and returns its address."""
    page = b""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(page)

        def log_message(self, *_: object) -> None:
            pass

    with HttpServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()

        def address(url: str) -> str:
            nonlocal page
            page = EVIL.format(url=url).encode()
            return f"http://localhost:{server.server_address[1]}/"

        yield address
        server.shutdown()


def test_the_forms_work_and_those_of_another_site_do_not(
    browser: "Browser",
    start: Start,
    port: int,
    profile: Callable[..., Path],
    tmp_path: Path,
    evil: Callable[[str], str],
) -> None:
    own = profile(seconds=60, more="web: {max_multiplier: 3}\n")
    process = start("locust", "-f", LOCUSTFILE, "--web-port", port, "--relay-profile", own)
    wait_for(lambda: f":{port}" in process.output)
    url = f"http://127.0.0.1:{port}"
    page, other = browser.new_page(), browser.new_page()

    def forged(form: str) -> None:
        other.goto(evil(url))
        with other.expect_navigation() as navigation:
            other.evaluate(f"document.getElementById('{form}').submit()")
        assert navigation.value.status == 403
        assert "comes from another site" in other.inner_text("body")

    forged("start")
    forged("swarm")
    assert not (tmp_path / "runs").exists()

    page.goto(f"{url}/relay/control")
    page.get_by_label("Rate times").fill("1.5")
    page.get_by_role("button", name="Start short").click()
    assert page.get_by_role("status").inner_text() == "starting short, x1.5"
    wait_for(lambda: list(tmp_path.glob("runs/*/run.json")))
    (directory,) = tmp_path.glob("runs/*")
    wait_for(lambda: records(directory) > 2)

    forged("stop")
    forged("locusts")
    other.goto(evil(url))
    token = other.evaluate(f"fetch('{url}/relay/control').then(a => a.text()).then(t => t.includes('name=\"token\"'))")
    assert token is False
    assert not [frame for frame in other.frames if frame.url.startswith(url)]
    assert asked(f"{url}/stats/requests")["state"] == "running"

    page.goto(f"{url}/relay/control")
    page.get_by_label("Rate times").fill("2")
    page.get_by_role("button", name="Change the rate").click()
    told = page.get_by_role("status").inner_text()
    assert told.startswith("rate changes by hand from ")
    assert told.endswith(": INCONCLUSIVE at best")
    page.get_by_role("button", name="Stop now").click()
    wait_for(lambda: (directory / "report.html").exists())
    (reason,) = [each for each in saved(directory, "verdict.json")["reasons"] if "by hand" in each]
    assert reason.endswith(": x2")
