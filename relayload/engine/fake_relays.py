"""The fake relays that a profile asks for, all started at once."""

import contextlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from relayload.fakerelay.process import FakeRelay
    from relayload.profile import Profile


class Fakes:
    """The fake relays of a profile by the name of their target. Each is started at most once."""

    def __init__(self, profile: "Profile") -> None:
        self._targets = {name: target for name, target in profile.named_targets.items() if target.fake_preset}
        self._relays: dict[str, FakeRelay] = {}

    def begin(self) -> None:
        """Start them without waiting until they answer."""
        if not self._targets or self._relays:
            return
        from relayload.fakerelay.process import FakeRelay  # most runs have a relay

        for name, target in self._targets.items():
            self._relays[name] = FakeRelay.begin(target.fake_preset or "", api_key=" ".join(target.named_keys.values()))

    def base_urls(self) -> dict[str, str]:
        """Return their base URLs, once they answer. Raises RuntimeError with the output of one that doesn't."""
        self.begin()
        return {name: relay.await_ready() for name, relay in self._relays.items()}

    def answering(self) -> dict[str, str]:
        """Return the same, or nothing if one does not answer; `base_urls` then raises the reason."""
        with contextlib.suppress(RuntimeError):
            return self.base_urls()
        return {}

    def stop(self) -> None:
        """Stop all of them."""
        for relay in self._relays.values():
            relay.stop()
        self._relays.clear()
