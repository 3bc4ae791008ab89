"""The targets of a run: the relays that the profile names, and fake relays that run only as long as they are needed."""

import logging
import socket
from collections.abc import Mapping
from urllib.parse import urlsplit

from relayload.core.wire.request import WireRequest
from relayload.doctor.preflight import preflight
from relayload.engine.fake_relays import Fakes
from relayload.profile import Profile
from relayload.profile.target import Target
from relayload.transport.drivers import Options
from relayload.transport.http_log import HttpLog

_CONNECT_S = 5.0
_LOG = logging.getLogger("relayload")


def shown(profile: Profile) -> str:
    """Return where the load goes, as the profile puts it, for people."""
    if not profile.several:
        (target,) = profile.named_targets.values()
        return target.base_url
    return ", ".join(f"{name}: {target.base_url}" for name, target in profile.named_targets.items())


def answers(base_url: str) -> bool:
    """Return whether something listens at a URL."""
    parts = urlsplit(base_url)
    try:
        socket.create_connection((parts.hostname, parts.port), _CONNECT_S).close()
    except OSError:
        return False
    return True


class TargetHost:
    """Resolves the base URLs to send to. Starts fake relays, unless they run already, and stops them at the end."""

    def __init__(self, profile: Profile, running: Mapping[str, str], http_log: HttpLog | None = None) -> None:
        self._profile = profile
        self._targets = profile.named_targets
        self._running = running
        self._http_log = http_log
        self._fakes = Fakes(profile)
        self._checked: dict[str, str] | None = None

    def check(self) -> None:
        """Check each target before the first run, which does not check again. Raises TargetUnreachable."""
        self._checked = self.base_urls()

    def base_urls(self) -> dict[str, str]:
        """Return the base URL of each target by name, once each has answered. Raises TargetUnreachable."""
        checked, self._checked = self._checked, None
        return checked or self._asked_all()

    def stop(self) -> None:
        self._fakes.stop()

    def _asked_all(self) -> dict[str, str]:
        fakes = {name: url for name, url in (self._running or self._fakes.base_urls()).items() if name in self._targets}
        for name, url in fakes.items():
            _LOG.info("a fake relay (%s) is at %s", self._targets[name].fake_preset, url)
        return {name: self._asked(name, target, fakes.get(name)) for name, target in self._targets.items()}

    def _asked(self, name: str, target: Target, fake_url: str | None) -> str:
        base_url = fake_url or target.base_url
        options: Options = {**target.options, "http_log": self._http_log}
        _LOG.info("asking %s whether it can be load-tested", base_url)
        for key_name, key in target.named_keys.items():
            preflight(
                base_url,
                key,
                options,
                path=f"targets.{name}" if self._profile.several else "target",
                key_path=target.key_path(key_name),
                classifier=self._profile.client_policy(target).classifier,
                small_requests=lambda: self._small_requests(target),
                models=self._models(target),
                hidden=self._profile.scenario_secrets,
            )
        return base_url

    def _models(self, target: Target) -> set[str]:
        """Return the models by the names that the target uses."""
        named = {model for scenario in self._profile.scenarios.values() for model in scenario.models}
        return {target.models.get(model, model) for model in named}

    def _small_requests(self, target: Target) -> tuple[WireRequest, ...]:
        from relayload.doctor.questions import small_requests  # seldom needed: most relays list their models

        return small_requests(self._profile, target)
