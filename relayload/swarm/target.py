"""The targets of a run: the relays that the profile names, or fake ones of our own while they are needed."""

from relayload.doctor.preflight import preflight
from relayload.fakerelay.process import FakeRelay
from relayload.profile import Profile
from relayload.profile.target import Target


class TargetHost:
    """Finds the base URLs to send to; starts each fake relay at most once and stops it at the end."""

    def __init__(self, profile: Profile) -> None:
        self._targets = profile.named_targets
        self._several = profile.several
        self._fakes: dict[str, FakeRelay] = {}

    def base_urls(self) -> dict[str, str]:
        """Where to send, by the name of the target, once each has answered. Raises TargetUnreachable."""
        return {name: self._base_url(name, target) for name, target in self._targets.items()}

    def stop(self) -> None:
        for fake in self._fakes.values():
            fake.stop()
        self._fakes.clear()

    def _base_url(self, name: str, target: Target) -> str:
        key = target.api_key.reveal()
        if target.fake_preset is not None and name not in self._fakes:
            self._fakes[name] = FakeRelay.start(target.fake_preset, api_key=key)
        base_url = self._fakes[name].base_url if name in self._fakes else target.base_url
        preflight(base_url, key, target.options, path=f"targets.{name}" if self._several else "target")
        return base_url
