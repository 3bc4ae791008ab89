"""Extends Locust's page: a panel with the run and its verdict, and answers to input that would have no effect.

Locust's extension points are the routes of its Flask app, the links under "Download Data", and the views, which are
wrapped here to check the input first. Its forms can't be configured to disable fields.
"""

from locust.env import Environment
from locust.runners import STATE_RUNNING, STATE_SPAWNING
from locust.web import WebUI

import logging
from collections.abc import Callable
from importlib.resources import files
from typing import Any

import msgspec
from flask import Blueprint, Response, jsonify, request

from relayload.core.model.verdict import Verdict
from relayload.engine.targets import shown
from relayload.locust_plugin.command_line import label_refusal
from relayload.locust_plugin.metrics import RunMetrics
from relayload.locust_plugin.nodes import options_of, runner_of
from relayload.locust_plugin.notices import NO_HOST, NO_USERS, all_ours, by_default, uses_users
from relayload.locust_plugin.options import Options
from relayload.locust_plugin.plugin import LocustPlugin
from relayload.locust_plugin.web_control import WebControl
from relayload.profile import Profile
from relayload.report.text import (
    MARKS,
    condition,
    counted,
    interval,
    interval_heading,
    observed,
    render_run,
)
from relayload.report.verdict_lines import verdict_reasons

_LOG = logging.getLogger("relayload")
View = Callable[..., Any]
_USER_FIELDS = ("userCount", "spawnRate")
_FILES = {"panel.css": "text/css", "panel.js": "text/javascript"}
_LINKS = (("report", "relayload's report"), ("summary.json", "relayload's summary"), ("verdict.json", "its verdict"))


