"""Load tests for OpenAI-compatible relays."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from relayload.client import RelayClient as RelayClient

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """`relayload.RelayClient`, imported when it is first asked for: the command line does without it."""
    if name == "RelayClient":
        from relayload.client import RelayClient

        return RelayClient
    raise AttributeError(f"module 'relayload' has no attribute '{name}'")
