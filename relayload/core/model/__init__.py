"""Structs that describe a run, without any computation."""
