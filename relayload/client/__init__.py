"""A client for relays with retries, quotas, circuit breakers and batches. Works with and without Locust."""

from relayload.client.call_report import CallReport
from relayload.client.client import RelayClient
from relayload.client.errors import CallFailed

__all__ = ["CallFailed", "CallReport", "RelayClient"]
