"""Connects our runs to Locust: what each kind of node takes part in."""

from locust.env import Environment
from locust.event import Events
from locust.runners import MasterRunner, WorkerRunner

import os
from typing import TYPE_CHECKING, Any

from relayload.engine.generator import Generator
from relayload.locust_plugin.choices import Choice
from relayload.locust_plugin.controller import Controller
from relayload.locust_plugin.master_plugin import MasterPlugin
from relayload.locust_plugin.nodes import leave_json_to_master
from relayload.locust_plugin.options import Options
from relayload.locust_plugin.worker import Worker
from relayload.profile import Profile
from relayload.transport.http_log import from_environment

if TYPE_CHECKING:
    from relayload.locust_plugin.live_page import LivePages


class LocustPlugin:
    """This process's part in the runs of one profile, whatever kind of node it is."""

    def __init__(self, profile: Profile, options: Options) -> None:
        self._profile = profile
        self._options = options
        self._http_log = from_environment(os.environ)
        self._worker: Worker | None = None
        self._master: MasterPlugin | None = None

    @property
    def latest(self) -> Controller | None:
        """The current or latest run; None before the first one, and on a worker."""
        return self._master.run if self._master else None

    @property
    def profile(self) -> Profile:
        """What the current or latest run is of; before the first one, the profile that Locust was started with."""
        return self.latest.choice.effective if self.latest else self._profile

    @property
    def trouble(self) -> str | None:
        """Why the requested run or its verdict is missing; None if all is well."""
        return self._master.trouble if self._master else None

    @property
    def generator(self) -> Generator | None:
        """The generator of this process; None before the first run and on a master."""
        return self._worker.generator if self._worker else None

    def check_idle(self) -> None:
        """Raise AuthorError if no run can be started now."""
        assert self._master is not None, "a worker starts nothing"
        self._master.check_idle()

    @property
    def only_run(self) -> str | None:
        """Why no further run can be started, and what to do about it; None if one can."""
        return self._master.only_run if self._master else None

    def start(self, choice: Choice) -> None:
        """Start a run of what somebody has chosen. Raises AuthorError if it can't be."""
        assert self._master is not None, "a worker starts nothing"
        self._master.start(choice)

    def follow(self, pages: "LivePages") -> None:
        """Tell the page of each run from now on."""
        assert self._master is not None, "a worker has no page"
        self._master.pages = pages

    def listen(self, events: Events) -> None:
        """Attach to Locust; called when the locustfile is imported."""
        events.init.add_listener(self._on_init)

    def _on_init(self, environment: Environment, **_: Any) -> None:
        if not isinstance(environment.runner, MasterRunner):
            self._worker = Worker(environment, self._profile, self._http_log)
            self._worker.listen()
            if isinstance(environment.runner, WorkerRunner):
                leave_json_to_master(environment)
        if not isinstance(environment.runner, WorkerRunner):
            self._master = MasterPlugin(environment, self._profile, self._options, self._http_log)
            self._master.listen()
