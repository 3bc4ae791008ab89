"""Writes and reads OpenAI-compatible JSON and server-sent events, without I/O."""
