"""What a run is controlled with from the web page: forms that start, change and stop it, and what they are answered.

The forms work without scripts: a browser is sent back to the page that it came from, which shows the answer. Whoever
else asks, such as a script of the page, gets the answer itself.
"""

from locust.env import Environment
from locust.runners import STATE_INIT, STATE_STOPPED
from locust.web import WebUI

import logging
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import gevent
from flask import Blueprint, Response, redirect, request
from flask.typing import ResponseReturnValue
from flask_login import current_user  # type: ignore[import-untyped]
from markupsafe import Markup

from relayload.core.errors import AuthorError, Fault
from relayload.core.printable import one_line
from relayload.locust_plugin.choices import ProfileFolder, choose
from relayload.locust_plugin.controller import Controller
from relayload.locust_plugin.nodes import runner_of
from relayload.locust_plugin.options import Options
from relayload.locust_plugin.plugin import LocustPlugin
from relayload.locust_plugin.same_origin import SameOrigin
from relayload.profile import Profile, load
from relayload.profile.plan import fixed_rate
from relayload.profile.web import LEAST_MULTIPLIER
from relayload.report.html.shell import fragment, rendered

_LOG = logging.getLogger("relayload")
_LONGEST_NAME = 80
_OF_THE_RUN = ("rate", "stop")
"""Actions on the run that goes on."""


@dataclass(frozen=True, slots=True)
class _Told:
    """The answer to a form, in lines."""

    lines: Sequence[str]
    run: Controller | None = None
    """The run to which this was done. Once it is judged, its verdict says more."""

    @property
    def outdated(self) -> bool:
        return self.run is not None and self.run.verdict is not None


