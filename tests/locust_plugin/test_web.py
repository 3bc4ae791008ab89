"""Locust's page for a profile, asked as a browser would."""

import json
import re
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

from relayload.core.units import format_duration

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
    def text(self) -> str:
        """What our page says, without its style and scripts."""
        shown = re.sub(r"<(style|script).*?</\1>", "", self.asked("relay"), flags=re.DOTALL)
        return " ".join(unescape(re.sub(r"<[^>]*>", " ", shown)).split())

    @property
    def notices(self) -> list[str]:
        found = re.search(r'<ul class="notices">(.*?)</ul>', self.asked("relay"))
        return [] if found is None else [unescape(each) for each in re.findall(r"</span> (.*?)</li>", found[1])]

    @property
    def judged(self) -> bool:
        try:
            return bool(self.asked("relay/verdict.json"))
        except HTTPError:
            return False

    @property
    def tab(self) -> list[list[str]]:
        """The rows of our tab in Locust's page."""
        (table,) = self.template_args["extended_tables"]
        (rows,) = self.asked("stats/requests")["extended_stats"]
        assert rows["key"] == table["key"]
        assert [row["name"] for row in rows["data"]] == sorted(row["name"] for row in rows["data"])
        return [[row[column["key"]] for column in table["structure"]] for row in rows["data"]]

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
        return bool(page.asked("relay"))
    except OSError:
        return False


def test_the_target_is_filled_in_as_the_host(opened: Callable[..., Page], profile: WriteProfile) -> None:
    page = opened("--relay-profile", profile())
    arguments = page.template_args
    assert (arguments["host"], arguments["missing_host_warning"]) == ("fake://o-series", False)
    assert "short target fake://o-series – no run yet" in page.text
    assert "How to start a run Press Start in Locust's page" in page.text
    assert page.notices == []


def test_several_targets_are_named(opened: Callable[..., Page], profile: WriteProfile) -> None:
    more = "targets: {here: {base_url: 'fake://o-series'}, there: {base_url: 'http://127.0.0.1:1/v1'}}\n"
    page = opened("--relay-profile", profile(more=more))
    assert page.template_args["host"] == "here: fake://o-series, there: http://127.0.0.1:1/v1"
    assert not page.template_args["missing_host_warning"]


def test_locusts_own_page_is_as_locust_made_it_but_for_a_tab_and_links(
    opened: Callable[..., Page], profile: WriteProfile
) -> None:
    page = opened("--relay-profile", profile(), base="/load")
    index = page.asked("")
    assert index.count("<script") == 2  # Locust's bundle, and the arguments
    assert '<link rel="stylesheet"' not in index
    assert page.template_args["extended_tabs"] == [{"title": "relayload", "key": "relayload"}]
    hrefs = [link["href"] for link in page.template_args["extended_csv_files"]]
    assert hrefs == ["./relay", "./relay/report.html", "./relay/summary.json", "./relay/verdict.json"]
    assert page.tab == [["whole page", f"{page.url}/relay", "", "", ""]]
    with pytest.raises(HTTPError, match="404"):
        page.asked("relay/page.py")


def test_the_quickstart_that_nobody_named_is_told_loudly(opened: Callable[..., Page]) -> None:
    (warning,) = opened().notices
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
    wait_for(lambda: page.notices == [answer["message"]])
    assert not (tmp_path / "runs").exists()


def test_an_edit_of_the_users_of_an_open_load_is_answered(
    opened: Callable[..., Page], profile: WriteProfile, tmp_path: Path
) -> None:
    page = opened("--relay-profile", profile(seconds=60))
    assert page.swarm(host="fake://o-series", profile="nightly")["success"]
    wait_for(lambda: asked(f"{page.url}/stats/requests")["state"] == "running")
    answer = page.swarm(user_count=50)
    assert not answer["success"]
    assert answer["message"] == (
        "Nothing was changed: the profile's load says how much is sent, whatever the number of users"
    )
    wait_for(lambda: page.notices == [answer["message"]])
    assert answer["message"] in "".join(asked(f"{page.url}/logs")["master"])
    assert asked(f"{page.url}/stats/requests")["user_count"] == 1


