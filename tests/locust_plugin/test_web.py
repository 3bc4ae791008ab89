"""Locust's page for a profile, asked as a browser would."""

import json
import signal
import socket
from collections.abc import Callable
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode

import pytest
from support import LOCUSTFILE, SIDE_ENTRIES, Process, Start, asked, wait_for

WriteProfile = Callable[..., Path]


@dataclass(frozen=True)
class Page:
    process: Process
    url: str

    def asked(self, path: str, **form: object) -> Any:
        return asked(f"{self.url}/{path}", urlencode(form).encode() if form else None)

    def swarm(self, **fields: object) -> Any:
        return self.asked("swarm", **{"user_count": 1, "spawn_rate": 1, **fields})

    @property
    def state(self) -> Any:
        return self.asked("relayload/state")

    @property
    def template_args(self) -> Any:
        text = unescape(self.asked("").partition("window.templateArgs = ")[2])
        return json.JSONDecoder().raw_decode(text)[0]


@pytest.fixture
def opened(start: Start, port: int) -> Callable[..., Page]:
    """Opens the page of Locust with our locustfile."""

    def opener(*arguments: str | Path, locustfile: str = str(LOCUSTFILE), base: str = "") -> Page:
        process = start("locust", "-f", locustfile, "--web-port", port, "--web-base-path", base, *arguments)
        wait_for(lambda: f":{port}" in process.output)
        page = Page(process, f"http://127.0.0.1:{port}{base}")
        wait_for(lambda: answers(page))
        return page

    return opener


def answers(page: Page) -> bool:
    try:
        return bool(page.state)
    except OSError:
        return False


def test_the_target_is_filled_in_as_the_host(opened: Callable[..., Page], profile: WriteProfile) -> None:
    page = opened("--relay-profile", profile())
    arguments = page.template_args
    assert (arguments["host"], arguments["missing_host_warning"]) == ("fake://o-series", False)
    assert page.state["title"] == "relayload: profile short, against fake://o-series"
    assert page.state["warnings"] == []


def test_several_targets_are_named(opened: Callable[..., Page], profile: WriteProfile) -> None:
    more = "targets: {here: {base_url: 'fake://o-series'}, there: {base_url: 'http://127.0.0.1:1/v1'}}\n"
    page = opened("--relay-profile", profile(more=more))
    assert page.template_args["host"] == "here: fake://o-series, there: http://127.0.0.1:1/v1"
    assert not page.template_args["missing_host_warning"]


def test_the_panel_is_on_the_page_with_its_files(opened: Callable[..., Page], profile: WriteProfile) -> None:
    page = opened("--relay-profile", profile(), base="/load")
    assert '<body><section id="relayload"' in page.asked("")
    assert "MutationObserver" in page.asked("relayload/panel.js")
    assert "#relayload" in page.asked("relayload/panel.css")
    with pytest.raises(HTTPError, match="404"):
        page.asked("relayload/page.py")


def test_the_quickstart_that_nobody_named_is_told_loudly(opened: Callable[..., Page]) -> None:
    (warning,) = opened().state["warnings"]
    assert warning.startswith("no profile is named: this is the quickstart, against fake://o-series.")


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"host": "https://relay.example/v1"}, "Nothing was started: the profile says where to send"),
        (
            {"profile": "mine.yaml"},
            "Profile mine.yaml only sets the label that Locust shows for the run: write --relay",
        ),
    ],
)
def test_a_field_that_asks_for_another_target_starts_nothing(
    opened: Callable[..., Page], profile: WriteProfile, tmp_path: Path, fields: dict[str, str], told: str
) -> None:
    page = opened("--relay-profile", profile())
    answer = page.swarm(**fields)
    assert not answer["success"]
    assert told in answer["message"]
    assert page.state["warnings"] == [answer["message"]]
    assert not (tmp_path / "runs").exists()


def test_an_edit_of_the_users_of_an_open_load_is_answered(
    opened: Callable[..., Page], profile: WriteProfile, tmp_path: Path
) -> None:
    page = opened("--relay-profile", profile(seconds=60))
    assert set(page.state["fields"]) == {"host", "userCount", "spawnRate"}
    assert page.swarm(host="fake://o-series", profile="nightly")["success"]
    wait_for(lambda: asked(f"{page.url}/stats/requests")["state"] == "running")
    answer = page.swarm(user_count=50)
    assert not answer["success"]
    assert answer["message"] == (
        "Nothing was changed: the profile's load says how much is sent, whatever the number of users"
    )
    assert page.state["warnings"] == [answer["message"]]
    assert answer["message"] in "".join(asked(f"{page.url}/logs")["master"])
    assert asked(f"{page.url}/stats/requests")["user_count"] == 1


