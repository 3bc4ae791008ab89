"""What finish reasons mean, by the words of all endpoints."""

CUT = frozenset({"length", "max_tokens", "max_output_tokens", "incomplete"})
"""The answer used up its budget."""
CALLS = frozenset({"tool_calls", "function_call", "tool_use"})
"""It calls tools."""
FILTERED = frozenset({"content_filter", "refusal", "safety"})
"""A filter ended it, or the model refused."""
