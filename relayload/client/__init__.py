"""A client for relays: retries, quotas, circuit breakers and batches, without Locust and beside it."""

from relayload.client.call_report import CallReport
from relayload.client.client import RelayClient
from relayload.client.errors import CallFailed

__all__ = ["CallFailed", "CallReport", "RelayClient"]
