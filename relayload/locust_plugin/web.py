"""Extends Locust's page: the page of the run at `/relay`, a tab, and answers to input that would have no effect.

Locust's extension points are the routes of its Flask app, tabs, the links under "Download Data", and the views, which
are wrapped here to check the input first. Its forms can't be configured to disable fields.
"""

from locust.env import Environment
from locust.runners import STATE_RUNNING, STATE_SPAWNING
from locust.web import WebUI

import gzip
import logging
from collections.abc import Callable
from functools import partial
from html import escape
from pathlib import Path
from typing import Any

import gevent
import msgspec
from flask import Blueprint, Response, jsonify, request

from relayload.engine.targets import shown
from relayload.locust_plugin.command_line import label_refusal
from relayload.locust_plugin.live_page import LivePages
from relayload.locust_plugin.locust_tab import add_rows, template_args
from relayload.locust_plugin.metrics import RunMetrics
from relayload.locust_plugin.nodes import options_of, runner_of
from relayload.locust_plugin.notices import NO_HOST, NO_USERS, all_ours, by_default, uses_users
from relayload.locust_plugin.options import LOOPBACK, Options
from relayload.locust_plugin.plugin import LocustPlugin
from relayload.locust_plugin.web_control import WebControl
from relayload.profile import Profile
from relayload.recording.run_page import NAME as REPORT
from relayload.report.html.live_page import CONTROL
from relayload.report.page_renderer.messages import Failed, Look
from relayload.report.text import render_run

_LOG = logging.getLogger("relayload")
View = Callable[..., Any]
_FILES = (REPORT, "report.txt", "summary.json", "verdict.json")
_LINKS = (
    ("./relay", "Show the run, as it goes on"),
    (f"./relay/{REPORT}", "Show relayload's report"),
    ("./relay/summary.json", "Show relayload's summary"),
    ("./relay/verdict.json", "Show its verdict"),
)
_SERVED_POLL_S = 0.05
_FRESH = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
_GONE = (
    '<!DOCTYPE html><html lang="en"><meta charset="utf-8"><meta http-equiv="refresh" content="5">'
    "<title>relayload: no page</title><p>{reason}</p>"
)


class Page:
    """Locust's page, and our own beside it."""

    def __init__(
        self, environment: Environment, web_ui: WebUI, profile: Profile, options: Options, plugin: LocustPlugin
    ):
        self._environment = environment
        self._web_ui = web_ui
        self._profile = profile
        self._options = options
        self._plugin = plugin
        self._answer: str | None = None
        """The answer to the last form; Locust closes the form of an edit without showing one."""
        self._pages = LivePages(self._look)
        self._control = WebControl(environment, web_ui, profile, options, plugin, self._pages.renew)

    def open(self) -> None:
        """Add our routes, tab and links. Call this before Locust serves the page."""
        app = self._web_ui.app
        assert app is not None
        base = options_of(self._environment).web_base_path
        blueprint = Blueprint("relayload", __name__, url_prefix=f"{base}/relay")
        views: dict[str, View] = {"": self._page, "/sections": self._sections}
        views |= {f"/{name}": partial(self._recorded, name) for name in _FILES}
        for path, view in views.items():
            blueprint.add_url_rule(path, f"page{path.replace('.', '_')}", self._guarded(view))
        self._control.open(blueprint)
        app.register_blueprint(blueprint)
        metrics = RunMetrics(lambda: self._plugin.latest)
        app.add_url_rule(f"{base}/metrics", "relayload_metrics", self._guarded(lambda: metrics.app))
        app.after_request(self._with_rows)
        self._replace("locust.swarm", self._start)
        self._web_ui.template_args.update(template_args(_LINKS))
        self._plugin.follow(self._pages)
        gevent.spawn(self._tell_address)

    def _tell_address(self) -> None:
        """Log where the page is, once Locust serves it."""
        while self._web_ui.server is None or not self._web_ui.server.started:
            gevent.sleep(_SERVED_POLL_S)
        options = options_of(self._environment)
        scheme = "https" if self._web_ui.tls_cert and self._web_ui.tls_key else "http"
        host = self._web_ui.host or LOOPBACK
        port = self._web_ui.server.server_port
        where = f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}{options.web_base_path}"
        _LOG.info("page of the run at %s/relay", where)

    def _guarded(self, view: View) -> View:
        """Return a view behind Locust's login, if that is on."""
        guarded: View = self._web_ui.auth_required_if_enabled(lambda: view())
        return guarded

    def _replace(self, endpoint: str, view: Callable[[View], Any]) -> None:
        assert self._web_ui.app is not None
        locusts = self._web_ui.app.view_functions[endpoint]
        self._web_ui.app.view_functions[endpoint] = self._guarded(partial(view, locusts))

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
        if self._plugin.only_run and runner_of(self._environment).state not in (STATE_SPAWNING, STATE_RUNNING):
            return f"Nothing was started: {self._plugin.only_run}"
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

    def _look(self) -> Look:
        """Return what the page shows besides what the renderer was told."""
        run = self._plugin.latest
        goes_on = run is not None and run.verdict is None
        return Look(
            name=self._plugin.profile.name,
            target=shown(self._plugin.profile),
            notices=self._notices(),
            progress=run.latest_progress if run is not None and goes_on else None,
            ending=run is not None and run.ending,
            files=() if run is None or goes_on else _FILES,
        )

    def _notices(self) -> tuple[str, ...]:
        default = by_default(self._profile) if self._options.by_default else None
        return tuple(filter(None, (default, self._answer, self._plugin.trouble)))

    def _with_rows(self, response: Response) -> Response:
        page = f"{request.base_url.rpartition('/stats/')[0]}/relay"
        return add_rows(response, self._plugin.latest, self._notices(), page)

    def _page(self) -> Response:
        page = self._pages.page()
        if isinstance(page, Failed):
            return Response(_GONE.format(reason=escape(page.reason)), status=503, headers=_FRESH)
        whole, forms = gzip.decompress(page.whole).decode(), CONTROL.format(self._control.control_forms())
        return Response(whole.replace(CONTROL.format(""), forms, 1), headers=_FRESH, mimetype="text/html")

    def _sections(self) -> Response:
        """Answer a page that is open: only if there is something new, and as it came from the renderer."""
        page = self._pages.page()
        if isinstance(page, Failed):
            return Response(page.reason, status=503, headers=_FRESH, mimetype="text/plain")
        if page.tag in request.if_none_match:
            return Response(status=304, headers=_FRESH)
        zipped = bool(request.accept_encodings.quality("gzip"))
        response = Response(page.sections if zipped else gzip.decompress(page.sections), headers=_FRESH)
        response.set_etag(page.tag)
        if zipped:
            response.headers["Content-Encoding"] = "gzip"
        return response

    def _recorded(self, name: str) -> Response:
        """Answer with a file of the last run."""
        run = self._plugin.latest
        if run is None or run.summary is None or run.verdict is None:
            return Response("no run has ended yet\n", status=404, mimetype="text/plain")
        if name == "report.txt":
            return Response(render_run(run.summary, run.info, run.verdict), mimetype="text/plain")
        if name == REPORT:
            return _file(run.run_dir / name)
        value = {"summary.json": run.summary, "verdict.json": run.verdict}[name]
        return Response(msgspec.json.encode(value), mimetype="application/json")


def _file(path: Path) -> Response:
    try:
        return Response(path.read_bytes(), headers=_FRESH, mimetype="text/html")
    except OSError:
        return Response("the report was not written: see the log\n", status=404, mimetype="text/plain")
