"""A run that is started, changed and stopped from the web page, in real processes."""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import pytest
from support import LOCUSTFILE, Process, Start, asked, records, saved, wait_for

from relayload.core.traffic.rate_changes import RateChange
from relayload.locust_plugin.master_port import MasterPort, workers
from relayload.profile import load
from relayload.profile.plan import arrivals

PROFILE = """
name: {name}
load: {load}
scenarios: {{simple: {{model: o3, prompt: simple, max_output_tokens: 5}}}}
generator: {{late: 10s, late_share: 100%, loop_lag: 10s, drop_share: 50%}} # these tests are not about a busy machine
objectives: [errors.rate < 50%]
web: {{max_multiplier: 4}}
"""
OPEN = "{kind: open, limits: {per_second: 50, per_minute: 2000}, stages: [{for: SECONDSs, rate: 20/s}]}"


@dataclass(frozen=True)
class Page:
    process: Process
    url: str

    def forms(self) -> str:
        return self.asked("relay/control").partition("<section")[2].partition("</section>")[0]

    def asked(self, path: str, form: dict[str, Any] | None = None, **headers: str) -> Any:
        data = None if form is None else urlencode(form, doseq=True).encode()
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        with urlopen(Request(f"{self.url}/{path}", data, names)) as answer:
            return answer.read().decode()

    def post(self, action: str, **form: Any) -> str:
        """Send a form of ours, and return the answer, whatever its status."""
        (token, *_) = re.findall(r'name="token" value="([^"]+)"', self.forms())
        try:
            return str(self.asked(f"relay/{action}", {"token": token, **form})).strip()
        except HTTPError as error:
            return f"{error.code} {error.read().decode().strip()}"

    @property
    def state(self) -> str:
        return str(asked(f"{self.url}/stats/requests")["state"])


@pytest.fixture
def opened(start: Start, port: int) -> Iterator[Callable[..., Page]]:
    """Opens the page of Locust with our locustfile, in one process or with so many workers."""
    with MasterPort() as master:

        def opener(*arguments: str | Path, processes: int = 1, locustfile: Path = LOCUSTFILE, base: str = "") -> Page:
            several = workers(processes, master.number) if processes > 1 else []
            own = ("--web-port", port, "--web-base-path", base)
            process = start("locust", "-f", locustfile, *map(str, (*own, *several, *arguments)))
            page = Page(process, f"http://127.0.0.1:{port}{base}")
            wait_for(lambda: answers(page))
            if processes > 1:
                wait_for(lambda: len(asked(f"{page.url}/stats/requests")["workers"]) == processes)
            return page

        yield opener


def answers(page: Page) -> bool:
    try:
        return bool(page.asked("relay/control"))
    except HTTPError:
        return True
    except OSError:
        return False


def write(path: Path, seconds: int = 10, load_text: str = OPEN, more: str = "") -> Path:
    path.write_text(PROFILE.format(name=path.stem, load=load_text.replace("SECONDS", str(seconds))) + more)
    return path


def run_dir(tmp_path: Path) -> Path:
    wait_for(lambda: list(tmp_path.glob("runs/*/run.json")))
    (found,) = tmp_path.glob("runs/*")
    return found


def reason_of(answer: str) -> str:
    """The reason of the verdict, by the answer to a change of the rate, which was still to come."""
    found = re.fullmatch(r"(rate change)s by hand from (\S+) on: (x\S+): INCONCLUSIVE at best", answer)
    assert found, answer
    return f"{found[1]}d by hand at {found[2]}: {found[3]}"


def ended(directory: Path) -> Any:
    wait_for(lambda: (directory / "report.html").exists())
    return saved(directory, "verdict.json")


def sent(directory: Path) -> dict[int, float]:
    lines = [json.loads(line) for path in directory.glob("records-*.jsonl") for line in path.read_text().splitlines()]
    requests = [line for line in lines if line["line"] == "request"]
    assert len({line["index"] for line in requests}) == len(requests)
    return {line["index"]: line["intended_at_s"] for line in requests}


def planned(directory: Path) -> dict[int, float]:
    """Return when each index was due, by the effective profile and the changes on record."""
    changes = [
        RateChange(each["at_s"], each["rate_factor"]) for each in saved(directory, "run.json").get("changes", ())
    ]
    return {each.index: each.intended_at_s for each in arrivals(load(directory / "profile.yaml"), changes)}