def test_the_users_of_a_closed_load_may_be_changed(opened: Callable[..., Page], tmp_path: Path) -> None:
    path = tmp_path / "closed.yaml"
    path.write_text(
        "name: closed\nload: {kind: closed, users: 1, stages: [{for: 60s}]}\n"
        "scenarios: {simple: {model: o3, prompt: simple, max_output_tokens: 5}}\n"
    )
    page = opened("--relay-profile", path)
    assert page.swarm()["success"]
    wait_for(lambda: asked(f"{page.url}/stats/requests")["state"] == "running")
    assert page.swarm(user_count=3)["success"]
    wait_for(lambda: asked(f"{page.url}/stats/requests")["user_count"] == 3)
    told = r"INCONCLUSIVE at best because users changed by hand at [^<]*: 3"
    wait_for(lambda: re.search(f"<li>{told}</li>", page.asked("relay")))
    assert "running · INCONCLUSIVE at best" in page.asked("relay")
    assert page.tab[0][:2] == ["run", "running"]
    assert re.fullmatch(told, page.tab[0][4])


def test_the_verdict_is_on_the_page_with_its_reasons_and_files(
    opened: Callable[..., Page], profile: WriteProfile, tmp_path: Path
) -> None:
    page = opened("--relay-profile", profile(), "--relay-set", "objectives.1=ttft.p50 < 1ms")
    with pytest.raises(HTTPError, match="404"):
        page.asked("relay/report.txt")
    assert page.swarm(user_count=20)["success"]
    told = "The number of users has no effect: the profile's load says how much is sent, whatever the number of users"
    wait_for(lambda: page.notices == [told])
    wait_for(lambda: page.judged)
    (run_dir,) = tmp_path.glob("runs/*")
    wait_for(lambda: "FAIL 1 of 2 failed exit code 3" in page.text)
    assert page.asked("relay/report.txt").endswith("FAIL (1 of 2 failed)\n")
    assert page.asked("relay/report.html") == (run_dir / "report.html").read_text()
    for name in ("summary", "verdict"):
        assert page.asked(f"relay/{name}.json") == json.loads((run_dir / f"{name}.json").read_text())
    wait_for(lambda: page.tab[1][0] == "verdict")
    assert [row[:2] for row in page.tab[1:4]] == [
        ["verdict", "FAIL"],
        ["errors.rate < 50%", "PASS"],
        ["ttft.p50 < 1ms", "FAIL"],
    ]
    metrics = page.asked("relay/summary.json")["metrics"]
    for name, metric in (("TTFT", "ttft"), ("latency", "latency")):
        exact = {found["p"]: found["value"] for found in metrics[metric]["percentiles"]}
        (told,) = [row[2] for row in page.tab if row[0] == name]
        assert told == " · ".join(f"p{p} {format_duration(exact[p])}" for p in (50, 90, 99))


def test_a_target_that_is_not_there_is_told_on_the_page(opened: Callable[..., Page], profile: WriteProfile) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/v1"
        page = opened("--relay-profile", profile(), "--relay-set", f"target.base_url={url}")
        assert page.swarm(host=url)["success"]
        wait_for(lambda: page.notices)
        (told,) = page.notices
    assert "nothing listens on" in told
    assert told in "".join(asked(f"{page.url}/logs")["master"])


def test_the_ratio_is_that_of_what_was_sent(opened: Callable[..., Page], profile: WriteProfile) -> None:
    page = opened("--relay-profile", profile("constant"))
    before = {name: task["ratio"] for name, task in asked(f"{page.url}/tasks")["total"].items()}
    assert before == {"simple": 0.75, "plain": 0.25}
    page.swarm()
    wait_for(lambda: page.judged)
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
    assert page.swarm(user_count=2)["success"]
    wait_for(lambda: asked(f"{page.url}/stats/requests")["state"] == "running")
    assert page.swarm(user_count=5)["success"]
    wait_for(lambda: asked(f"{page.url}/stats/requests")["user_count"] == 5)
    page.process.signal(signal.SIGINT)
    assert page.process.wait() == 130