def test_the_users_of_a_closed_load_may_be_changed(opened: Callable[..., Page], tmp_path: Path) -> None:
    path = tmp_path / "closed.yaml"
    path.write_text(
        "name: closed\nload: {kind: closed, users: 1, stages: [{for: 60s}]}\n"
        "scenarios: {simple: {model: o3, prompt: simple, max_output_tokens: 5}}\n"
    )
    page = opened("--relay-profile", path)
    assert set(page.state["fields"]) == {"host"}
    assert page.swarm()["success"]
    wait_for(lambda: asked(f"{page.url}/stats/requests")["state"] == "running")
    assert page.swarm(user_count=3)["success"]
    wait_for(lambda: asked(f"{page.url}/stats/requests")["user_count"] == 3)
    assert page.state["warnings"] == []


def test_the_verdict_is_on_the_page_with_its_reasons_and_files(
    opened: Callable[..., Page], profile: WriteProfile, tmp_path: Path
) -> None:
    page = opened("--relay-profile", profile(), "--relay-set", "objectives.1=ttft.p50 < 1ms")
    with pytest.raises(HTTPError, match="404"):
        page.asked("relayload/report")
    assert page.swarm(user_count=20)["success"]
    assert page.state["warnings"] == [
        "The number of users has no effect: the profile's load says how much is sent, whatever the number of users"
    ]
    wait_for(lambda: bool(page.state["verdict"]))
    state = page.state
    (run_dir,) = tmp_path.glob("runs/*")
    assert (state["verdict"], tmp_path / state["run_dir"]) == ("FAIL", run_dir)
    assert [reason.split("  observed")[0] for reason in state["reasons"]] == ["FAIL  ttft.p50 < 1ms"]
    assert [row[:2] for row in state["objectives"]] == [["✓", "errors.rate < 50%"], ["✗", "ttft.p50 < 1ms"]]
    assert page.asked("relayload/report").endswith("FAIL (1 of 2 failed)\n")
    for name in ("summary", "verdict"):
        assert page.asked(f"relayload/{name}.json") == json.loads((run_dir / f"{name}.json").read_text())
    hrefs = [link["href"] for link in page.template_args["extended_csv_files"]]
    assert hrefs == ["./relayload/report", "./relayload/summary.json", "./relayload/verdict.json"]


def test_a_target_that_is_not_there_is_told_on_the_page(opened: Callable[..., Page], profile: WriteProfile) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/v1"
        page = opened("--relay-profile", profile(), "--relay-set", f"target.base_url={url}")
        assert page.swarm(host=url)["success"]
        wait_for(lambda: bool(page.state["warnings"]))
        (told,) = page.state["warnings"]
    assert "nothing listens on" in told
    assert told in "".join(asked(f"{page.url}/logs")["master"])


def test_the_ratio_is_that_of_what_was_sent(opened: Callable[..., Page], profile: WriteProfile) -> None:
    page = opened("--relay-profile", profile("constant"))
    before = {name: task["ratio"] for name, task in asked(f"{page.url}/tasks")["total"].items()}
    assert before == {"simple": 0.75, "plain": 0.25}
    page.swarm()
    wait_for(lambda: bool(page.state["verdict"]))
    rows = {
        row["name"]: row for row in asked(f"{page.url}/stats/requests")["stats"] if row["method"] not in SIDE_ENTRIES
    }
    whole = rows["Aggregated"]["num_requests"]
    after = {name: task["ratio"] for name, task in asked(f"{page.url}/tasks")["total"].items()}
    assert after == {name: pytest.approx(rows[name]["num_requests"] / whole) for name in after}


OWN = """
from locust import User, task


class Own(User):
    host = "http://127.0.0.1:1"

    @task
    def nothing(self):
        pass

    def wait_time(self):
        return 0.1
"""


def test_users_of_ones_own_beside_a_profile_keep_locusts_fields(
    opened: Callable[..., Page], profile: WriteProfile, tmp_path: Path
) -> None:
    (tmp_path / "own.py").write_text(OWN)
    page = opened("--relay-profile", profile(seconds=60), locustfile=f"{LOCUSTFILE},{tmp_path / 'own.py'}")
    assert page.state["fields"] == {}
    assert page.swarm(user_count=2)["success"]
    wait_for(lambda: asked(f"{page.url}/stats/requests")["state"] == "running")
    assert page.swarm(user_count=5)["success"]
    wait_for(lambda: asked(f"{page.url}/stats/requests")["user_count"] == 5)
    page.process.signal(signal.SIGINT)
    assert page.process.wait() == 130