@pytest.mark.parametrize("processes", [1, 2])
def test_the_rate_is_changed_while_the_load_goes_on(
    opened: Callable[..., Page], start: Start, tmp_path: Path, processes: int
) -> None:
    page = opened("--relay-profile", write(tmp_path / "hand.yaml", 14), processes=processes)
    assert page.post("rate", factor=2) == "409 nothing was changed: nothing runs"
    assert page.post("start") == "starting hand"
    directory = run_dir(tmp_path)
    wait_for(lambda: records(directory) > 5)
    assert "Change the rate" in page.forms()
    assert page.post("start") == "409 not started: a test is running: stop it first"
    for factor, told in (
        ("5", "x5 is not between 0.01 and web.max_multiplier of the profile, 4"),
        ("x", "'x' is no number"),
    ):
        assert page.post("rate", factor=factor) == f"409 nothing was changed: {told}"
    assert page.post("rate", factor="nan") == "409 nothing was changed: 'nan' is no number"
    page.asked("relay")
    answers = [page.post("rate", factor=factor) for factor in (2.5, 0.5)]
    shown = page.asked("relay")
    reasons = [reason_of(answer) for answer in answers]
    assert [reason.rpartition(" ")[2] for reason in reasons] == ["x2.5", "x0.5"]
    assert "running · INCONCLUSIVE at best" in shown, "at once, not some time after"
    both = "; ".join(answer.removesuffix(": INCONCLUSIVE at best") for answer in answers)
    assert f"<li>INCONCLUSIVE at best because {both}</li>" in shown
    assert page.process.output.count("the verdict will be INCONCLUSIVE at best") == 2
    assert page.process.output.count("x2.5") == 1
    verdict, run = ended(directory), saved(directory, "run.json")
    assert (verdict["verdict"], verdict["exit_code"], verdict["reasons"]) == ("INCONCLUSIVE", 4, reasons)
    assert [(change["rate_factor"], change["by"]) for change in run["changes"]] == [
        (2.5, "web page"),
        (0.5, "web page"),
    ]
    due = planned(directory)
    assert sent(directory) == due
    counts = saved(directory, "summary.json")["counts"]
    assert (counts["offered"], counts["started"]) == (len(due), len(due))
    gate = start("relayload", "gate", directory, "--rejudge")
    assert gate.wait() == 4
    assert reasons[0] in gate.output
    html = (directory / "report.html").read_text()
    assert html.count('class="change-name"') >= 2
    assert reasons[0] in html


@pytest.mark.slow
def test_a_worker_that_joins_late_knows_of_the_changes(
    opened: Callable[..., Page], start: Start, tmp_path: Path
) -> None:
    path = write(tmp_path / "hand.yaml", 30)
    with MasterPort() as master:
        page = opened("--relay-profile", path, "--master", "--master-bind-port", str(master.number))
        assert page.post("start") == "409 not started: no worker has connected yet"
        worker = ("locust", "-f", LOCUSTFILE, "--worker", "--master-port", str(master.number), "--relay-profile", path)
        start(*worker)
        wait_for(lambda: len(asked(f"{page.url}/stats/requests")["workers"]) == 1)
        page.post("start")
        directory = run_dir(tmp_path)
        wait_for(lambda: records(directory) > 5)
        page.post("rate", factor=2)
        start(*worker)
        wait_for(lambda: (directory / "records-1.jsonl").exists())
        page.post("rate", factor=0.5)
        verdict, run = ended(directory), saved(directory, "run.json")
    assert (verdict["verdict"], len(verdict["reasons"])) == ("INCONCLUSIVE", 2)
    assert [each["worker"] for each in run["last_told"] if each["started"]] == [0, 1]
    assert sent(directory) == planned(directory)


LOSES = """
from relayload import load_users
from relayload.locust_plugin.worker import Worker

taken, seen = Worker._on_rates, []


def lose(self, **message):
    seen.append(message)
    if len(seen) > 3:
        taken(self, **message)


Worker._on_rates = lose
globals().update(load_users(__name__))
"""


def test_a_worker_that_is_not_told_of_a_change_asks_until_it_is(opened: Callable[..., Page], tmp_path: Path) -> None:
    locustfile = tmp_path / "loses.py"
    locustfile.write_text(LOSES)
    page = opened("--relay-profile", write(tmp_path / "hand.yaml", 12), processes=2, locustfile=locustfile)
    page.post("start")
    directory = run_dir(tmp_path)
    wait_for(lambda: records(directory) > 5)
    reason = reason_of(page.post("rate", factor=0.5))
    verdict = ended(directory)
    assert (verdict["verdict"], verdict["reasons"]) == ("INCONCLUSIVE", [reason])
    assert sent(directory) == planned(directory)


