"""The target of a run: the relay the profile names, or a fake one of our own while it is needed."""

from relayload.fakerelay.process import FakeRelay
from relayload.profile import Profile
from relayload.swarm.preflight import preflight


class TargetHost:
    """Finds the base URL to send to; starts the fake relay at most once and stops it at the end."""

    def __init__(self, profile: Profile) -> None:
        self._target = profile.target
        self._fake: FakeRelay | None = None

    def base_url(self) -> str:
        """Where to send, once it has answered. Raises TargetUnreachable."""
        key = self._target.api_key.reveal()
        preset = self._target.fake_preset
        if preset is not None and self._fake is None:
            self._fake = FakeRelay.start(preset, api_key=key)
        base_url = self._fake.base_url if self._fake else self._target.base_url
        preflight(base_url, key, self._target.options)
        return base_url

    def stop(self) -> None:
        if self._fake is not None:
            self._fake.stop()
            self._fake = None
