"""Load tests for OpenAI-compatible relays."""

__version__ = "0.1.0"