def test_a_fail_stays_a_fail_and_names_the_change(opened: Callable[..., Page], tmp_path: Path) -> None:
    path = write(tmp_path / "hand.yaml", 6)
    page = opened("--relay-profile", path, "--relay-set", "objectives.0=ttft.p50 < 1ms")
    page.post("start")
    directory = run_dir(tmp_path)
    wait_for(lambda: records(directory) > 2)
    reason = reason_of(page.post("rate", factor=2))
    verdict = ended(directory)
    assert (verdict["verdict"], verdict["reasons"]) == ("FAIL", [reason])


@pytest.mark.parametrize("processes", [1, 2])
def test_a_profile_of_the_folder_is_started_with_one_target_and_a_multiplier(
    opened: Callable[..., Page], tmp_path: Path, processes: int
) -> None:
    folder = tmp_path / "profiles"
    folder.mkdir()
    write(tmp_path / "secret.yaml")
    targets = "targets: {one: {base_url: 'fake://o-series'}, other: {base_url: 'fake://o-series'}}\n"
    write(folder / "<b>.yaml", 1)
    write(folder / "short.yaml", 2, more=targets)
    (folder / "link.yaml").symlink_to(tmp_path / "secret.yaml")
    page = opened(
        "--relay-profile", write(tmp_path / "first.yaml", 60), "--relay-profiles", folder, processes=processes
    )
    names = re.findall(r"<option[^>]*>([^<]*)", page.forms())
    assert names[1:] == ["&lt;b&gt;.yaml", "short.yaml"]
    asked_for = page.asked("relay/control?profile=short.yaml")
    assert re.findall(r'name="target" value="(\w+)"', asked_for) == ["one", "other"]
    for name in ("../secret.yaml", str(tmp_path / "secret.yaml"), "link.yaml", "first.yaml", "profiles/short.yaml"):
        told = "no profile of that name is in the folder that Locust was started with"
        assert page.post("start", profile=name) == f"409 not started: {told}"
    assert "between 0.01 and web.max_multiplier of the profile, 4" in page.post(
        "start", profile="short.yaml", multiplier=5
    )
    assert "no such target" in page.post("start", profile="short.yaml", target="third")
    assert "no target is ticked" in page.post("start", profile="short.yaml", offered_targets=2)
    assert not (tmp_path / "runs").exists()
    assert page.post("start", profile="short.yaml", target="other", multiplier=2) == "starting short, x2"
    directory = run_dir(tmp_path)
    verdict, run = ended(directory), saved(directory, "run.json")
    assert (verdict["verdict"], run["profile"]["name"], run.get("changes")) == ("PASS", "short", None)
    effective = (directory / "profile.yaml").read_text()
    assert "rate: 40/s" in effective
    assert sent(directory) == planned(directory)
    wait_for(lambda: page.state == "stopped")
    assert page.post("start", profile="<b>.yaml") == "starting <b>"
    wait_for(lambda: len(list(tmp_path.glob("runs/*/report.html"))) == 2)
    wait_for(lambda: page.state == "stopped")
    assert page.post("start") == "starting first"
    wait_for(lambda: len(list(tmp_path.glob("runs/*-first/records-*.jsonl"))) == processes)


@pytest.mark.parametrize(("how", "status"), [("drain", "stopping, once"), ("now", "stopping, without waiting")])
def test_it_is_stopped_with_or_without_waiting(
    opened: Callable[..., Page], tmp_path: Path, how: str, status: str
) -> None:
    page = opened("--relay-profile", write(tmp_path / "long.yaml", 600))
    page.post("start")
    directory = run_dir(tmp_path)
    wait_for(lambda: records(directory) > 2)
    assert page.post("stop", how=how).startswith(status)
    verdict = ended(directory)
    assert verdict["verdict"] == "INCONCLUSIVE"
    assert verdict["reasons"][0].startswith("a stop from the page or by --run-time ended the run")
    assert page.process.output.count("Traceback") == 0


@pytest.mark.parametrize(
    ("load_text", "told"),
    [
        ("{kind: batch, requests: 500, max_concurrent: 1}", "a batch has no rate"),
        ("{kind: closed, users: 1, stages: [{for: 60s}]}", "the users of a closed load set its rate"),
    ],
)
def test_what_has_no_rate_says_so(opened: Callable[..., Page], tmp_path: Path, load_text: str, told: str) -> None:
    page = opened("--relay-profile", write(tmp_path / "other.yaml", load_text=load_text))
    assert told in page.forms()
    page.post("start")
    directory = run_dir(tmp_path)
    wait_for(lambda: records(directory) > 2)
    assert told in page.post("rate", factor=2)
    assert told in page.forms()


