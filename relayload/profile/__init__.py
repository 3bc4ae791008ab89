"""Profiles: the YAML that describes a whole test, read with every fault reported at once."""

from relayload.profile.loading import load
from relayload.profile.model import Profile

__all__ = ["Profile", "load"]
