"""The targets of one run after another: those that Locust was started with stay, others last as long as their run."""

from relayload.engine.targets import TargetHost
from relayload.locust_plugin.choices import Choice
from relayload.locust_plugin.options import Options
from relayload.profile import Profile
from relayload.transport.http_log import HttpLog


class RunTargets:
    """Hosts the targets of the latest run."""

    def __init__(self, profile: Profile, options: Options, http_log: HttpLog | None) -> None:
        """`profile` is the one that Locust was started with."""
        self._profile = profile
        self._fakes = options.fakes
        self._http_log = http_log
        self._first = TargetHost(profile, self._fakes, http_log)
        self._chosen: TargetHost | None = None
        """Those of the latest run, if they are not those of the profile that Locust was started with."""

    def check(self) -> None:
        """Check each target before the first run, which does not check again. Raises TargetUnreachable."""
        self._first.check()

    def base_urls(self, choice: Choice) -> dict[str, str]:
        """Return the base URL of each target of a run by name, once each has answered. Raises TargetUnreachable."""
        return self._of(choice).base_urls()

    def stop(self) -> None:
        for targets in (self._first, self._chosen):
            if targets is not None:
                targets.stop()

    def _of(self, choice: Choice) -> TargetHost:
        """Return the targets of a run; those of the profile that Locust was started with are kept for the next ones."""
        if self._chosen is not None:
            self._chosen.stop()
            self._chosen = None
        profile = choice.effective
        if choice.file is None and profile.named_targets.keys() == self._profile.named_targets.keys():
            return self._first
        running = {} if choice.file else self._fakes
        self._chosen = TargetHost(profile, running, self._http_log)
        return self._chosen
