"""What the forms are answered, without a load: a script that asks them all, and tests of what it was told."""

import html
import json
from pathlib import Path
from typing import Any

import pytest
from support import ran_patched

TYPO = """
name: typo
load: {kind: open, stages: [{for: 1s, rat: 1/s}, {form: 1s, rate: 1/s}]}
scenarios: {simple: {"<b>": o3, prompt: simple}}
"""
_SCRIPT = """
from locust.env import Environment
import json, re, sys
from pathlib import Path
from types import SimpleNamespace
from flask import Blueprint, Flask
from relayload.core.errors import AuthorError, Fault
from relayload.locust_plugin.web_control import WebControl
from relayload.profile import load

def change_rate(factor, by):
    if factor > 3:
        raise AuthorError([Fault("too much")])
    return f"rate x{factor:g} by {by}"

def run(verdict=None):
    return SimpleNamespace(verdict=verdict, info=SimpleNamespace(changes=()), change_rate=change_rate)

renewed = []
profile, environment, app = load(Path("quickstart")), Environment(), Flask("relayload")
environment.create_local_runner()
plugin = SimpleNamespace(trouble=None, only_run=None, latest=None, profile=profile, check_idle=lambda: None)
web_ui = SimpleNamespace(app=app, web_login=False, auth_required_if_enabled=lambda view: view)
options = SimpleNamespace(profiles=Path(sys.argv[1]))
control = WebControl(environment, web_ui, profile, options, plugin, lambda: renewed.append(True))
blueprint = Blueprint("relayload", __name__, url_prefix="/relay")
control.open(blueprint)
app.register_blueprint(blueprint)
client = app.test_client()

def page(query=""):
    return client.get(f"/relay/control{query}").text

def post(action, browser=False, **form):
    (token, *_) = re.findall(r'name="token" value="([^"]+)"', page())
    headers = {"Accept": "text/html"} if browser else {}
    return client.post(f"/relay/{action}", data={"token": token, **form}, headers=headers).text

def judged_after(action, **form):
    plugin.latest = run()
    post(action, browser=True, **form)
    going_on = page()
    post(action, browser=True, **form)
    plugin.latest.verdict = "PASS"
    return going_on, page()

answers = {"typo": post("start", profile="typo.yaml"), "nowhere": post("start", profile="nowhere.yaml")}
answers["described"] = page("?profile=typo.yaml")
post("start", browser=True, profile="typo.yaml")
answers["listed"], answers["again"] = page(), page()
answers["renewed before"] = len(renewed)
answers["rate"] = judged_after("rate", factor="2")
answers["stop"] = judged_after("stop")
answers["renewed after"] = len(renewed)
plugin.latest = run("PASS")
post("rate", browser=True, factor="4")
answers["refused"] = page()
print(json.dumps(answers))
"""


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder: Path = tmp_path_factory.mktemp("profiles")
    (folder / "typo.yaml").write_text(TYPO)
    return json.loads(ran_patched(_SCRIPT, folder).splitlines()[-1])


def told(page: str) -> str:
    return html.unescape(page.partition('<div class="told" role="status">')[2].partition("</div>")[0]).strip()


def test_a_refused_start_has_a_line_for_each_fault(answers: Any) -> None:
    head, *faults = answers["typo"].splitlines()
    assert (head, len(faults)) == ("not started:", 6)
    assert all("typo.yaml:" in fault for fault in faults)
    assert answers["nowhere"] == (
        "not started: no profile of that name is in the folder that Locust was started with\n"
    )


def test_a_browser_shows_the_faults_as_a_list_of_text_once(answers: Any) -> None:
    assert told(answers["listed"]).startswith("not started:\n<ul><li>")
    assert told(answers["listed"]).count("<li>") == 6
    assert "&lt;b&gt;" in answers["listed"]
    assert "<b>" not in answers["listed"]
    assert told(answers["again"]) == ""


def test_a_profile_that_has_faults_is_shown_with_a_line_for_each(answers: Any) -> None:
    assert told(answers["described"]).startswith("it can't be started:\n<ul><li>")
    assert told(answers["described"]).count("<li>") == 6


@pytest.mark.parametrize(
    ("action", "wanted"), [("rate", "rate x2 by web page"), ("stop", "stopping, once what is in flight has ended")]
)
def test_what_was_done_is_told_until_there_is_a_verdict(answers: Any, action: str, wanted: str) -> None:
    going_on, judged = answers[action]
    assert (told(going_on), told(judged)) == (wanted, "")


def test_a_refusal_is_told_below_a_verdict_too(answers: Any) -> None:
    assert told(answers["refused"]) == "nothing was changed: too much"


def test_the_page_is_renewed_at_once_by_what_was_done_alone(answers: Any) -> None:
    assert (answers["renewed before"], answers["renewed after"]) == (0, 4)