class Page:
    """Locust's page, with our panel above it."""

    def __init__(
        self, environment: Environment, web_ui: WebUI, profile: Profile, options: Options, plugin: LocustPlugin
    ):
        self._environment = environment
        self._web_ui = web_ui
        self._profile = profile
        self._options = options
        self._plugin = plugin
        self._control = WebControl(environment, web_ui, profile, options, plugin)
        self._answer: str | None = None
        """The answer to the last form; Locust closes the form of an edit without showing one."""

    def open(self) -> None:
        """Add our routes and links. Call this before Locust serves the page."""
        app = self._web_ui.app
        assert app is not None
        blueprint = Blueprint(
            "relayload", __name__, url_prefix=f"{options_of(self._environment).web_base_path}/relayload"
        )
        for path, view in (("state", self._state), ("report", self._report), ("<name>.json", self._recorded)):
            blueprint.add_url_rule(f"/{path}", view.__name__, self._web_ui.auth_required_if_enabled(view))
        self._control.open(blueprint)
        blueprint.add_url_rule("/<name>", "file", _file)
        app.register_blueprint(blueprint)
        metrics = RunMetrics(lambda: self._plugin.latest)
        app.add_url_rule(
            f"{options_of(self._environment).web_base_path}/metrics",
            "relayload_metrics",
            self._web_ui.auth_required_if_enabled(lambda: metrics.app),
        )
        self._replace("locust.index", self._index)
        self._replace("locust.swarm", self._start)
        links = [{"href": f"./relayload/{path}", "title": f"Show {title}"} for path, title in _LINKS]
        self._web_ui.template_args["extended_csv_files"] = links

    def _replace(self, endpoint: str, view: Callable[[View], Any]) -> None:
        assert self._web_ui.app is not None
        locusts = self._web_ui.app.view_functions[endpoint]
        asked_first = self._web_ui.auth_required_if_enabled(lambda: view(locusts))
        self._web_ui.app.view_functions[endpoint] = asked_first

    def _index(self, locusts: View) -> Any:
        page = locusts()
        if not isinstance(page, str):
            return page
        return page.replace("<body>", f"<body>{_text('panel.html')}", 1)

    def _start(self, locusts: View) -> Any:
        """Start or edit a test, unless the form asks for something that would have no effect."""
        refusal = self._refusal()
        self._answer = refusal or self._remark()
        if self._answer:
            _LOG.warning("%s", self._answer)
        if refusal is None:
            return self._counted(locusts)
        return jsonify({"success": False, "message": refusal, "host": self._environment.host})

    def _counted(self, locusts: View) -> Any:
        """Start or edit a test, and record an edit of the users of one that goes on."""
        goes_on = runner_of(self._environment).state in (STATE_SPAWNING, STATE_RUNNING)
        answer = locusts()
        if goes_on and uses_users(self._plugin.profile) and answer.get_json()["success"]:
            self._control.count_users(int(request.form["user_count"]))
        return answer

    def _refusal(self) -> str | None:
        label, host = request.form.get("profile", ""), request.form.get("host", "")
        if wrong := label_refusal(label, f"Profile {label}", str(self._options.profile)):
            return f"Nothing was started: {wrong}"
        if self._alone and host not in ("", shown(self._profile)):
            return f"Nothing was started: {NO_HOST}"
        if self._needs_no_users and runner_of(self._environment).state in (STATE_SPAWNING, STATE_RUNNING):
            return f"Nothing was changed: {NO_USERS}"
        return None

    def _remark(self) -> str | None:
        if self._needs_no_users and request.form.get("user_count", "1") != "1":
            return f"The number of users has no effect: {NO_USERS}"
        return None

    @property
    def _alone(self) -> bool:
        """True if no other users need Locust's fields."""
        return all_ours(self._environment.user_classes)

    @property
    def _needs_no_users(self) -> bool:
        return self._alone and not uses_users(self._profile)

    def _state(self) -> Response:
        run = self._plugin.latest
        default = by_default(self._profile) if self._options.by_default else None
        warnings = (default, self._answer, self._plugin.trouble)
        return jsonify(
            {
                "title": f"relayload: profile {self._plugin.profile.name}, against {shown(self._plugin.profile)}",
                "warnings": list(filter(None, warnings)),
                "fields": self._unused_fields(),
                "run_dir": str(run.run_dir) if run else None,
                **_verdict(run.verdict if run else None),
            }
        )

    def _unused_fields(self) -> dict[str, str]:
        """Return the fields of Locust's forms that have no effect, each with the reason."""
        host = {"host": NO_HOST} if self._alone else {}
        users = dict.fromkeys(_USER_FIELDS, f"no effect: {NO_USERS}") if self._needs_no_users else {}
        return host | users

    def _report(self) -> Response:
        run = self._plugin.latest
        if run is None or run.summary is None or run.verdict is None:
            return _nothing_yet()
        return Response(render_run(run.summary, run.info, run.verdict), mimetype="text/plain")

    def _recorded(self, name: str) -> Response:
        run = self._plugin.latest
        value = {"summary": run.summary, "verdict": run.verdict}.get(name) if run else None
        if value is None:
            return _nothing_yet()
        return Response(msgspec.json.encode(value), mimetype="application/json")


def _verdict(verdict: Verdict | None) -> dict[str, Any]:
    if verdict is None:
        return {"verdict": None}
    results = verdict.objectives
    cells = (
        (MARKS[j.verdict], condition(j), observed(j), interval(j.low, j.high, j.unit), counted(j)) for j in results
    )
    return {
        "verdict": verdict.verdict.value,
        "reasons": list(verdict_reasons(verdict)),
        "headings": ("", "objective", "observed", interval_heading(results), "k of n ≈ eff."),
        "objectives": list(cells),
    }


def _nothing_yet() -> Response:
    return Response("no run has ended yet\n", status=404, mimetype="text/plain")


def _file(name: str) -> Response:
    if name not in _FILES:
        return Response(status=404)
    return Response(_text(name), mimetype=_FILES[name])


def _text(name: str) -> str:
    return (files("relayload.locust_plugin") / "panel" / name).read_text(encoding="utf-8")
