"""Load tests for OpenAI-compatible relays, and the client that they send with. docs/api.md explains every name."""

import importlib
from typing import TYPE_CHECKING

__all__ = [
    "AuthError",
    "AuthorError",
    "BadRequest",
    "BatchRun",
    "BreakerPolicy",
    "BrokenStream",
    "CallFailed",
    "CallReport",
    "CallerError",
    "ChatRequest",
    "CircuitOpen",
    "Completion",
    "ContentFiltered",
    "CutOff",
    "DeadlineExceeded",
    "Embeddings",
    "FakeRelay",
    "Limit",
    "NotSent",
    "Outcome",
    "Overloaded",
    "QuotaExhausted",
    "RateLimited",
    "RelayClient",
    "RelayError",
    "RelayUser",
    "ResponseLimits",
    "RetryPolicy",
    "Rule",
    "ServerError",
    "TimedOut",
    "Timeouts",
    "Unreachable",
    "__version__",
    "load_users",
]
__version__ = "0.1.0"

if TYPE_CHECKING:
    from relayload.client.batches import BatchRun
    from relayload.client.call_report import CallReport
    from relayload.client.chat_request import ChatRequest
    from relayload.client.client import RelayClient
    from relayload.client.errors import (
        AuthError,
        BadRequest,
        BrokenStream,
        CallerError,
        CallFailed,
        CircuitOpen,
        ContentFiltered,
        CutOff,
        DeadlineExceeded,
        NotSent,
        Overloaded,
        QuotaExhausted,
        RateLimited,
        RelayError,
        ServerError,
        TimedOut,
        Unreachable,
    )
    from relayload.client.results import Completion, Embeddings
    from relayload.core.errors import AuthorError
    from relayload.core.model.record import Outcome
    from relayload.core.resilience.breaker_policy import BreakerPolicy
    from relayload.core.resilience.classify import Rule
    from relayload.core.resilience.limit import Limit
    from relayload.core.resilience.retry import RetryPolicy
    from relayload.core.wire.request import Timeouts
    from relayload.core.wire.response_limits import ResponseLimits
    from relayload.fakerelay.process import FakeRelay
    from relayload.locust_plugin.load import load_users
    from relayload.locust_plugin.relay_user import RelayUser
else:  # a type checker that saw these would take any name for an export
    _HOMES = {
        "AuthorError": "core.errors",
        "BatchRun": "client.batches",
        "BreakerPolicy": "core.resilience.breaker_policy",
        "CallReport": "client.call_report",
        "ChatRequest": "client.chat_request",
        "Completion": "client.results",
        "Embeddings": "client.results",
        "FakeRelay": "fakerelay.process",
        "Limit": "core.resilience.limit",
        "Outcome": "core.model.record",
        "RelayClient": "client.client",
        "RelayUser": "locust_plugin.relay_user",
        "ResponseLimits": "core.wire.response_limits",
        "RetryPolicy": "core.resilience.retry",
        "Rule": "core.resilience.classify",
        "Timeouts": "core.wire.request",
        "load_users": "locust_plugin.load",
    }
    """Where each name is defined, from which it is imported when it is first asked for; the others are errors."""

    def __getattr__(name):
        if name not in __all__:
            raise AttributeError(f"module 'relayload' has no attribute '{name}'")
        return getattr(importlib.import_module(f"relayload.{_HOMES.get(name, 'client.errors')}"), name)

    def __dir__():
        return sorted({*globals(), *__all__})
