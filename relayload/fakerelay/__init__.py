"""A small OpenAI-compatible relay with known latency, limits and faults, to test against."""
