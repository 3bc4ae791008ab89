"""The targets of a run: the relays that the profile names, or fake ones of our own while they are needed."""

from relayload.core.wire.request import WireRequest
from relayload.doctor.preflight import preflight
from relayload.fakerelay.process import FakeRelay
from relayload.profile import Profile
from relayload.profile.target import Target


class TargetHost:
    """Finds the base URLs to send to; starts each fake relay at most once and stops it at the end."""

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self._targets = profile.named_targets
        self._fakes: dict[str, FakeRelay] = {}
        self._checked: dict[str, str] | None = None

    def check(self) -> None:
        """Ask each target before the first run, which does not ask again. Raises TargetUnreachable."""
        self._checked = self.base_urls()

    def base_urls(self) -> dict[str, str]:
        """Where to send, by the name of the target, once each has answered. Raises TargetUnreachable."""
        checked, self._checked = self._checked, None
        return checked or {name: self._base_url(name, target) for name, target in self._targets.items()}

    def stop(self) -> None:
        for fake in self._fakes.values():
            fake.stop()
        self._fakes.clear()

    def _base_url(self, name: str, target: Target) -> str:
        key = target.api_key.reveal()
        if target.fake_preset is not None and name not in self._fakes:
            self._fakes[name] = FakeRelay.start(target.fake_preset, api_key=key)
        base_url = self._fakes[name].base_url if name in self._fakes else target.base_url
        preflight(
            base_url,
            key,
            target.options,
            path=f"targets.{name}" if self._profile.targets else "target",
            classifier=self._profile.client_policy(target).classifier,
            small_requests=lambda: self._small_requests(target),
            hidden=self._profile.scenario_secrets,
        )
        return base_url

    def _small_requests(self, target: Target) -> tuple[WireRequest, ...]:
        from relayload.doctor.questions import small_requests  # seldom needed: most relays list their models

        return small_requests(self._profile, target)
