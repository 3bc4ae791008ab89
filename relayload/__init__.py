"""Load tests for OpenAI-compatible relays."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from relayload.client import RelayClient
    from relayload.swarm.relay_user import RelayUser

__all__ = ["RelayClient", "RelayUser", "__version__"]
__version__ = "0.1.0"

_EXPORTS = {"RelayClient": "relayload.client", "RelayUser": "relayload.swarm.relay_user"}
"""Imported when they are first asked for: the command line does without both, and a script without Locust."""


def __getattr__(name: str) -> Any:
    if name not in _EXPORTS:
        raise AttributeError(f"module 'relayload' has no attribute '{name}'")
    return getattr(importlib.import_module(_EXPORTS[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_EXPORTS})
