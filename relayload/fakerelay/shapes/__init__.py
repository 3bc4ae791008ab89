"""Checks values against a JSON Schema, and generates values that fit one."""
