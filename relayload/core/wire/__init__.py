"""OpenAI-compatible JSON and server-sent events: bytes in, facts out."""