class WebControl:
    """The forms of one master, or of a process that runs alone."""

    def __init__(
        self,
        environment: Environment,
        web_ui: WebUI,
        profile: Profile,
        options: Options,
        plugin: LocustPlugin,
        renew: Callable[[], None],
    ) -> None:
        """`renew` has the page show at once what was done."""
        self._environment = environment
        self._web_ui = web_ui
        self._profile = profile
        self._plugin = plugin
        self._folder = ProfileFolder(options.profiles) if options.profiles else None
        self._same_origin = SameOrigin()
        self._base = ""
        self._renew = renew
        self._told: _Told | None = None
        """The answer to the last form that a browser sent."""

    def open(self, blueprint: Blueprint) -> None:
        """Add our routes, and guard all that change something. Call this before Locust serves the page."""
        assert self._web_ui.app is not None
        self._base = blueprint.url_prefix or ""
        views: Sequence[tuple[str, Callable[[], str]]] = (
            ("choose", self._choose),
            ("start", self._start),
            ("rate", self._change_rate),
            ("stop", self._stop),
        )
        for name, view in views:
            answered = self._web_ui.auth_required_if_enabled(partial(self._answer, name, view))
            blueprint.add_url_rule(f"/{name}", f"control_{name}", answered, methods=["POST"])
        blueprint.add_url_rule("/control", "control", self._web_ui.auth_required_if_enabled(self._page))
        self._same_origin.guard(self._web_ui.app)

    def control_forms(self) -> Markup:
        """Return the forms for a page that answers the present request.

        Its query may name the `profile` that the start form is about.
        """
        token, profile = self._same_origin.token_to_show, request.args.get("profile")
        told, self._told = self._told, None
        idle = runner_of(self._environment).state in (STATE_INIT, STATE_STOPPED)
        about, faults = self._described(profile) if idle else (self._plugin.profile, ())
        trouble = (self._plugin.trouble,) if idle and self._plugin.trouble else ()
        context = {
            "action": self._base,
            "token": token,
            "told": told.lines if told and not told.outdated else faults or trouble,
            "idle": idle,
            "only_run": self._plugin.only_run,
            "names": self._folder.names() if self._folder else [],
            "chosen": profile,
            "first": self._profile.name,
            "name": about.name if about else "",
            "targets": list(about.named_targets) if about and about.several else [],
            "fixed": fixed_rate(about) if about else None,
            "least": LEAST_MULTIPLIER,
            "most": f"{about.web.max_multiplier if about else 1:g}",
            "factor": f"{self._factor:g}",
        }
        return fragment("control_forms.html.j2", context)

    def count_users(self, users: int) -> None:
        """Record that Locust's form changes the users of a closed load that goes on."""
        if self._plugin.latest is not None:
            self._plugin.latest.change_users(users, self._who())
            self._renew()

    @property
    def _factor(self) -> float:
        """The factor of the rate that is in force, or soon will be."""
        changes = self._plugin.latest.info.changes if self._plugin.latest else ()
        return next((change.rate_factor for change in reversed(changes) if change.rate_factor is not None), 1.0)

    def _described(self, name: str | None) -> tuple[Profile | None, Sequence[str]]:
        """Return the profile that the start form is about, or in lines why there is none."""
        try:
            return (load(self._folder.path(name)) if name and self._folder else self._profile), ()
        except AuthorError as error:
            return None, _lines("it can't be started:", error)

    def _page(self) -> str:
        shown = {"title": "relayload: control", "forms": self.control_forms(), "bins": ""}
        return rendered("control_page.html.j2", shown, forms=True)

    def _answer(self, action: str, view: Callable[[], str]) -> ResponseReturnValue:
        told, status = self._done(action, view)
        if "text/html" not in request.headers.get("Accept", ""):
            return Response("".join(f"{line}\n" for line in told.lines), status=status, mimetype="text/plain")
        self._told = told if any(told.lines) else None
        return redirect(self._came_from(), code=303)

    def _done(self, action: str, view: Callable[[], str]) -> tuple[_Told, int]:
        """Do what a form asks for; return what came of it, and the status of the answer."""
        try:
            told = _Told([view()], self._plugin.latest if action in _OF_THE_RUN else None)
        except AuthorError as error:
            refused = "not started:" if action == "start" else "nothing was changed:"
            for fault in error.faults:
                _LOG.warning("%s %s", refused, fault)
            return _Told(_lines(refused, error)), 409
        self._renew()
        return told, 200

    def _came_from(self) -> str:
        """Return the page of ours that the form was on."""
        page = urlsplit(request.referrer or "")
        path = page.path if page.netloc == request.host and "//" not in page.path else f"{self._base}/control"
        chosen = request.form.get("profile") or ""
        return f"{path}?{urlencode({'profile': chosen})}" if chosen else path

    def _choose(self) -> str:
        """Have the start form be about another profile."""
        self._file(request.form.get("profile", ""))
        return ""

    def _start(self) -> str:
        self._plugin.check_idle()  # first: to read a profile takes longer than the requests of a run may wait
        form = request.form
        name = form.get("profile", "")
        file, targets = self._file(name), self._ticked(form.get("shown", name) == name)
        choice = choose(self._profile, file, targets, _number(form.get("multiplier") or "1"))
        self._plugin.start(choice)
        times = "" if choice.multiplier == 1 else f", x{choice.multiplier:g}"
        return f"starting {choice.profile.name}{times}"

    def _file(self, name: str) -> Path | None:
        """Return the file of a profile; None for the one that Locust was started with."""
        if name and self._folder is None:
            raise AuthorError([Fault("Locust was started without a folder of profiles: --relay-profiles DIR")])
        return self._folder.path(name) if name and self._folder else None

    def _ticked(self, of_chosen: bool) -> list[str]:
        """Return the targets that are ticked. Where they are not those of the chosen profile, all must be."""
        ticked = request.form.getlist("target")
        if "offered_targets" not in request.form:
            return ticked
        if not ticked:
            raise AuthorError([Fault("no target is ticked")])
        if of_chosen:
            return ticked
        if str(len(ticked)) != request.form["offered_targets"]:
            raise AuthorError([Fault("the ticked targets are those of another profile: show those of this one first")])
        return []

    def _change_rate(self) -> str:
        run = self._plugin.latest
        if run is None:
            raise AuthorError([Fault("nothing runs")])
        return run.change_rate(_number(request.form.get("factor", "")), self._who())

    def _stop(self) -> str:
        now = request.form.get("how") == "now"
        if now and self._plugin.latest is not None:
            self._plugin.latest.skip_grace()
        gevent.spawn(runner_of(self._environment).stop)
        return (
            "stopping, without waiting for what is in flight" if now else "stopping, once what is in flight has ended"
        )

    def _who(self) -> str:
        """Return who sends the request, as far as it is known."""
        if not self._web_ui.web_login:
            return "web page"
        return f"web page, {one_line(str(current_user.get_id()), _LONGEST_NAME)}"


def _lines(head: str, error: AuthorError) -> Sequence[str]:
    """Return the faults below a head, or a single one beside it."""
    faults = [str(fault) for fault in error.faults]
    return [head, *faults] if len(faults) > 1 else [f"{head} {faults[0]}"]


def _number(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise AuthorError([Fault(f"{one_line(text, 40)!r} is no number")])
    return number
