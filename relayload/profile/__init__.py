"""Profiles: the YAML that says everything that traffic is, read with every fault at once."""

from relayload.profile.loading import load
from relayload.profile.model import Profile

__all__ = ["Profile", "load"]
