"""The `generator:` of a profile: when the load generator itself is not to be trusted."""

from relayload.core.model.health import Thresholds
from relayload.profile.types import Duration, Part, Share

_DEFAULT = Thresholds()


class GeneratorBounds(Part):
    """What a run may show of its generator and still be believed; past that its verdict is INVALID."""

    late_s: Duration = _DEFAULT.late_s
    """A start later than this after its intended instant is late, and so is an event loop that lags more (p95)."""
    late_share: Share = _DEFAULT.late_share
    """The most starts that may be late."""
    drop_share: Share = _DEFAULT.drop_share
    """The most arrivals that may be dropped."""
    lost_share: Share = _DEFAULT.lost_share
    """The most arrivals that may be lost with workers that die."""
    loop_lag_s: Duration = _DEFAULT.loop_lag_s
    """The most that the event loop may lag (p99) where the kernel gives no timestamps."""

    @property
    def thresholds(self) -> Thresholds:
        return Thresholds(**dict(self))
