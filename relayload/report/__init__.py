"""Renders summaries and verdicts, for people and machines."""
