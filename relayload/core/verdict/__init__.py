"""Judging a recording: objectives, statistics, verdicts."""