def test_users_of_a_closed_load_are_changed_by_hand_too(opened: Callable[..., Page], tmp_path: Path) -> None:
    page = opened(
        "--relay-profile", write(tmp_path / "users.yaml", load_text="{kind: closed, users: 1, stages: [{for: 60s}]}")
    )
    page.post("start")
    directory = run_dir(tmp_path)
    wait_for(lambda: records(directory) > 2)
    assert json.loads(page.asked("swarm", {"user_count": 3, "spawn_rate": 3}))["success"]
    page.post("stop", how="now")
    verdict = ended(directory)
    assert verdict["verdict"] == "INCONCLUSIVE"
    (told,) = [reason for reason in verdict["reasons"] if "by hand" in reason]
    assert told.startswith("users changed by hand at ")
    assert told.endswith(": 3")


def test_a_forged_request_changes_nothing(opened: Callable[..., Page], tmp_path: Path) -> None:
    page = opened("--relay-profile", write(tmp_path / "p.yaml", 60))
    for path in ("relay/start", "relay/rate", "relay/stop", "swarm", "stop", "stats/reset"):
        with pytest.raises(HTTPError, match="403"):
            page.asked(path, {"user_count": 1, "spawn_rate": 1}, Origin="https://evil.example")
    with pytest.raises(HTTPError, match="403"):
        page.asked("relay/start", {})
    assert 'name="token"' not in page.asked("relay/control", Origin="https://evil.example")
    assert (page.state, list(tmp_path.glob("runs/*"))) == ("ready", [])
    assert json.loads(page.asked("swarm", {"user_count": 1, "spawn_rate": 1}))["success"]
    run_dir(tmp_path)


LOGIN = """
from flask import redirect
from flask_login import UserMixin, login_user
from locust import events
from relayload import load_users


class Somebody(UserMixin):
    id = "ada <b>\\u202e"


@events.init.add_listener
def log_in(environment, web_ui, **_):
    if web_ui is None:
        return
    web_ui.app.secret_key = "for this test alone"
    web_ui.login_manager.user_loader(lambda _: Somebody())
    web_ui.app.add_url_rule("/in", "in", lambda: str(login_user(Somebody())))

globals().update(load_users(__name__))
"""


def test_behind_a_login_and_below_a_path_nothing_is_open(opened: Callable[..., Page], tmp_path: Path) -> None:
    locustfile = tmp_path / "login.py"
    locustfile.write_text(LOGIN)
    profile = write(tmp_path / "p.yaml", 60)
    page = opened("--relay-profile", profile, "--web-login", locustfile=locustfile, base="/load")
    assert "<form" not in page.asked("relay/control").partition("<section")[2]
    with urlopen(f"{page.url.removesuffix('/load')}/in") as answer:
        cookie = answer.headers["Set-Cookie"].partition(";")[0]
    forms = page.asked("relay/control", Cookie=cookie)
    assert 'action="/load/relay/start"' in forms
    (token, *_) = re.findall(r'name="token" value="([^"]+)"', forms)
    assert page.asked("relay/start", {"token": token}, Cookie=cookie) == "starting p\n"
    directory = run_dir(tmp_path)
    wait_for(lambda: records(directory) > 2)
    page.asked("relay/rate", {"token": token, "factor": 2}, Cookie=cookie)
    (change,) = saved(directory, "run.json")["changes"]
    assert change["by"] == "web page, ada <b>\\u202e"


def test_a_browser_goes_back_to_where_the_form_was(opened: Callable[..., Page], tmp_path: Path) -> None:
    page = opened("--relay-profile", write(tmp_path / "p.yaml", 60))
    (token, *_) = re.findall(r'name="token" value="([^"]+)"', page.forms())
    shown = page.asked(
        "relay/rate", {"token": token, "factor": 2}, Accept="text/html", Referer="https://evil.example/relay"
    )
    assert '<div class="told" role="status">nothing was changed: nothing runs\n' in shown


def test_a_folder_that_is_not_there_is_refused(start: Start) -> None:
    process = start("locust", "-f", LOCUSTFILE, "--relay-profile", "quickstart", "--relay-profiles", "nowhere")
    assert process.wait() == 2
    assert "--relay-profiles nowhere: is no directory: name one with profiles in it" in process.output
